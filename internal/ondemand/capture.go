package ondemand

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
)

// MaxCaptures limits the stored captures.
const MaxCaptures = 200

// Capture is the result of a request for profiles of an instance. It is a
// value, as a Leak is.
type Capture struct {
	// ID is unique. The order of IDs is the order of time.
	ID       string        `json:"id"`
	Service  labels.Labels `json:"service"`
	Instance string        `json:"instance"`
	// Why is the name of the alert that asked for it, for people.
	Why string    `json:"why"`
	At  time.Time `json:"at"`
	// Profiles are oldest first. They include the last one before the request, if
	// there is one.
	Profiles []leak.ProfileRef `json:"profiles"`
	// Stacks grew from the first to the last profile, most grown first. With a single profile
	// they are the largest ones.
	Stacks []leak.StackGrowth `json:"stacks"`
	// Error says in plain words why there is no profile.
	Error string `json:"error,omitempty"`
}
