package view

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Backend is the running gorowatch. Its methods are called for every request, from
// any goroutine; they return quickly, and what they return is not changed later.
type Backend interface {
	State
	// Captures are the captures that webhooks have asked for, the newest first.
	Captures() []ondemand.Capture
	// RenderOptions are those of alerts, so that the pages say what the alerts say.
	RenderOptions() alerting.RenderOptions
	// Notices are problems that every page shows, such as an archive that cannot be
	// written.
	Notices() []string
	// Status is how the parts of gorowatch do.
	Status() Status
	// Now is the present.
	Now() time.Time
}

// State is what is watched.
type State interface {
	// Ready reports whether the first evaluation is done.
	Ready() bool
	// Leaks are all that are known, in any order.
	Leaks() []leak.Leak
	// Leak returns the leak with that id.
	Leak(id string) (leak.Leak, bool)
	// Services are all that are watched, in any order.
	Services() []Service
	// Instances are those of a service that are watched, and for a while those
	// that are gone.
	Instances(service labels.Labels) []Instance
	// Floors are the floors of a service, since a time if they reach back so
	// far; empty if it is not watched.
	Floors(service labels.Labels, since time.Time) trend.Floors
	// Explain returns the assessments behind the verdict on a service.
	Explain(service labels.Labels) []trend.Assessment
	// Targets are where profiles are pulled from, and for a while the instances
	// that are gone, in any order.
	Targets() []Target
	// TargetCount is how many there are without those that are gone, as of the
	// last evaluation. It does not make the list.
	TargetCount() int
}

// Puller takes profiles.
type Puller interface {
	// Pull takes a profile of an instance now, within its budget, and archives it.
	Pull(ctx context.Context, service labels.Labels, in Instance) (leak.ProfileRef, error)
}

// Triage is what people say about leaks.
type Triage interface {
	// Entry is what is said about a leak; its zero value if nothing is.
	Entry(leak string) triage.Entry
	// CanSet reports whether people may change it.
	CanSet() bool
	// Set replaces what is said about a leak. Its errors are fit for people.
	Set(ctx context.Context, e triage.Entry) error
}

// Profiles are those of the archive. Its methods may take as long as a bucket
// does. A key that does not exist is an fs.ErrNotExist.
type Profiles interface {
	// ServiceProfiles lists what was taken of a service in [from, to], oldest
	// first.
	ServiceProfiles(ctx context.Context, service labels.Labels, from, to time.Time) ([]leak.ProfileRef, error)
	// LoadProfile reads a profile.
	LoadProfile(ctx context.Context, key string) (*collector.Profile, error)
	// OpenProfile opens a profile as the target sent it; the caller closes it.
	OpenProfile(ctx context.Context, key string) (io.ReadCloser, error)
}

// History reads what a chart of a service shows. It may take as long as a
// Prometheus does; its errors are fit for people.
type History interface {
	History(ctx context.Context, service labels.Labels, from, to time.Time, step time.Duration) (collector.History, error)
}

// Scheduler is a History that may have Go's scheduler metrics too.
type Scheduler interface {
	HasScheduler() bool
	// Scheduler reads what the scheduler says of a service; false: it says nothing.
	Scheduler(ctx context.Context, service labels.Labels, now time.Time) (collector.Scheduler, bool, error)
}
