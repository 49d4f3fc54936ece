package web

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// State is what the pages show. Its methods are called for every request, from
// any goroutine; they return quickly, and what they return is not changed
// later.
type State interface {
	// Ready says whether the first evaluation is done.
	Ready() bool
	// Leaks are all that are known, in any order.
	Leaks() []leak.Leak
	// Leak is the one with that id.
	Leak(id string) (leak.Leak, bool)
	// Services are all that are watched, in any order.
	Services() []Service
	// Targets are all that profiles could be pulled from, in any order.
	Targets() []Target
	// Profile opens a profile of the archive as the target sent it; the caller
	// closes it. A key that does not exist is an fs.ErrNotExist.
	Profile(ctx context.Context, key string) (io.ReadCloser, error)
}

// Service is a watched service and why it is, or is not, a leak.
type Service struct {
	Labels    labels.Labels
	Instances int
	// Count is the goroutines of all instances now, Floor what they never fell
	// below of late.
	Count, Floor float64
	// Rate of growth in goroutines per hour over the instances that grow; zero
	// for a service that does not.
	Rate   trend.Interval
	Status trend.Status
	// Gate is what kept the status from being higher.
	Gate trend.Gate
	// LastSample is when it was last scraped.
	LastSample time.Time
}

// TargetState says how it went the last time.
type TargetState string

// The states of a target.
const (
	TargetUnknown TargetState = "unknown" // not pulled yet
	TargetUp      TargetState = "up"
	TargetDown    TargetState = "down"
)

// Target is where the profiles of one instance are had.
type Target struct {
	Labels labels.Labels
	// URL is redacted.
	URL   string
	State TargetState
	// LastPull is when it was last tried, zero if never; it took Duration.
	LastPull time.Time
	Duration time.Duration
	// Goroutines that the last profile counted.
	Goroutines int64
	// Error says in plain words why the last pull failed or the next one is not
	// made.
	Error string
}
