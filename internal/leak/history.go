package leak

import (
	"slices"
	"time"
)

// Transition is a step in the life of a leak.
type Transition struct {
	Time time.Time `json:"time"`
	// From is empty at the first.
	From State `json:"from,omitempty"`
	To   State `json:"to"`
	// Why in plain words, without a full stop.
	Why string `json:"why,omitempty"`
}

// maxTransitions bounds the history of a leak: the first step stays, and the
// latest.
const maxTransitions = 50

// Phase is the State, and Plateaued for what fires and does not grow.
func (l Leak) Phase() State {
	if l.State == Firing && !l.PlateauedAt.IsZero() {
		return Plateaued
	}
	return l.State
}

// move gives a leak another state and says why. What was handed out before is
// not changed.
func (l *Leak) move(now time.Time, to State, why string) {
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
