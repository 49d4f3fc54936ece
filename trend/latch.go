package trend

import "time"

// latch follows a leak from its detection to its end, so that a pause in the
// growth or a restart is not taken for the end of it.
type latch struct {
	open    bool
	growing time.Time // when it was last seen to grow
	verdict Verdict   // of then
}

// The patience with a leak that does not grow: after a restart it is given
// half a day to show again; a plateau is reported for two days.
const (
	hideout = 720  // base blocks
	plateau = 2880 // base blocks
)

// follow turns the verdict of now into that of the leak that is open.
func (l *latch) follow(now time.Time, base time.Duration, v Verdict, floor float64) Verdict {
	goesOn := l.open && (v.Status == Suspicious || v.Status == Provisional) && v.Z >= sure &&
		v.Scale >= l.verdict.Scale/4 && v.Rate.Value > l.verdict.Rate.Value/5 && v.Rate.Value < 5*l.verdict.Rate.Value
	if v.Status == Leaking || goesOn {
		if l.open && l.verdict.Onset.Before(v.Onset) {
			v.Onset = l.verdict.Onset // the window has moved on, the leak has not
		}
		l.open, l.growing = true, now
		v.Status, v.Gate = Leaking, GateNone
		l.verdict = v
		return v
	}
	if !l.open {
		return v
	}
	quiet := now.Sub(l.growing)
	last := l.verdict
	stays := floor >= last.floor-0.5*last.Leaked
	switch {
	case quiet < 60*base && stays:
		last.Status, last.Gate = Leaking, GateNone
		return last
	case stays && quiet < plateau*base:
		last.Status, last.Gate, last.Rate = Plateaued, v.Gate, Interval{}
		return last
	case !stays && quiet < hideout*base:
		if v.Status == Quiet {
			v.Status, v.Gate = Suspicious, GateCameBack
		}
		return v
	}
	*l = latch{}
	return v
}
