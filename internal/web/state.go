package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Backend is the running gorowatch as the pages and the API see it. Its methods are called for every request, from
// any goroutine; they return quickly, and what they return is not changed
// later.
type Backend interface {
	State
	// Captures are what webhooks have had captured, the newest first.
	Captures() []ondemand.Capture
	// Links are where the pages lead besides.
	Links() Links
	// RenderOptions are those of alerts, so that the pages say what the alerts say.
	RenderOptions() alerting.RenderOptions
	// Notices are what everybody who looks at a page should know, such as an
	// archive that cannot be written.
	Notices() []string
	// Status is how the parts of gorowatch do.
	Status() Status
}

// State is what is watched.
type State interface {
	// Ready says whether the first evaluation is done.
	Ready() bool
	// Leaks are all that are known, in any order.
	Leaks() []leak.Leak
	// Leak is the one with that id.
	Leak(id string) (leak.Leak, bool)
	// Services are all that are watched, in any order.
	Services() []Service
	// Instances are those of a service that are watched, and for a while those
	// that are gone.
	Instances(service labels.Labels) []Instance
	// Floors are the floors of a service, since a time if they reach back so
	// far; empty if it is not watched.
	Floors(service labels.Labels, since time.Time) trend.Floors
	// Explain is what is behind the verdict on a service.
	Explain(service labels.Labels) []trend.Assessment
	// Targets are all that profiles could be pulled from, and for a while those
	// that are gone, in any order.
	Targets() []Target
	// TargetCount is how many there are without those that are gone, as of the
	// last evaluation. It does not make the list.
	TargetCount() int
}

// Status is how the parts of gorowatch do, for the status page. A part that is
// nil is not shown.
type Status struct {
	Series        *Series
	Discovery     *Discovery
	Storage       *Storage
	Alertmanagers []alerting.ReceiverStatus
	// Config is the configuration without secrets.
	Config string
}

// Puller takes profiles.
type Puller interface {
	// Pull takes a profile of an instance now, within its budget, and archives it.
	Pull(ctx context.Context, service labels.Labels, in Instance) (leak.ProfileRef, error)
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

// Service is a watched service and why it is, or is not, a leak.
type Service struct {
	Labels labels.Labels
	// Instances is how many there are now, those that are gone left out.
	Instances int
	// Count is the goroutines of all instances now, Floor what they never fell
	// below of late.
	Count, Floor float64
	// Rate of growth in goroutines per hour over the instances that grow; zero
	// for a service that does not.
	Rate   trend.Interval
	Status trend.Status
	// Gate is what kept the status from being higher; Z, NeedZ and Wait say what
	// it takes, as those of trend.Verdict.
	Gate     trend.Gate
	Z, NeedZ float64
	Wait     time.Duration
	// Held is why nobody is told of a leak that the counts show, in plain words;
	// empty: they show none, or are believed.
	Held string
	// Scale is the length of the blocks that decided; zero if none did.
	Scale time.Duration
	// Growing are the instances that grow.
	Growing []trend.InstanceTrend
	// LastSample is when it was last scraped.
	LastSample time.Time
}

// Instance is a watched instance of a service.
type Instance struct {
	trend.Instance
	Labels labels.Labels
	// Gone: its series have ended.
	Gone bool
}

// serviceID is the identity of a service in a path.
func serviceID(service labels.Labels) string {
	h := sha256.Sum256(service.Bytes(nil))
	return hex.EncodeToString(h[:6])
}

// TargetState says how it went the last time.
type TargetState string

// The states of a target.
const (
	TargetUnknown TargetState = "unknown" // not pulled yet
	TargetUp      TargetState = "up"
	TargetDown    TargetState = "down"
	// TargetUnmatched: an instance without a target, or a target without an
	// instance; Error says why.
	TargetUnmatched TargetState = "unmatched"
	// TargetGone: the instance is gone, and is a target no more. It is listed for
	// as long as what it leaves behind is judged.
	TargetGone TargetState = "gone"
)

// TargetStates are those of targets, which what is gone is not.
var TargetStates = []TargetState{TargetUnknown, TargetUp, TargetDown, TargetUnmatched}

// Target is where the profiles of one instance are had.
type Target struct {
	Labels labels.Labels
	// URL is redacted.
	URL   string
	State TargetState
	// LastPull is when it was last tried, zero if never; it took Duration.
	LastPull time.Time
	Duration time.Duration
	// Next is the earliest time of the next pull; zero: not known yet.
	Next time.Time
	// Cost is what all pulls have cost the target, in seconds of its CPU, by
	// estimate.
	Cost float64
	// Goroutines that the last profile counted.
	Goroutines int64
	// Error says in plain words why the last pull failed or the next one is not
	// made.
	Error string
	// Gone is since when the instance is gone; zero: it is not.
	Gone time.Time
}

// Discovery is what service discovery finds, for the status page.
type Discovery struct {
	// Sets are the sets of targets, by their place in the configuration, with the
	// number of targets in each.
	Sets []DiscoverySet
	// Problems say in words what is wrong; empty when nothing is.
	Problems []string
}

// DiscoverySet is a set of targets of the configuration.
type DiscoverySet struct {
	Name    string
	Targets int
}

// Storage is the bucket, for the status page.
type Storage struct {
	// URL is redacted.
	URL       string
	Retention time.Duration
	// Error is why it cannot be written; empty when it can.
	Error string
}

// Series is where the counts come from, for the status page.
type Series struct {
	// Source is a redacted URL, or words.
	Source string
	// History is how far back the first evaluation reads.
	History time.Duration
	// Done is how much of that is read, 0 to 1.
	Done float64
	// Read is up to when samples were read, zero: not yet; Cycles is how often.
	Read   time.Time
	Cycles int
	// Error is why they cannot be read; empty when they can.
	Error string
}

// Links are where the pages lead besides gorowatch itself. All may be empty.
type Links struct {
	Source []SourceLink
	// Alertmanager is where people reach it.
	Alertmanager string
}

// SourceLink is where the source of some services can be looked at.
type SourceLink struct {
	Matchers []*labels.Matcher
	// Prefix of the files that it is about.
	Prefix string
	// URL has {version}, {path} and {line}.
	URL alerting.Address
}
