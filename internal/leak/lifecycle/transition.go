package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// maxTransitions bounds the history of a leak: the first step stays, and the
// latest.
const maxTransitions = 50

// move gives a leak another state and says why. What was handed out before is
// not changed.
func move(l *leak.Leak, now time.Time, to leak.State, why string) {
	step := leak.Transition{Time: now, From: l.Phase(), To: to, Why: why}
	l.Transitions = append(slices.Clone(l.Transitions), step)
	if n := len(l.Transitions) - maxTransitions; n > 0 {
		l.Transitions = slices.Delete(l.Transitions, 1, 1+n)
	}
	switch to {
	case leak.Plateaued:
		l.PlateauedAt, to = now, leak.Firing
	case leak.Firing, leak.Suspected:
		l.PlateauedAt = time.Time{}
	}
	l.State = to
}
