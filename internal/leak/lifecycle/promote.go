package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// How long an alarm from the counts alone is suppressed while profiles come, in
// base blocks. A stack that grows as in a job or a pool gets a day to show
// whether it goes on. Growth that no stack explains fires after half a day.
const (
	doubtBlocks       = 1440
	unexplainedBlocks = 720
)

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

// dominance is how many times as many goroutines as all others of the process a
// suspicion must have so that it is not taken for a pool.
const dominance = 3

// overwhelming is how many times as many goroutines as all others a suspicion
// must have to fire without waiting. Caches and pools do not grow that large,
// and the process may not live much longer.
const overwhelming = 10

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

// promote lets suspicions fire that have enough evidence. One of these is
// enough: the alarm of the counts, confirmed by the stacks; stacks that grew
// for longer than healthy ones do; goroutines that stay; or a proof by the
// garbage collector. Goroutines that stay are enough where healthy ones do not
// wait for long. Where idle workers and connections wait too, all goroutines
// must have stayed for LongLife and must outnumber all others of the process. A
// stack that looks like a pool fires once it does.
func (t *Tracker) promote(now time.Time) {
	for _, r := range t.open {
		if r.leak.State != leak.Suspected {
			continue
		}
		proven := r.leak.Evidence == leak.Proven ||
			r.leak.Evidence == leak.Aged && len(r.leak.Stacks) > 0 &&
				(stack.Stuck(r.leak.Stacks[0].Op) || r.longestStay >= LongLife*t.options.Base && r.dominates(dominance))
		earned := proven || r.growsForLong
		counted := !t.alarmSince.IsZero() && !t.alarmIsExplained(now)
		if counted && !earned {
			if why := t.reasonToWait(now, r); why != "" {
				counted, t.suppressedReason = false, why
			}
		}
		if earned || counted {
			why := "the counts grow as a leak does"
			switch {
			case proven:
				why = "its goroutines stay"
			case r.growsForLong && t.alarmSince.IsZero():
				why = "its stacks have grown for long as nothing healthy does"
			}
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
}

// reasonToWait says why a suspicion does not fire although the counts raise an
// alarm: its stacks grow as in a pool, or do not yet grow as in a leak. Empty:
// it need not wait.
func (t *Tracker) reasonToWait(now time.Time, r *record) string {
	switch {
	case r.filling && !r.dominates(dominance):
		t.doubtedAt = now
		return "its stack does what a pool does that fills, or a job"
	case r.dominates(overwhelming) || now.Sub(t.alarmSince) >= doubtBlocks*t.options.Base:
		return ""
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
