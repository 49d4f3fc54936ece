package push

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Kinds besides those of the collector.
const (
	kindUnknown collector.ProfileKind = ""      // only the profile itself shows it
	kindOther   collector.ProfileKind = "other" // not used
)

// kindOfName returns the kind for a sender's name of it.
func kindOfName(name string) collector.ProfileKind {
	switch name {
	case "":
		return kindUnknown
	case "goroutine", "goroutines":
		return collector.KindGoroutine
	case "goroutineleak", "goroutine_leak":
		return collector.KindGoroutineLeak
	}
	return kindOther
}

// kindOfLabels returns the kind according to the labels of a profile: __name__, or the first
// part of __profile_type__.
func kindOfLabels(ls labels.Labels) collector.ProfileKind {
	if k := kindOfName(ls.Get(labels.MetricName)); k != kindUnknown {
		return k
	}
	name, _, _ := strings.Cut(ls.Get("__profile_type__"), ":")
	return kindOfName(name)
}

// kindOfSampleTypes returns the kind of a profile with values of these types.
func kindOfSampleTypes[T any](types map[string]T) collector.ProfileKind {
	kind := kindUnknown
	for name := range types {
		if kind = kindOfName(name); kind != kindOther {
			return kind
		}
	}
	return kind
}
