package leak

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// State of a leak.
type State string

// The states.
const (
	Suspected State = "suspected" // its stacks grow; nobody was told yet
	Firing    State = "firing"
	Resolved  State = "resolved"
	// Ignored: it goes on, and the configuration says that nobody is to be
	// told. ResolvedAt is set if somebody was told before.
	Ignored State = "ignored"
	// Plateaued is a Phase and no State: it fires, and has stopped growing.
	Plateaued State = "plateaued"
)

// Evidence says how sure we are. It only climbs.
type Evidence string

// The steps of the ladder, lowest first.
const (
	Growth Evidence = "growth" // the counts alone
	Stack  Evidence = "stack"  // one or a few stacks grow and explain it
	Aged   Evidence = "aged"   // waiting times or surviving ids: they stay
	Proven Evidence = "proven" // the garbage collector found them unreachable
)

// Above reports whether e is a higher step than o.
func (e Evidence) Above(o Evidence) bool {
	ladder := []Evidence{"", Growth, Stack, Aged, Proven}
	return slices.Index(ladder, e) > slices.Index(ladder, o)
}

// Leak is one leak of one service. It is a value: what is handed out is not
// changed later.
type Leak struct {
	// ID is short, unique, and stays from the first alert to the last, over
	// restarts of gorowatch too.
	ID      string        `json:"id"`
	Service labels.Labels `json:"service"`
	// Signature is that of the leading stack. Empty: unattributed.
	Signature string   `json:"signature"`
	State     State    `json:"state"`
	Evidence  Evidence `json:"evidence"`
	// Missing says in plain words why the next step of evidence is missing.
	Missing string `json:"missing,omitempty"`

	Onset      time.Time `json:"onset"`
	DetectedAt time.Time `json:"detected_at,omitzero"` // when it fired first
	UpdatedAt  time.Time `json:"updated_at"`           // evaluation that this is from
	ResolvedAt time.Time `json:"resolved_at,omitzero"` // zero while open
	// Resolution says in plain words why it was resolved.
	Resolution string `json:"resolution,omitempty"`
	// PlateauedAt is since when it has not grown, at its end too; zero while it
	// grows.
	PlateauedAt time.Time `json:"plateaued_at,omitzero"`
	// NoDataSince is since when it fires without any data from its instances, of
	// which it is not known whether they are gone; zero: there are data.
	NoDataSince time.Time `json:"no_data_since,omitzero"`
	// Reopened is how often it came back after it was resolved.
	Reopened int `json:"reopened,omitempty"`
	// Version is the version of the service that began to leak, where known, and
	// DeployedAt when the first of the processes with it started.
	Version    string    `json:"version,omitempty"`
	DeployedAt time.Time `json:"deployed_at,omitzero"`
	// Transitions are how it came to its state, oldest first; bounded.
	Transitions []Transition `json:"transitions,omitempty"`

	// Rate is the growth in goroutines per hour, summed over Instances. A process
	// that has not grown since it started adds nothing.
	Rate trend.Interval `json:"growth_per_hour"`
	// Leaked is how many goroutines Instances hold now.
	Leaked float64 `json:"leaked"`
	// Share is the part of the growth of the counts that Stacks explain, 0 to
	// 1. Zero for an unattributed leak.
	Share float64 `json:"share"`
	// Instances leak, as their instance label, and InstancesTotal are watched;
	// both are of processes that live. Of a resolved leak they are, as Rate is,
	// what it was like at last.
	Instances      []string `json:"instances"`
	InstancesTotal int      `json:"instances_total"`
	// Signatures are those of all stacks that were ever part of it, and Watched is
	// what it takes to see the end of it: for the next run.
	Signatures []string `json:"signatures,omitempty"`
	Watched    []Watch  `json:"watched,omitempty"`

	// Stacks are those that grow together, the leading one first.
	Stacks []StackGrowth `json:"stacks"`
	// Base and Head are the profiles compared; nil for an unattributed leak.
	Base *ProfileRef `json:"base,omitempty"`
	Head *ProfileRef `json:"head,omitempty"`
	// Deaths are the ends of its processes, oldest first; the last ones.
	Deaths []Death `json:"deaths,omitempty"`
	// Dumps are those that were taken to see how old its goroutines are, oldest
	// first; the last MaxDumps of them.
	Dumps []ProfileRef `json:"dumps,omitempty"`
	// Memory is that of the instance nearest to its limit, where one is known.
	Memory *Memory `json:"memory,omitempty"`
}

// Memory is how the memory of an instance grows, against its container's limit.
type Memory struct {
	Instance string `json:"instance"`
	// Used are the bytes that its stacks and its heap take, Limit those that
	// the container may have.
	Used  float64 `json:"used_bytes"`
	Limit float64 `json:"limit_bytes"`
	// PerHour is the growth of Used since about the onset.
	PerHour float64 `json:"bytes_per_hour"`
}

// Watch is what is remembered of an instance that leaks.
type Watch struct {
	Instance string    `json:"instance"`
	Started  time.Time `json:"started,omitzero"` // of the process that leaks
	Clean    float64   `json:"clean"`            // goroutines without the leak
	Leaked   float64   `json:"leaked"`           // the most that it had of them
	Stood    int64     `json:"stood,omitempty"`  // the most that a profile had on its stacks
	// Missing is since when it has no samples; zero: it has.
	Missing time.Time `json:"missing_since,omitzero"`
	// Rate is how fast it grew, of one that is not among the leak's Instances.
	Rate *trend.Interval `json:"growth_per_hour,omitempty"`
}

// StackGrowth is a stack and how it grew from the base to the head profile.
type StackGrowth struct {
	Signature string `json:"signature"`
	// Op is the blocking operation ("chan send").
	Op string `json:"state"`
	// Frames are leaf first, the runtime's own left out.
	Frames []collector.Frame `json:"frames"`
	// Key is the first frame of the user's code, where the eye should go.
	Key collector.Frame `json:"key"`
	// CreatedBy is the frame of the go statement, where a dump had it, else
	// only Func may be set (the goroutine's first function).
	CreatedBy collector.Frame `json:"created_by,omitzero"`
	Base      int64           `json:"base"`
	Head      int64           `json:"head"`
	// Share of the growth between the two profiles, 0 to 1.
	Share float64 `json:"share"`
	// Wait is the longest time one of them has been blocked, where known.
	Wait time.Duration `json:"wait,omitempty"`
	// Parted is the stack that it made pairs with until it grew; nil if there
	// is none.
	Parted *Parting `json:"parted,omitempty"`
}

// Delta is the growth.
func (s StackGrowth) Delta() int64 { return s.Head - s.Base }

// MaxDumps is how many dumps a leak names: two or three for each of its last
// processes.
const MaxDumps = 8

// ProfileRef names a profile in the archive.
type ProfileRef struct {
	Key      string    `json:"key"`
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"`
	Total    int64     `json:"goroutines"`
}

// Parting is a stack that another one had as many goroutines as, until the
// other began to grow: what one of them waits for is no longer done for each.
type Parting struct {
	Signature string          `json:"signature"`
	Key       collector.Frame `json:"key"`
	// Both is what each had when they were equal last, at the time At.
	Both int64     `json:"both"`
	At   time.Time `json:"at"`
	// Head is what the partner has in the head profile.
	Head int64 `json:"head"`
}
