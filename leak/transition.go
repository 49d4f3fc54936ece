package leak

import "time"

// Transition is a change of a leak's state.
type Transition struct {
	Time time.Time `json:"time"`
	// From is empty in the first transition.
	From State `json:"from,omitempty"`
	To   State `json:"to"`
	// Why gives the reason in plain words, without a full stop.
	Why string `json:"why,omitempty"`
}

// Phase returns the State, or Plateaued for a leak that fires and does not grow.
func (l Leak) Phase() State {
	if l.State == Firing && !l.PlateauedAt.IsZero() {
		return Plateaued
	}
	return l.State
}
