package trend

import "time"

// latch is a leak that is open. It is followed from its detection to its end,
// so that a pause in the growth or a restart is not taken for the end of it.
type latch struct {
	growing time.Time // when it was last seen to grow
	verdict Verdict   // of then
}

// The patience with a leak that does not grow: after a restart it is given
// half a day to show again; a plateau is reported for two days.
const (
	hideout = 720  // base blocks
	plateau = 2880 // base blocks
)

// follow turns the verdict of now into that of the leak that is open, if l is
// not nil or one begins, and returns what is open then.
func (l *latch) follow(now time.Time, base time.Duration, v Verdict, floor float64) (Verdict, *latch) {
	if v.Status == Leaking || l != nil && l.goesOn(v) {
		if l == nil {
			l = &latch{}
		} else if l.verdict.Onset.Before(v.Onset) {
			v.Onset = l.verdict.Onset // the window has moved on, the leak has not
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
	// The floor of then may be from after a fall that the trend had not seen yet. There cannot be
	// fewer goroutines than those that stay.
	stays := floor >= max(last.floor-0.5*last.Leaked, 0.5*last.Leaked)
	switch {
	case quiet < 60*base && stays:
		last.Status, last.Gate = Leaking, GateNone
		return last, l
	case stays && quiet < plateau*base:
		last.Status, last.Gate, last.Rate = Plateaued, v.Gate, Interval{}
		return last, l
	case !stays && quiet < hideout*base:
		if v.Status == Quiet {
			v.Status, v.Gate, v.Wait = Suspicious, GateCameBack, 0
		}
		return v, l
	}
	return v, nil
}

// goesOn tells whether growth that by itself would be no more than suspicious
// is that of the leak.
func (l *latch) goesOn(v Verdict) bool {
	last := &l.verdict
	return (v.Status == Suspicious || v.Status == Provisional) && v.Z >= likely && v.Scale >= last.Scale/4 &&
		v.Rate.Value > last.Rate.Value/5 && v.Rate.Value < 5*last.Rate.Value
}
