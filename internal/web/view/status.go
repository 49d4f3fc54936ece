package view

import (
	"cmp"
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/common/version"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Status is the state of the parts of gorowatch, for the status page. A part that is nil is not
// shown.
type Status struct {
	Series        *Series
	Discovery     *Discovery
	Storage       *Storage
	Alertmanagers []alerting.ReceiverStatus
	// Config is the configuration without secrets.
	Config string
}

// Series is the source of the counts.
type Series struct {
	// Source is a redacted URL, or words.
	Source string
	// History is how far back the first evaluation reads.
	History time.Duration
	// Done is the share of that which is read, 0 to 1.
	Done float64
	// Read is up to when samples were read, zero: not yet; Cycles is how often.
	Read   time.Time
	Cycles int
	// Error is why they cannot be read; empty: they can.
	Error string
	// Names are the metrics that are tried for the counts, in their order.
	Names []string
	// Uses are the metrics by which the instances are read.
	Uses []signals.Use
}

// Discovery is what service discovery finds.
type Discovery struct {
	// Sets are the sets of targets, by their place in the configuration, with the
	// number of targets in each.
	Sets []DiscoverySet
	// Problems describes the problems in words. It is empty if there are none.
	Problems []string
}

// DiscoverySet is a set of targets of the configuration.
type DiscoverySet struct {
	Name    string
	Targets int
}

// Storage is the bucket.
type Storage struct {
	// URL is redacted.
	URL       string
	Retention time.Duration
	// Error is why it cannot be written; empty: it can.
	Error string
}

// BuildFact is one fact about the program.
type BuildFact struct{ Name, Value string }

// Version returns that of the program.
func Version() string { return cmp.Or(version.Version, "(devel)") }

// Build returns facts about the program.
func Build() []BuildFact {
	return []BuildFact{
		{"Version", Version()},
		{"Revision", version.GetRevision()},
		{"Branch", version.Branch},
		{"Built", strings.TrimSpace(version.BuildDate + " " + version.BuildUser)},
		{"Go", version.GoVersion},
		{"Platform", runtime.GOOS + "/" + runtime.GOARCH},
	}
}
