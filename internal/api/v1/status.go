package v1

import (
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Target is where the profiles of one instance are pulled from.
type Target struct {
	Labels          labels.Labels `json:"labels"`
	URL             string        `json:"url"`
	State           string        `json:"state"`
	LastPull        *time.Time    `json:"last_pull"`
	NextPull        *time.Time    `json:"next_pull"`
	LastPush        *time.Time    `json:"last_push,omitempty"`
	DurationSeconds float64       `json:"duration_seconds"`
	CostSeconds     Number        `json:"cost_seconds"`
	Goroutines      int64         `json:"goroutines"`
	Error           string        `json:"error,omitempty"`
	GoneSince       *time.Time    `json:"gone_since,omitempty"`
}

// ServerStatus is the state of gorowatch.
type ServerStatus struct {
	Ready         bool                 `json:"ready"`
	Started       *time.Time           `json:"started"`
	Build         map[string]string    `json:"build"`
	Flags         map[string]string    `json:"flags"`
	Config        string               `json:"config"`
	Notices       []string             `json:"notices"`
	Series        SeriesStatus         `json:"series"`
	Discovery     DiscoveryStatus      `json:"discovery"`
	Storage       StorageStatus        `json:"storage"`
	Alertmanagers []AlertmanagerStatus `json:"alertmanagers"`
}

// SeriesStatus is how far the counts are read.
type SeriesStatus struct {
	Source         string     `json:"source"`
	HistorySeconds float64    `json:"history_seconds"`
	Read           *time.Time `json:"read"`
	Done           float64    `json:"done"` // 0 to 1
	Readings       int        `json:"readings"`
	Error          string     `json:"error,omitempty"`
	// Signals say by which metrics the instances were read at last.
	Signals []SignalUse `json:"signals"`
}

// SignalUse says how many instances have a signal by which metric.
type SignalUse struct {
	Signal string `json:"signal"` // goroutines, load or start_time
	// Metric is the name of a metric, or an expression; empty: the instances have none.
	Metric    string `json:"metric"`
	Instances int    `json:"instances"`
}

// SignalText says in words by which metrics the instances have a signal: "312 instances by
// go_goroutines, 41 by go_goroutine_count". It is empty if none is known.
func SignalText(uses []SignalUse, signal string) string {
	const maxName = 200
	var parts []string
	for _, u := range uses {
		if u.Signal != signal {
			continue
		}
		n := human.Count(int64(u.Instances))
		if len(parts) == 0 {
			n = human.Plural(int64(u.Instances), "instance", "instances")
		}
		if u.Metric == "" {
			parts = append(parts, n+" without")
		} else {
			parts = append(parts, n+" by "+human.Line(u.Metric, maxName))
		}
	}
	return strings.Join(parts, ", ")
}

// DiscoveryStatus is what service discovery finds.
type DiscoveryStatus struct {
	Sets     []DiscoverySet `json:"sets"`
	Problems []string       `json:"problems"`
}

// DiscoverySet is a set of targets of the configuration.
type DiscoverySet struct {
	Name    string `json:"name"`
	Targets int    `json:"targets"`
}

// StorageStatus is the state of the bucket.
type StorageStatus struct {
	URL              string  `json:"url"`
	RetentionSeconds float64 `json:"retention_seconds"`
	Error            string  `json:"error,omitempty"`
}

// AlertmanagerStatus is the state of sending to one Alertmanager or webhook.
type AlertmanagerStatus struct {
	URL         string     `json:"url"`
	State       string     `json:"state"`
	Since       *time.Time `json:"since"`
	LastSuccess *time.Time `json:"last_success"`
	LastError   string     `json:"last_error,omitempty"`
	Queued      int        `json:"queued"`
	Capacity    int        `json:"capacity"`
	Sent        int64      `json:"sent"`
	Dropped     int64      `json:"dropped"`
}
