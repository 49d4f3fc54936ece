package v1

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/known"
	"github.com/gorowatch/gorowatch/leak"
)

// Leak is a leak: what scan reports, and with Details what the API answers.
type Leak struct {
	ID        string        `json:"id"`
	Service   labels.Labels `json:"service"`
	Instances []string      `json:"instances"`
	// State is suspected, firing, resolved or ignored; a scan reports firing,
	// plateaued or resolved.
	State    leak.State    `json:"state"`
	Evidence leak.Evidence `json:"evidence"`
	// Confidence is the probability that this is a leak, 0 to 1.
	Confidence    float64    `json:"confidence"`
	Onset         *time.Time `json:"onset"`
	DetectedAt    *time.Time `json:"detected_at"`
	ResolvedAt    *time.Time `json:"resolved_at"`
	PlateauedAt   *time.Time `json:"plateaued_at,omitempty"`
	GrowthPerHour Interval   `json:"growth_per_hour"`
	// CreatedPerHour is how many goroutines its instances create; 0: not known.
	CreatedPerHour Number  `json:"created_per_hour,omitempty"`
	Leaked         Number  `json:"leaked"`
	Stacks         []Stack `json:"stacks"`
	// Known is a leak of a library that was reported in public, if this looks like one.
	Known *Known `json:"known,omitempty"`
	*Details
}

// Known is a leak of a library that was reported in public.
type Known struct {
	ID     string `json:"id"` // the name of its file in known/
	Module string `json:"module"`
	// Version is that of the module on the stack, where its paths have it.
	Version string `json:"version,omitempty"`
	// Certain means that the version is one with the bug. Otherwise only the function agrees.
	Certain bool   `json:"certain"`
	Fixed   string `json:"fixed,omitempty"` // the first version without the bug
	Issue   string `json:"issue"`
	Summary string `json:"summary"`
	Do      string `json:"do"`
}

// NewKnown converts a match with the list of known leaks.
func NewKnown(m known.Match) *Known {
	e := m.Entry
	return &Known{ID: e.ID, Module: e.Module, Version: m.Version, Certain: m.IsCertain, Fixed: e.Fixed, Issue: e.Issue, Summary: e.Summary, Do: e.Do}
}

// newKnown is nil if there is no match.
func newKnown(m known.Match, ok bool) *Known {
	if !ok {
		return nil
	}
	return NewKnown(m)
}

// Details are the facts about a leak that only a running gorowatch has. A scan has none.
type Details struct {
	// Signature is that of the leading stack; empty while none is known.
	Signature   string      `json:"signature"`
	Missing     string      `json:"missing,omitempty"`
	Parts       []leak.Part `json:"parts,omitempty"`
	UpdatedAt   *time.Time  `json:"updated_at"`
	Resolution  string      `json:"resolution,omitempty"`
	NoDataSince *time.Time  `json:"no_data_since"`
	Reopened    int         `json:"reopened,omitempty"`
	Version     string      `json:"version,omitempty"`
	DeployedAt  *time.Time  `json:"deployed_at,omitempty"`
	// PreviousVersion ran before DeployedAt.
	PreviousVersion string            `json:"previous_version,omitempty"`
	Share           Number            `json:"share"`
	InstancesTotal  int               `json:"instances_total"`
	Transitions     []leak.Transition `json:"transitions,omitempty"`
	Base            *leak.ProfileRef  `json:"base,omitempty"`
	Head            *leak.ProfileRef  `json:"head,omitempty"`
	Dumps           []leak.ProfileRef `json:"dumps,omitempty"`
	Memory          *leak.Memory      `json:"memory,omitempty"`
}

// NewLeak converts a leak with all details.
func NewLeak(l leak.Leak) Leak {
	x := newLeak(l)
	x.Stacks = NewStacks(l.Stacks)
	x.Details = &Details{
		Signature: l.Signature, Missing: l.Missing, Parts: l.Parts, UpdatedAt: Time(l.UpdatedAt), Resolution: l.Resolution,
		NoDataSince: Time(l.NoDataSince), Reopened: l.Reopened, Version: l.Version, DeployedAt: Time(l.DeployedAt), PreviousVersion: l.PreviousVersion,
		Share: Number(l.Share), InstancesTotal: l.InstancesTotal, Transitions: l.Transitions,
		Base: l.Base, Head: l.Head, Dumps: l.Dumps, Memory: l.Memory,
	}
	return x
}

// NewFinding converts a leak that a scan found. It has no details, and its state is its phase,
// so that a leak that stopped growing differs from one that grows.
func NewFinding(l leak.Leak) Leak {
	x := newLeak(l)
	x.State = l.Phase()
	for _, s := range l.Stacks {
		x.Stacks = append(x.Stacks, newStack(s))
	}
	return x
}

func newLeak(l leak.Leak) Leak {
	return Leak{
		ID: l.ID, Service: l.Service, Instances: append([]string{}, l.Instances...), State: l.State, Evidence: l.Evidence, Confidence: l.Confidence,
		Onset: Time(l.Onset), DetectedAt: Time(l.DetectedAt), ResolvedAt: Time(l.ResolvedAt), PlateauedAt: Time(l.PlateauedAt),
		GrowthPerHour: NewInterval(l.Rate), CreatedPerHour: Number(l.Created), Leaked: Number(l.Leaked), Stacks: []Stack{}, Known: newKnown(known.BuiltIn().Match(l)),
	}
}
