package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend"
)

// lost tells whether an instance is not there any more.
func (t *Tracker) isLost(now time.Time, in trend.Instance) bool {
	return now.Sub(in.LastSeen) > max(5*t.options.Base, 3*t.options.Interval)
}

// living lists the instances that still have samples, by name.
func (t *Tracker) living(now time.Time, all []trend.Instance) map[string]trend.Instance {
	out := make(map[string]trend.Instance, len(all))
	for _, in := range all {
		if !t.isLost(now, in) {
			out[in.Name] = in
		}
	}
	return out
}

// replaced tells whether another process has taken the place of the one that
// leaked.
func (w *watch) isReplaced(now trend.Instance) bool {
	return procstart.At(now.Started).Differs(procstart.At(w.started))
}

// holds is how many leaked goroutines a process has now: those above the count
// without the leak. A profile knows better, if it was taken since a restart or
// since the count fell.
func (w *watch) leakedNow(now trend.Instance) float64 {
	since := w.lowSince
	if w.isReplaced(now) {
		since = now.Started
	}
	if !since.IsZero() && w.seen.After(since) {
		return float64(w.standing)
	}
	if math.IsNaN(w.clean) {
		return 0
	}
	return max(0, now.Count-w.clean)
}

// free tells whether an instance is rid of what it had leaked. At night the
// count may be lower than it was by day without the leak: where a profile of
// since then shows that the goroutines are still there, they are.
func (w *watch) isClean(now trend.Instance) bool {
	restarted := procstart.At(now.Started).After(procstart.At(w.started))
	return restarted || w.isLow(now) && !w.profileShowsLeak()
}

// low tells whether the count is as if half of what had leaked were gone.
func (w *watch) isLow(now trend.Instance) bool { return now.Count <= w.clean+w.leaked/2 }

// stands tells whether more than half of the goroutines stood on the leak's
// stacks in a profile that was taken while the count was low.
func (w *watch) profileShowsLeak() bool {
	return !w.lowSince.IsZero() && w.seen.After(w.lowSince) && 2*w.standing > w.mostStanding
}

// leaksAgain tells whether an instance grows now.
func leaksAgain(v trend.Verdict, name string) bool {
	return v.Status.Grows() && slices.ContainsFunc(v.Instances, func(it trend.InstanceTrend) bool { return it.Instance == name })
}
