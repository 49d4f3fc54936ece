package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// unexplainedBlocks is for how many base blocks growth that no stack explains does
// not fire while profiles come.
const unexplainedBlocks = 720

// profilePatience is how long an alarm from the counts waits for a stack that
// explains it.
func (t *Tracker) profilePatience(e Evaluation) time.Duration {
	switch {
	case !e.ProfilesExpected:
		return 0
	case e.Profiled:
		return unexplainedBlocks * t.options.Base
	}
	return t.options.Patience
}

// LongLife is for how many base blocks all goroutines of a suspicion must stay,
// if they wait as idle workers do, before that is evidence of a leak.
const LongLife = 30

// How many times as many goroutines as all others of the process a suspicion has
// when it dominates the process, and when nothing healthy would grow that large.
const (
	dominance    = 3
	overwhelming = 10
)

// For how many base blocks a stack must grow as no healthy stack does before
// that alone is enough to fire. longGrowth is a day, so that every hour of the
// day was seen. stuckGrowth applies to goroutines blocked where healthy ones do
// not wait for long, if the load is known and does not explain them.
const (
	longGrowth  = 1440
	stuckGrowth = 360
)

// growsForLong reports whether stacks have grown for so long that they leak
// whatever the counts say. The growth may be lost in the counts of the whole
// process.
func (t *Tracker) growsForLong(a attribution.Attribution) bool {
	return a.Lasting >= longGrowth*t.options.Base || a.LoadKnown && stack.Stuck(a.Stacks[0].Op) && a.Lasting >= stuckGrowth*t.options.Base
}

// promote lets suspicions fire whose parts add up to enough.
func (t *Tracker) promote(now time.Time) {
	for _, r := range t.open {
		t.weigh(r)
		if r.leak.State != leak.Suspected {
			continue
		}
		if r.filling && !r.dominates(dominance) {
			t.doubtedAt = now
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

// reasonToFire says in plain words what speaks most for the leak.
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
		return "its stacks have grown for long as nothing healthy does"
	}
	return "the counts grow as a leak does"
}

// reasonToWait says why a suspicion does not fire although the counts alone would.
func (r *record) reasonToWait() string {
	if r.filling && !r.dominates(dominance) {
		return "its stack's growth is slowing down, as in a pool that fills up"
	}
	return r.doubt
}

// countsAreDoubtful reports whether an alarm without a stack is not enough to
// fire: since it began, or within a day, the stacks behind it grew as in a
// pool.
func (t *Tracker) countsAreDoubtful(now time.Time) bool {
	return !t.doubtedAt.Before(t.alarmSince) || now.Sub(t.doubtedAt) < longGrowth*t.options.Base
}

// alarmIsExplained reports whether a firing leak has grown recently. The alarm
// of the counts is then about that leak and is no evidence of another.
func (t *Tracker) alarmIsExplained(now time.Time) bool {
	return slices.ContainsFunc(t.open, func(r *record) bool {
		return r.leak.State == leak.Firing && r.leak.Signature != "" && r.leak.DetectedAt.Before(now) && now.Sub(r.grewAt) < stuckGrowth*t.options.Base
	})
}

// dominates reports whether the leak's stacks have so many times as many
// goroutines as all others of the process.
func (r *record) dominates(times float64) bool {
	if r.leak.Head == nil || len(r.profiledInstances) == 0 {
		return false
	}
	var held float64
	for _, s := range r.leak.Stacks {
		held += float64(s.Head)
	}
	held /= float64(len(r.profiledInstances)) // the average of one process
	return held >= times*(float64(r.leak.Head.Total)-held)
}
