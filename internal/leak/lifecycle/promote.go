package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// profilePatience is how long an alarm of the counts waits for a stack that explains it.
func (t *Tracker) profilePatience(e Evaluation) time.Duration {
	switch {
	case !e.ProfilesExpected:
		return 0
	case e.Profiled:
		return halfDay * t.options.Base
	}
	return t.options.Patience
}

// LongLife is how many base blocks goroutines that wait as idle workers do must stay before that is
// evidence of a leak. It is also how long growth has no shape yet while something may hang.
const LongLife = 45

// How many times a suspicion outnumbers all other goroutines of the process: dominance if it
// dominates the process, overwhelming if nothing healthy but connections of clients gets so large.
const (
	dominance    = 3
	overwhelming = 10
)

// growsForLong reports whether stacks have grown for so long that they leak whatever the counts say,
// because the growth may be lost in the counts of the whole process. It takes a day, or less if the
// goroutines are blocked where healthy ones do not wait for long and the load is known.
func (t *Tracker) growsForLong(a attribution.Attribution) bool {
	return a.Lasting >= day*t.options.Base || a.LoadKnown && stack.Stuck(a.Stacks[0].Op) && a.Lasting >= quarterDay*t.options.Base
}

// promote weighs all open leaks, and lets the suspicions fire whose confidence is enough.
func (t *Tracker) promote(now time.Time, e Evaluation) {
	for _, r := range t.open {
		t.weigh(r)
		if r.leak.State != leak.Suspected {
			continue
		}
		if r.isPool() {
			t.doubtedAt = now
		}
		if r.hasFallen(e) || now.Sub(r.grewAt) > t.options.Interval && r.leak.Evidence != leak.Proven {
			continue // it fell back or has stopped growing, which a leak does not do
		}
		if !t.isEnough(r) {
			if !t.alarmSince.IsZero() && !t.alarmIsExplained(now) {
				t.suppressedReason = r.reasonToWait()
			}
			continue
		}
		why := r.reasonToFire()
		// A leak that returns is the same leak with a new onset.
		if i := t.indexResolved(r.leak.ID); i >= 0 && t.options.Remember > 0 {
			before := t.resolved[i]
			t.resolved = slices.Delete(t.resolved, i, i+1)
			r.leak.Reopened = before.Reopened + 1
			r.leak.Transitions = slices.Concat(before.Transitions, r.leak.Transitions)
			why = "it came back: " + why
		}
		r.leak.DetectedAt = now
		move(&r.leak, now, leak.Firing, why)
	}
}

// hasFallen reports whether, by the latest counts, every instance has lost half of the goroutines
// that seemed to leak. The trend and the profiles show it only later.
func (r *record) hasFallen(e Evaluation) bool {
	fallen := false
	for name, w := range r.watched {
		if i := find(e.Instances, name); i >= 0 {
			if !w.isLow(e.Instances[i]) {
				return false
			}
			fallen = true
		}
	}
	return fallen
}

// reasonToFire says in plain words what is the strongest evidence.
func (r *record) reasonToFire() string {
	best := r.leak.Parts[0]
	for _, p := range r.leak.Parts {
		if p.LogOdds > best.LogOdds {
			best = p
		}
	}
	switch best.Name {
	case leak.PartProof, leak.PartSurvival:
		return "its goroutines stay"
	case leak.PartLasting:
		return "its stacks have grown, or kept their goroutines, for hours, which healthy ones do not"
	}
	return "the counts grow as a leak does"
}

// reasonToWait says why a suspicion does not fire although there is an alarm.
func (r *record) reasonToWait() string {
	if r.isPool() {
		return "its stack's growth is slowing down, as in a pool that fills up"
	}
	return r.doubt
}

// countsAreDoubtful reports whether an alarm is not enough to fire without a stack, because stacks
// have grown as those of a pool do since it began, or within the last day.
func (t *Tracker) countsAreDoubtful(now time.Time) bool {
	return !t.doubtedAt.Before(t.alarmSince) || now.Sub(t.doubtedAt) < day*t.options.Base
}

// alarmIsExplained reports whether a firing leak has grown recently. An alarm is then about that
// leak, and no evidence of another.
func (t *Tracker) alarmIsExplained(now time.Time) bool {
	return slices.ContainsFunc(t.open, func(r *record) bool {
		return r.leak.State == leak.Firing && r.leak.Signature != "" && r.leak.DetectedAt.Before(now) && now.Sub(r.grewAt) < quarterDay*t.options.Base
	})
}

// isPool reports whether the stacks grow as those of a pool do. Few pools grow to dominate their
// process, so one that does is taken for a pool only if its pace has halved and its goroutines wait
// where those of pools do.
func (r *record) isPool() bool {
	return r.filling && !r.dominates(dominance) || r.halved && !stack.Stuck(r.leak.Stacks[0].Op)
}

// dominates reports whether the leak's stacks outnumber all other goroutines of the process by at
// least a factor.
func (r *record) dominates(times float64) bool { return r.outnumbers() >= times }

// outnumbers is how many times as many goroutines the leak's stacks have as all others of the
// process; 0: unknown.
func (r *record) outnumbers() float64 {
	if r.leak.Head == nil || len(r.profiledInstances) == 0 {
		return 0
	}
	var held float64
	for _, s := range r.leak.Stacks {
		held += float64(s.Head)
	}
	held /= float64(len(r.profiledInstances)) // the average of one process
	return held / max(float64(r.leak.Head.Total)-held, 1)
}
