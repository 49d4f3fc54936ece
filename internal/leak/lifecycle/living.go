package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend"
)

// isLost reports whether the samples of an instance have stopped.
func (t *Tracker) isLost(now time.Time, in trend.Instance) bool {
	return now.Sub(in.LastSeen) > max(5*t.options.Base, 3*t.options.Interval)
}

// living lists the instances that still have samples, by name. The map is valid until the next
// call, which reuses it, because a scan calls this millions of times.
func (t *Tracker) living(now time.Time, all []trend.Instance) map[string]trend.Instance {
	if t.livingNow == nil {
		t.livingNow = make(map[string]trend.Instance, len(all))
	}
	clear(t.livingNow)
	for _, in := range all {
		if !t.isLost(now, in) {
			t.livingNow[in.Name] = in
		}
	}
	return t.livingNow
}

// isReplaced reports whether another process has replaced the one that leaked.
func (w *watch) isReplaced(now trend.Instance) bool {
	return procstart.At(now.Started).Differs(procstart.At(w.started))
}

// leakedNow is how many leaked goroutines a process holds now: as many as it has above the count
// without the leak. After a restart, or after the count fell, a profile says it more accurately.
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

// isClean reports whether an instance no longer holds leaked goroutines. A count that has fallen,
// as at night, is not enough if a profile taken since then still shows them.
func (w *watch) isClean(now trend.Instance) bool {
	restarted := procstart.At(now.Started).After(procstart.At(w.started))
	return restarted || w.isLow(now) && !w.profileShowsLeak()
}

// isLow reports whether the count is as low as if half of the leaked goroutines were gone. An
// estimate that is inherited from the process before is not exact, so growth beyond it that the
// trend would not notice counts as none.
func (w *watch) isLow(now trend.Instance) bool {
	above := w.leaked / 2
	if w.inherited {
		above = max(above, trend.LeastGrowth(w.clean))
	}
	return now.Count <= w.clean+above
}

// profileShowsLeak reports whether a profile taken since the count fell still has more than half of
// the goroutines on the leak's stacks.
func (w *watch) profileShowsLeak() bool {
	return !w.lowSince.IsZero() && w.seen.After(w.lowSince) && 2*w.standing > w.mostStanding
}

// leaksAgain reports whether an instance grows by the verdict.
func leaksAgain(v trend.Verdict, name string) bool {
	return v.Status.Grows() && slices.ContainsFunc(v.Instances, func(it trend.InstanceTrend) bool { return it.Instance == name })
}
