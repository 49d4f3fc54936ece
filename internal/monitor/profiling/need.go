package profiling

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Need is what is known about a service that decides which profiles of it are worth their cost.
type Need struct {
	// Growing reports whether the counts grow, so that profiles are needed.
	Growing bool
	// Suspected reports whether a leak is suspected, so that profiles are needed for longer.
	Suspected bool
	// Onset is when the growth began.
	Onset time.Time
	// Suspects are the instances that grow, the fastest first.
	Suspects []Suspect
	// Leaks are all open leaks; Firing are the instances of those that fire.
	Leaks  []leak.Leak
	Firing []string
	// Totals are the instances without series that are known only by their profiles; Uncounted
	// are those without a known profile either, which may push one.
	Totals, Uncounted []string
	// Instances lists the instances that the trend knows. It is called when a review is due.
	Instances func() []trend.Instance
}

// Suspect is an instance that grows.
type Suspect struct {
	Instance string
	Onset    time.Time
	// Leaked is how much its floor has grown since Onset, in goroutines.
	Leaked float64
}

// onsetOf returns when an instance began to grow.
func (n *Need) onsetOf(name string) time.Time {
	for _, x := range n.Suspects {
		if x.Instance == name {
			return x.Onset
		}
	}
	return n.Onset
}
