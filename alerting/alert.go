package alerting

import (
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/leak"
)

// AlertName is the alertname of every alert.
const AlertName = "GoroutineLeak"

// DefaultLimit is the number of goroutines of one process that projections use
// where no limit is known.
const DefaultLimit = 100_000

// Severity is the severity of an alert. A leak that nears its limit has two alerts, one of each
// severity, so the labels of an alert never change. A suspected leak has a third one, if
// suspicions are sent.
type Severity string

// The severities.
const (
	Warning  Severity = "warning"  // the service leaks
	Critical Severity = "critical" // an instance is about to reach its limit
	Info     Severity = "info"     // a leak is suspected
)

// Alert is one alert in the form of Alertmanager's API v2.
type Alert struct {
	// Labels are the identity: they never change while the alert fires.
	Labels      labels.Labels     `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	// EndsAt is in the future for an alert that fires: it ends then unless it is
	// sent again.
	EndsAt       time.Time `json:"endsAt,omitzero"`
	GeneratorURL string    `json:"generatorURL,omitempty"`
}

// Relabel returns the alert with its labels rewritten by rules. keep is false if the
// rules drop the alert.
func (a Alert) Relabel(rules []*relabel.Config) (_ Alert, keep bool) {
	if len(rules) == 0 {
		return a, true
	}
	b := labels.NewBuilder(a.Labels)
	keep = relabel.ProcessBuilder(b, rules...)
	a.Labels = b.Labels()
	return a, keep
}

// RenderOptions is the information that an alert needs besides the leak.
type RenderOptions struct {
	// ExternalURL is where people reach the pages, with the route prefix. Nil:
	// alerts have no links.
	ExternalURL *url.URL
	// ExternalLabels are added unless the alert has a label of that name.
	ExternalLabels labels.Labels
	// Limit is the number of goroutines that one process can have. 0: not known; the projection
	// then uses DefaultLimit, which makes no alert critical.
	Limit float64
	// CriticalWithin is how long before a known limit, of goroutines or of
	// memory, a leak becomes critical. 0: never.
	CriticalWithin time.Duration
	// Annotations are added to those that each alert has, and replace them where
	// the names are the same.
	Annotations *Templates
	// ImageURL returns the address of the picture of a leak, for the annotation image_url;
	// empty: there is none. It may be nil.
	ImageURL func(leak.Leak) string
	// Dashboard and Runbook of a service are the annotations dashboard_url and
	// runbook_url; left out if empty.
	Dashboard, Runbook Address
}

// Render makes the alert of a leak. It sets EndsAt only if the leak is resolved: the sender
// decides when a firing alert ends.
//
// All annotations together take at most 3 KB. If they would take more, Render first drops what
// another annotation repeats, then detail, then links to profiles. The summary and the links to
// dashboard and runbook go last, because templates of receivers use them. Stacks are cut at the
// end of a line, and links are never cut. Templates of the configuration see all annotations in
// full.
func Render(l leak.Leak, s Severity, o RenderOptions) Alert {
	a := Alert{Labels: identity(l, s, o), StartsAt: l.DetectedAt}
	if l.State == leak.Resolved {
		a.EndsAt = l.ResolvedAt
		if a.EndsAt.Before(a.StartsAt) { // a clock that jumped; Alertmanager refuses it
			a.EndsAt = a.StartsAt
		}
	}
	if o.ExternalURL != nil {
		a.GeneratorURL = PageURL(o.ExternalURL, l.ID)
	}

	links := linksOf(l, o)
	full := []annotation{
		{"summary", summary(l, s, o)},
		{"stack_diff", stackDiff(l, maxStackDiff)},
		{"growth", growth(l)},
		{"onset", onset(l)},
		{"projection", Projection(l, o)},
		{"evidence", evidence(l)},
		{"description", description(l, o)},
		{"profile_base", links.base},
		{"profile_head", links.head},
		{"pprof_command", links.command},
		{"image_url", links.image},
		{"dashboard_url", links.dashboard},
		{"runbook_url", links.runbook},
	}
	if o.Annotations == nil {
		a.Annotations = fitAnnotations(full, l, maxAnnotations)
		return a
	}
	a.Annotations = annotationMap(full)
	a.Annotations = o.Annotations.apply(full, l, a, o)
	return a
}

// identity returns the labels of the alert.
func identity(l leak.Leak, s Severity, o RenderOptions) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	o.ExternalLabels.Range(func(e labels.Label) { b.Set(e.Name, shortValue(e.Value)) })
	l.Service.Range(func(s labels.Label) { b.Set(s.Name, shortValue(s.Value)) })
	b.Set(labels.AlertName, AlertName)
	b.Set("severity", string(s))
	b.Set("leak", l.ID)
	return b.Labels()
}
