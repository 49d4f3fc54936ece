package leak

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// State is the state of a leak.
type State string

// The states.
const (
	Suspected State = "suspected" // its stacks grow; it has not fired yet
	Firing    State = "firing"
	Resolved  State = "resolved"
	// Ignored leaks continue, and the configuration says that they must not alert. ResolvedAt
	// is set if the leak has fired before.
	Ignored State = "ignored"
	// Plateaued is a Phase, not a State: the leak fires and has stopped growing.
	Plateaued State = "plateaued"
)

// Evidence says how sure it is that a leak is one. It is never lowered.
type Evidence string

// The steps of evidence, lowest first.
const (
	Growth Evidence = "growth" // the counts alone
	Stack  Evidence = "stack"  // one or a few stacks grow and explain the growth
	Aged   Evidence = "aged"   // waiting times or surviving ids show that its goroutines stay
	Proven Evidence = "proven" // the garbage collector cannot reach its goroutines
)

// Above reports whether e is a higher step than o.
func (e Evidence) Above(o Evidence) bool {
	ladder := []Evidence{"", Growth, Stack, Aged, Proven}
	return slices.Index(ladder, e) > slices.Index(ladder, o)
}

// Leak is one leak of one service. It is a value: a leak that was returned is
// never changed later.
type Leak struct {
	// ID is short and unique. It stays the same from the first alert to the last,
	// also when gorowatch restarts.
	ID      string        `json:"id"`
	Service labels.Labels `json:"service"`
	// Signature is that of the identifying stack. Empty: no stack is known.
	Signature string   `json:"signature"`
	State     State    `json:"state"`
	Evidence  Evidence `json:"evidence"`
	// Confidence is the probability that this is a leak, 0 to 1. Parts are the
	// log-odds that it follows from.
	Confidence float64 `json:"confidence,omitempty"`
	Parts      []Part  `json:"parts,omitempty"`
	// Missing says in plain words why the next step of evidence is missing.
	Missing string `json:"missing,omitempty"`

	Onset      time.Time `json:"onset"`
	DetectedAt time.Time `json:"detected_at,omitzero"` // when it first fired
	UpdatedAt  time.Time `json:"updated_at"`           // time of the evaluation it describes
	ResolvedAt time.Time `json:"resolved_at,omitzero"` // zero while open
	// Resolution says in plain words why the leak resolved.
	Resolution string `json:"resolution,omitempty"`
	// PlateauedAt is when it stopped growing; zero: it grows. A resolved leak keeps
	// it.
	PlateauedAt time.Time `json:"plateaued_at,omitzero"`
	// NoDataSince is when the samples of its instances stopped while it is unknown
	// whether these are gone; zero: there are samples.
	NoDataSince time.Time `json:"no_data_since,omitzero"`
	// Reopened is how often it returned after it had resolved.
	Reopened int `json:"reopened,omitempty"`
	// Version is the version of the service that began to leak, where known.
	// DeployedAt is when the first process with it started.
	Version    string    `json:"version,omitempty"`
	DeployedAt time.Time `json:"deployed_at,omitzero"`
	// PreviousVersion is the version that most instances ran before DeployedAt, where known.
	PreviousVersion string `json:"previous_version,omitempty"`
	// Transitions are its changes of state, oldest first. Their number is limited.
	Transitions []Transition `json:"transitions,omitempty"`

	// Rate is the growth in goroutines per hour, summed over Instances. A process
	// that has not grown since its start adds nothing.
	Rate trend.Interval `json:"growth_per_hour"`
	// Created is how many goroutines Instances create per hour, leaked ones and all
	// others; 0: not known.
	Created float64 `json:"created_per_hour,omitempty"`
	// Leaked is how many leaked goroutines Instances hold now.
	Leaked float64 `json:"leaked"`
	// Share is the part of the growth of the counts that Stacks explain, 0 to 1. It
	// is 0 while no stack is known.
	Share float64 `json:"share"`
	// Instances are the instance labels of the living processes that leak.
	// InstancesTotal is how many instances of the service live. A resolved leak
	// keeps both, and Rate, as they last were.
	Instances      []string `json:"instances"`
	InstancesTotal int      `json:"instances_total"`
	// Signatures are those of all stacks that were ever part of the leak. Watched
	// is the state of its instances. Both let the next run follow the leak to its
	// end.
	Signatures []string `json:"signatures,omitempty"`
	Watched    []Watch  `json:"watched,omitempty"`

	// Stacks grow together. The leading one is first.
	Stacks []StackGrowth `json:"stacks"`
	// Base and Head are the profiles compared; nil while no stack is known.
	Base *ProfileRef `json:"base,omitempty"`
	Head *ProfileRef `json:"head,omitempty"`
	// Deaths are the last ends of its processes, oldest first.
	Deaths []Death `json:"deaths,omitempty"`
	// Dumps are the last MaxDumps dumps that show how old its goroutines are,
	// oldest first.
	Dumps []ProfileRef `json:"dumps,omitempty"`
	// Memory is that of the instance which reaches its limit first; nil: no limit
	// is known.
	Memory *Memory `json:"memory,omitempty"`
}

