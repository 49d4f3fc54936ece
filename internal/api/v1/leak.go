package v1

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

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
	Leaked        Number     `json:"leaked"`
	Stacks        []Stack    `json:"stacks"`
	*Details
}

// Details are what a running gorowatch knows of a leak besides. A scan has none.
type Details struct {
	// Signature is that of the leading stack; empty while none is known.
	Signature      string            `json:"signature"`
	Missing        string            `json:"missing,omitempty"`
	Parts          []leak.Part       `json:"parts,omitempty"`
	UpdatedAt      *time.Time        `json:"updated_at"`
	Resolution     string            `json:"resolution,omitempty"`
	NoDataSince    *time.Time        `json:"no_data_since"`
	Reopened       int               `json:"reopened,omitempty"`
	Version        string            `json:"version,omitempty"`
	DeployedAt     *time.Time        `json:"deployed_at,omitempty"`
	Share          Number            `json:"share"`
	InstancesTotal int               `json:"instances_total"`
	Transitions    []leak.Transition `json:"transitions,omitempty"`
	Base           *leak.ProfileRef  `json:"base,omitempty"`
	Head           *leak.ProfileRef  `json:"head,omitempty"`
	Dumps          []leak.ProfileRef `json:"dumps,omitempty"`
	Memory         *leak.Memory      `json:"memory,omitempty"`
}

// NewLeak converts a leak with all that is known of it.
func NewLeak(l leak.Leak) Leak {
	x := newLeak(l)
	x.Stacks = NewStacks(l.Stacks)
	x.Details = &Details{
		Signature: l.Signature, Missing: l.Missing, Parts: l.Parts, UpdatedAt: Time(l.UpdatedAt), Resolution: l.Resolution,
		NoDataSince: Time(l.NoDataSince), Reopened: l.Reopened, Version: l.Version, DeployedAt: Time(l.DeployedAt),
		Share: Number(l.Share), InstancesTotal: l.InstancesTotal, Transitions: l.Transitions,
		Base: l.Base, Head: l.Head, Dumps: l.Dumps, Memory: l.Memory,
	}
	return x
}

// NewFinding converts a leak that a scan found. It has no details, and its state
// is its phase, so that a leak that stopped growing is told from one that grows.
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
		GrowthPerHour: NewInterval(l.Rate), Leaked: Number(l.Leaked), Stacks: []Stack{},
	}
}
