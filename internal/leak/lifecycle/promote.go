package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// For how many base blocks the counts alone say too little of a service whose
// profiles come: goroutines that stay stand on some stack. A stack that grows as
// jobs and pools do has a day to show that it goes on, what no stack explains is
// told of after half a day.
const (
	doubtBlocks       = 1440
	unexplainedBlocks = 720
)

// patience is how long the counts wait for a stack that explains what they say.
func (t *Tracker) profilePatience(e Evaluation) time.Duration {
	switch {
	case !e.ProfilesExpected:
		return 0
	case e.Profiled:
		return unexplainedBlocks * t.options.Base
	}
	return t.options.Patience
}

// LongLife is for how many base blocks all goroutines of a suspicion have to
// stay before that says something of those that wait as idle workers do.
const LongLife = 30

// dominance is by how much the goroutines of a suspicion outnumber all others
// of the process before they are taken for no pool.
const dominance = 3

// runaway is by how much the goroutines of a suspicion outnumber all others
// when nothing is waited for any more: caches and pools do not, and the process
// may not live much longer.
const overwhelming = 10

// How many base blocks a stack has to grow for, as a leak does and nothing
// healthy, before that is enough for an alarm: a day, so that every hour of it
// was seen; less where nothing healthy waits for long and the load, which was
// accounted for, makes no queue.
const (
	longGrowth  = 1440
	stuckGrowth = 360
)

// lasts tells whether stacks have grown for so long, and so, that they leak
// whatever the counts say, in which they may be lost among the others.
func (t *Tracker) growsForLong(a attribution.Attribution) bool {
	return a.Lasting >= longGrowth*t.options.Base || a.LoadKnown && stack.Stuck(a.Stacks[0].Op) && a.Lasting >= stuckGrowth*t.options.Base
}

// promote tells of what is suspected when that is earned: by the counts, which
// are enough for an alarm if the stacks bear them out; by stacks that
// have grown for long as nothing healthy does; by goroutines that are known to
// stay where nothing healthy waits for long; by the garbage collector. A pool is
// waited for no longer once it outnumbers all else in the process.
//
// Idle workers and connections wait in a receive, a select or a read: of these
// not one may have ended in a long time, while they came to outnumber all else in
// the process. That is for leaks whose goroutines work on, so that the load grows
// with them and the counts say nothing.
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
			// The leak that comes back is the same one, with a new beginning.
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

// doubts is why what the counts say of a suspicion waits for its stacks: these
// do what a pool does, or do not show yet that they do what a leak does. Empty:
// it does not wait.
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

// doubtful tells whether the alarm of the counts says too little without a stack:
// since it began, or within a day, the stacks behind it did what a pool does.
func (t *Tracker) countsAreDoubtful(now time.Time) bool {
	return !t.doubtedAt.Before(t.alarmSince) || now.Sub(t.doubtedAt) < longGrowth*t.options.Base
}

// spent tells whether a leak that somebody was told of has grown lately: the
// alarm of the counts is about that one, and says nothing of another.
func (t *Tracker) alarmIsExplained(now time.Time) bool {
	return slices.ContainsFunc(t.open, func(r *record) bool {
		return r.leak.State == leak.Firing && r.leak.Signature != "" && r.leak.DetectedAt.Before(now) && now.Sub(r.grewAt) < stuckGrowth*t.options.Base
	})
}

// dominates tells whether the stacks of a leak outnumber all others of the
// process by so much.
func (r *record) dominates(times float64) bool {
	if r.leak.Head == nil || len(r.profiledInstances) == 0 {
		return false
	}
	var held float64
	for _, s := range r.leak.Stacks {
		held += float64(s.Head)
	}
	held /= float64(len(r.profiledInstances)) // each, on the average
	return held >= times*(float64(r.leak.Head.Total)-held)
}
