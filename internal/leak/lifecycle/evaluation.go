package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// Evaluation is what one evaluation of the service found in its counts and its profiles.
type Evaluation struct {
	Verdict   trend.Verdict
	Instances []trend.Instance
	// Attributions are the growth by stacks. If there are none, Why says what is missing.
	Attributions []attribution.Attribution
	Why          string
	// Latest returns the newest profile of an instance and when it was taken; nil: there is none.
	// Latest itself may be nil.
	Latest func(instance string) (*stack.Snapshot, time.Time)
	// Presence says what is known of an instance without samples; nil: nothing is.
	Presence func(instance string) collector.Presence
	// Work returns how much work an instance does now, relative to the work before a time; NaN:
	// unknown. Work itself may be nil.
	Work func(instance string, before time.Time) float64
	// Versions are the versions of the processes by instance, where known.
	Versions map[string]string
	// VersionBefore returns the version that ran before a rollout; empty: unknown. VersionBefore
	// itself may be nil.
	VersionBefore func(rollout time.Time) string
	// ProfilesExpected reports that more profiles will come, so waiting for Attributions is
	// worthwhile. Profiled reports that several were taken already, so a growing stack would show.
	ProfilesExpected, Profiled bool

	living map[string]trend.Instance // those of Instances that still have samples, by name
}

// presence says what is known of an instance without samples.
func (e *Evaluation) presence(instance string) collector.Presence {
	if e.Presence == nil {
		return collector.PresenceUnknown
	}
	return e.Presence(instance)
}

// find is the index of an instance; -1: it is not in the list.
func find(in []trend.Instance, name string) int {
	return slices.IndexFunc(in, func(i trend.Instance) bool { return i.Name == name })
}
