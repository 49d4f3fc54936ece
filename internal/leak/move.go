package leak

import (
	"slices"
	"time"
)

// maxTransitions bounds the history of a leak: the first step stays, and the
// latest.
const maxTransitions = 50

// move gives a leak another state and says why. What was handed out before is
// not changed.
func move(l *Leak, now time.Time, to State, why string) {
	step := Transition{Time: now, From: l.Phase(), To: to, Why: why}
	l.Transitions = append(slices.Clone(l.Transitions), step)
	if n := len(l.Transitions) - maxTransitions; n > 0 {
		l.Transitions = slices.Delete(l.Transitions, 1, 1+n)
	}
	switch to {
	case Plateaued:
		l.PlateauedAt, to = now, Firing
	case Firing, Suspected:
		l.PlateauedAt = time.Time{}
	}
	l.State = to
}
