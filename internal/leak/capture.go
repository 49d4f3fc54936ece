package leak

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// MaxCaptures bounds the captures that are kept.
const MaxCaptures = 200

// Capture is what a request for profiles of an instance has brought. It is a
// value, as a Leak is.
type Capture struct {
	// ID is unique; sorted by it they are in the order of time.
	ID       string        `json:"id"`
	Service  labels.Labels `json:"service"`
	Instance string        `json:"instance"`
	// Why is for people: the name of the alert that asked for it.
	Why string    `json:"why"`
	At  time.Time `json:"at"`
	// Profiles, oldest first: the one before the request too, if there is one.
	Profiles []ProfileRef `json:"profiles"`
	// Stacks that grew from the first to the last of them, most grown first, or
	// of a single profile the largest ones.
	Stacks []StackGrowth `json:"stacks"`
	// Error says in plain words why there is no profile.
	Error string `json:"error,omitempty"`
}