// Memory is how the memory of an instance grows, and the limit of its
// container.
type Memory struct {
	Instance string `json:"instance"`
	// Used is the bytes of its stacks and its heap. Limit is the bytes that the
	// container may have.
	Used  float64 `json:"used_bytes"`
	Limit float64 `json:"limit_bytes"`
	// PerHour is the growth of Used since about the onset, in bytes.
	PerHour float64 `json:"bytes_per_hour"`
}

// Watch is the state of an instance that leaks, for the next run.
type Watch struct {
	Instance string    `json:"instance"`
	Started  time.Time `json:"started,omitzero"` // of the process that leaks
	Baseline float64   `json:"clean"`            // goroutines without the leak
	Leaked   float64   `json:"leaked"`           // the most leaked goroutines that it held
	// PeakOnStacks is the most goroutines that a profile had on the leak's stacks.
	PeakOnStacks int64 `json:"stood,omitempty"`
	// Missing is when its samples stopped; zero: it has samples.
	Missing time.Time `json:"missing_since,omitzero"`
	// Rate is how fast the instance grew if it is no longer among the leak's Instances.
	Rate *trend.Interval `json:"growth_per_hour,omitempty"`
}

// StackGrowth is a stack and its growth from the base to the head profile.
type StackGrowth struct {
	Signature string `json:"signature"`
	// Op is the blocking operation ("chan send").
	Op string `json:"state"`
	// Reason is the wait reason as a dump has it, where it says more than Op does ("chan
	// receive (nil chan)").
	Reason string `json:"wait_reason,omitempty"`
	// Frames are leaf first, without those of the runtime.
	Frames []collector.Frame `json:"frames"`
	// Key is the first frame of the user's code, where a reader should look.
	Key collector.Frame `json:"key"`
	// CreatedBy is the frame of the go statement if a dump has shown it. Otherwise
	// only Func may be set, to the goroutine's first function.
	CreatedBy collector.Frame `json:"created_by,omitzero"`
	Base      int64           `json:"base"`
	Head      int64           `json:"head"`
	// Share is its part of the growth between the two profiles, 0 to 1.
	Share float64 `json:"share"`
	// Wait is the longest time that one of its goroutines had been blocked at WaitAt,
	// where known.
	Wait   time.Duration `json:"wait,omitempty"`
	WaitAt time.Time     `json:"wait_at,omitzero"`
	// Program is the program of the goroutines if somebody else has released it, by its
	// module; empty: it is the user's own, or not known.
	Program string `json:"program,omitempty"`
	// Callers are calls of the user's code that may have started the goroutines of a
	// library, the likeliest first. It is empty where Frames or CreatedBy are the
	// user's own code.
	Callers []Caller `json:"callers,omitempty"`
	// Holder is the stack that probably holds what these goroutines wait for; nil: none
	// is known.
	Holder *Holder `json:"holder,omitempty"`
	// Partner is the stack that had the same counts until this one grew; nil: there
	// is none.
	Partner *Partner `json:"parted,omitempty"`
	// Labels are the pprof labels that most of the goroutines have by which it has grown,
	// the largest share first. It is empty where goroutines have none, or none leads.
	Labels []LabelShare `json:"leading_labels,omitempty"`
}

// Delta returns the growth in goroutines.
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

// Partner is a stack that had as many goroutines as another one until that one began to
// grow: what the growing goroutines wait for no longer happens for each of them.
type Partner struct {
	Signature string          `json:"signature"`
	Key       collector.Frame `json:"key"`
	// Both is how many each had when they were last equal, at the time At.
	Both int64     `json:"both"`
	At   time.Time `json:"at"`
	// Head is how many the partner has in the head profile.
	Head int64 `json:"head"`
}
