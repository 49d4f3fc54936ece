package trend

import "time"

// openLeak is a leak that has been detected and has not ended. It is remembered so that a pause
// in the growth, or a restart, does not count as its end.
type openLeak struct {
	growing time.Time // when it was last seen to grow
	verdict Verdict   // of that time
}

// How long a leak that no longer grows stays open, in base blocks.
const (
	restartGrace = 720  // half a day, if its goroutines are gone, as after a restart
	plateauTime  = 2880 // two days, if they stay
)

// follow returns the verdict on the open leak, given the latest verdict and floor, and the leak
// that is open from now on. l is nil while none is open; a Leaking verdict opens one.
func (l *openLeak) follow(now time.Time, base time.Duration, v Verdict, floor float64) (Verdict, *openLeak) {
	if v.Status == Leaking || l != nil && l.goesOn(v) {
		if l == nil {
			l = &openLeak{}
		} else if l.verdict.Onset.Before(v.Onset) {
			v.Onset = l.verdict.Onset // blocks forget the beginning of a long leak
		}
		v.Status, v.Gate, v.Wait = Leaking, GateNone, 0
		l.growing, l.verdict = now, v
		return v, l
	}
	if l == nil {
		return v, nil
	}
	quiet := now.Sub(l.growing)
	last := l.verdict
	// last.floor may be from after a fall that the trend had not seen yet. So at least half of the
	// leaked goroutines must be there, too.
	stays := floor >= max(last.floor-0.5*last.Leaked, 0.5*last.Leaked)
	switch {
	case quiet < 60*base && stays:
		last.Status, last.Gate = Leaking, GateNone
		return last, l
	case stays && quiet < plateauTime*base:
		last.Status, last.Gate, last.Rate = Plateaued, v.Gate, Interval{}
		return last, l
	case !stays && quiet < restartGrace*base:
		if v.Status == Quiet {
			v.Status, v.Gate, v.Wait = Suspicious, GateCameBack, 0
		}
		return v, l
	}
	return v, nil
}

// goesOn reports whether growth that would be no more than suspicious by itself continues the
// leak: it is clear, shows on blocks of similar length or longer, and has a similar rate.
func (l *openLeak) goesOn(v Verdict) bool {
	last := &l.verdict
	return (v.Status == Suspicious || v.Status == Provisional) && v.Z >= likely && v.Scale >= last.Scale/4 &&
		v.Rate.Value > last.Rate.Value/5 && v.Rate.Value < 5*last.Rate.Value
}
