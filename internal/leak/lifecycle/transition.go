package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/leak"
)

// maxTransitions bounds the transitions of a leak: the first one and the latest ones are kept.
const maxTransitions = 50

// move changes the state of a leak and records why. It copies the transitions, because callers hold
// the earlier ones.
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
