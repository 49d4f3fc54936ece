package view

import (
	"context"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Backend is the running gorowatch. Its methods are called for every request, from any
// goroutine. They return quickly, and their results are not changed later.
type Backend interface {
	State
	// Captures returns the captures that webhooks have requested, the newest first.
	Captures() []ondemand.Capture
	// RenderOptions returns those of alerts, so that pages and alerts agree.
	RenderOptions() alerting.RenderOptions
	// Notices returns problems that every page shows, such as an archive that cannot be
	// written.
	Notices() []string
	// Status returns the state of the parts of gorowatch.
	Status() Status
	// Now is the present.
	Now() time.Time
}

// State has the watched services and their leaks.
type State interface {
	// Ready reports whether the first evaluation is done.
	Ready() bool
	// Leaks returns all known leaks, in any order.
	Leaks() []leak.Leak
	// Leak returns the leak with that id.
	Leak(id string) (leak.Leak, bool)
	// Services returns all watched services, in any order.
	Services() []Service
	// Instances returns the watched instances of a service, and for a while those that are
	// gone.
	Instances(service labels.Labels) []Instance
	// Floors returns the floors of a service, since a time if they reach back so far; empty if
	// it is not watched.
	Floors(service labels.Labels, since time.Time) trend.Floors
	// Confidences are how sure it was that a service leaks, for so many hours from the
	// one that has a time in it; nil if it is not watched.
	Confidences(service labels.Labels, from time.Time, hours int) []hourly.Hour
	// Explain returns the assessments behind the verdict on a service.
	Explain(service labels.Labels) []trend.Assessment
	// Targets returns the targets of profiles, and for a while the instances that are gone, in
	// any order.
	Targets() []Target
	// TargetCount returns how many there are without those that are gone, as of the last
	// evaluation. It does not make the list.
	TargetCount() int
}

// Puller takes profiles.
type Puller interface {
	// Pull takes a profile of an instance now, within its budget, and archives it.
	Pull(ctx context.Context, service labels.Labels, in Instance) (leak.ProfileRef, error)
}

// Triage stores owners, notes and expectations of leaks.
type Triage interface {
	// Entry returns the triage of a leak, or its zero value.
	Entry(leak string) triage.Entry
	// CanSet reports whether people may change it.
	CanSet() bool
	// Set replaces the triage of a leak. Its errors can be shown to people.
	Set(ctx context.Context, e triage.Entry) error
}

// Profiles has those of the archive. Its methods may take as long as a bucket does. A key that
// does not exist is an fs.ErrNotExist.
type Profiles interface {
	// ServiceProfiles lists the profiles of a service in [from, to], oldest first.
	ServiceProfiles(ctx context.Context, service labels.Labels, from, to time.Time) ([]leak.ProfileRef, error)
	// LoadProfile reads a profile.
	LoadProfile(ctx context.Context, key string) (*collector.Profile, error)
	// OpenProfile opens a profile as the target sent it; the caller closes it.
	OpenProfile(ctx context.Context, key string) (io.ReadCloser, error)
}

// History reads the data of a service's chart. It may take as long as a Prometheus does. Its
// errors are written for people.
type History interface {
	History(ctx context.Context, service labels.Labels, from, to time.Time, step time.Duration) (collector.History, error)
}

// Scheduler is a History that may have Go's scheduler metrics too.
type Scheduler interface {
	HasScheduler() bool
	// Scheduler reads the scheduler's metrics of a service; false: there are none.
	Scheduler(ctx context.Context, service labels.Labels, now time.Time) (collector.Scheduler, bool, error)
}
