package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// Evaluation is what an evaluation has found of the service.
type Evaluation struct {
	Verdict   trend.Verdict
	Instances []trend.Instance
	// Attributions of the growth, by Attribute; empty with the reason Why.
	Attributions []attribution.Attribution
	Why          string
	// Latest is the newest profile of an instance and when it was taken; nil if
	// there is none to be had. It may be nil itself.
	Latest func(instance string) (*stack.Snapshot, time.Time)
	// Presence is what is known of an instance that has no samples; nil: nothing.
	Presence func(instance string) collector.Presence
	// Versions of the processes by instance, where known.
	Versions map[string]string
	// ProfilesExpected: Attributions may still come, it is worth waiting.
	// Profiled: there are several profiles already, and more are to come: what
	// grows would be seen in them.
	ProfilesExpected, Profiled bool

	living map[string]trend.Instance // those of Instances that are there, by name
}

// presence is what is known of an instance that has no samples.
func (e *Evaluation) presence(instance string) collector.Presence {
	if e.Presence == nil {
		return collector.PresenceUnknown
	}
	return e.Presence(instance)
}

func find(in []trend.Instance, name string) int {
	return slices.IndexFunc(in, func(i trend.Instance) bool { return i.Name == name })
}
