package leak

import "time"

// Transition is a step in the life of a leak.
type Transition struct {
	Time time.Time `json:"time"`
	// From is empty at the first.
	From State `json:"from,omitempty"`
	To   State `json:"to"`
	// Why in plain words, without a full stop.
	Why string `json:"why,omitempty"`
}

// Phase is the State, and Plateaued for what fires and does not grow.
func (l Leak) Phase() State {
	if l.State == Firing && !l.PlateauedAt.IsZero() {
		return Plateaued
	}
	return l.State
}
