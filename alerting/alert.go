package alerting

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// AlertName is the alertname of every alert.
const AlertName = "GoroutineLeak"

// DefaultLimit is the number of goroutines of one process that projections aim
// at where no limit is known.
const DefaultLimit = 100_000

// Severity of an alert. A leak has an alert for each that it deserves, as it
// would by two rules: so the labels of an alert never change.
type Severity string

// The severities.
const (
	Warning  Severity = "warning"  // it leaks
	Critical Severity = "critical" // and an instance is about to reach its limit
)

// What one alert may weigh. Receivers such as Slack cut what is longer, and
// not where one would like.
const (
	maxSummary     = 120  // characters
	maxDescription = 1000 // bytes
	maxStackDiff   = 1500 // bytes
	maxFrames      = 10   // in stack_diff
	maxAnnotations = 3000 // bytes, names and values together
	maxEvidence    = 400  // characters
)

// Alert is one alert as Alertmanager's API v2 takes it.
type Alert struct {
	// Labels are the identity: they never change while the alert fires.
	Labels      labels.Labels     `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	// EndsAt is in the future for an alert that fires: without another word
	// from us it ends then.
	EndsAt       time.Time `json:"endsAt,omitzero"`
	GeneratorURL string    `json:"generatorURL,omitempty"`
}

// RenderOptions are what an alert says besides the leak.
type RenderOptions struct {
	// ExternalURL is where people reach the pages, with the route prefix. Nil:
	// alerts have no links.
	ExternalURL *url.URL
	// ExternalLabels are added unless the alert has a label of that name.
	ExternalLabels labels.Labels
	// Limit is the number of goroutines that one process can bear. 0: not known;
	// the projection aims at DefaultLimit then, and nothing is critical for it.
	Limit float64
	// CriticalWithin is how long before a known limit, of goroutines or of
	// memory, a leak is critical. 0: never.
	CriticalWithin time.Duration
	// Annotations are added to those that each alert has, and come before them.
	Annotations *Templates
	// Dashboard and Runbook of a service are the annotations dashboard_url and
	// runbook_url; left out if empty.
	Dashboard, Runbook Address
}

// Render makes the alert of a leak. It has no EndsAt unless the leak is
// resolved: when an alert that fires ends is up to who sends it.
//
// Annotations weigh at most 3 KB together. Where they would weigh more, what is
// said twice goes first, then detail, then links to profiles: what the templates
// of receivers count on, the summary and the links to dashboard and runbook, goes
// last. A stack ends at a whole line, and a link is there as a whole or not at
// all. Templates of the configuration see all annotations as they would be
// alone.
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
		{"dashboard_url", links.dashboard},
		{"runbook_url", links.runbook},
	}
	if o.Annotations == nil {
		a.Annotations = fit(full, l, maxAnnotations)
		return a
	}
	a.Annotations = mapOf(full)
	a.Annotations = o.Annotations.over(full, l, a, o)
	return a
}

type annotation struct{ name, value string }

// mapOf are the annotations that say something.
func mapOf(all []annotation) map[string]string {
	m := make(map[string]string, len(all))
	for _, x := range all {
		if x.value != "" {
			m[x.name] = x.value
		}
	}
	return m
}

// fit keeps the annotations, the most important first, within size bytes.
func fit(full []annotation, l leak.Leak, size int) map[string]string {
	all := slices.Clone(full) // templates want the whole
	weight := func() (n int) {
		for _, x := range all {
			if x.value != "" {
				n += len(x.name) + len(x.value)
			}
		}
		return n
	}
	set := func(name, value string) {
		for i := range all {
			if all[i].name == name && len(value) < len(all[i].value) {
				all[i].value = value
			}
		}
	}
	for _, less := range []func(){
		// What another annotation or the page says as well.
		func() { set("description", shortDescription(l)) },
		func() { set("pprof_command", "") },
		func() { set("evidence", string(l.Evidence)) },
		// The tail of the stacks, and detail.
		func() { set("stack_diff", stackDiff(l, maxStackDiff*2/3)) },
		func() { set("growth", shortGrowth(l)) },
		func() { set("profile_base", ""); set("profile_head", "") },
		func() { l.Version = ""; set("onset", onset(l)) },
		func() { set("stack_diff", leadDiff(l)) },
		func() { set("description", "") },
		// Only where templates have taken most of the room, or everything is as
		// long as it can be.
		func() { set("growth", "") },
		func() { set("projection", "") },
		func() { set("evidence", "") },
		func() { set("onset", "") },
		func() { set("dashboard_url", "") },
		func() { set("runbook_url", "") },
		func() { set("stack_diff", stackDiff(l, max(size, 0)/2)) },
	} {
		if weight() <= size {
			break
		}
		less()
	}
	return mapOf(all)
}

// identity is the labels of the alert.
func identity(l leak.Leak, s Severity, o RenderOptions) labels.Labels {
	b := labels.NewBuilder(labels.EmptyLabels())
	o.ExternalLabels.Range(func(e labels.Label) { b.Set(e.Name, shortValue(e.Value)) })
	l.Service.Range(func(s labels.Label) { b.Set(s.Name, shortValue(s.Value)) })
	b.Set(labels.AlertName, AlertName)
	b.Set("severity", string(s))
	b.Set("leak", l.ID)
	return b.Labels()
}

// summary is one line: who leaks, how fast, since when, where; of a critical
// alert, which limit is near.
func summary(l leak.Leak, s Severity, o RenderOptions) string {
	where := ""
	if len(l.Stacks) > 0 {
		f := lead(l.Stacks[0])
		if f.Func != "" {
			where = " in " + human.Func(f.Func, 44)
			if at := human.Place(f.File, f.Line); at != "" {
				where += " (" + human.Line(at, 24) + ")"
			}
		}
	}
	what := " leaks " + rate(l)
	switch plateaued := !l.PlateauedAt.IsZero(); {
	case l.State == leak.Resolved && (plateaued || !(l.Rate.Value > 0)), paused(l) && len(l.Instances) == 0:
		what = " leaked"
	case plateaued && l.State != leak.Resolved, paused(l):
		what = " holds " + human.Number(l.Leaked) + " leaked goroutines"
	}
	service := human.Line(ServiceName(l.Service), 36)
	if ps := projections(l, o); s == Critical && len(ps) > 0 {
		return inertLine(service+": "+ps[0].words()+","+what+where, maxSummary)
	}
	return inertLine(service+what+since(l)+where, maxSummary)
}

// inertLine is one inert line of at most n characters.
func inertLine(s string, n int) string { return human.Line(inert(human.Line(s, n)), n) }

// paused tells whether a leak fires while no growth of a running process is known.
// The processes that leaked have ended, and those that replaced them have not
// leaked yet, or not for long enough to measure it.
func paused(l leak.Leak) bool {
	return l.State == leak.Firing && l.PlateauedAt.IsZero() && !(l.Rate.Value > 0)
}

// Pause says in a few words why no growth is seen of a leak that fires; empty: it
// grows, or has plateaued.
func Pause(l leak.Leak) string {
	switch {
	case l.State == leak.Firing && !l.NoDataSince.IsZero():
		return "no data from its instances since " + human.Time(l.NoDataSince, l.UpdatedAt)
	case !paused(l):
		return ""
	case len(l.Instances) == 0:
		return "no leaking process is running now"
	}
	return "growth not measured yet"
}

// rate is "212 goroutines/h".
func rate(l leak.Leak) string { return human.Number(l.Rate.Value) + " goroutines/h" }

// since is " since 14:02 UTC", as of the evaluation that the leak is from.
func since(l leak.Leak) string {
	if l.Onset.IsZero() {
		return ""
	}
	return " since " + human.Time(l.Onset, l.UpdatedAt)
}

func growth(l leak.Leak) string {
	s := shortGrowth(l)
	n := len(l.Instances)
	if n == 0 || l.State == leak.Resolved {
		return s
	}
	const most = 3
	names := make([]string, 0, most)
	for _, i := range l.Instances[:min(n, most)] {
		names = append(names, human.Line(i, 40))
	}
	s += ": " + strings.Join(names, ", ")
	if n > most {
		s += " and " + human.Count(int64(n-most)) + " more"
	}
	return inert(s)
}

// shortGrowth is growth without the names of instances.
func shortGrowth(l leak.Leak) string {
	var b strings.Builder
	switch {
	case !l.PlateauedAt.IsZero():
		b.WriteString("none since " + human.Time(l.PlateauedAt, l.UpdatedAt))
	case paused(l):
		b.WriteString(Pause(l))
	case !(l.Rate.Value > 0):
		b.WriteString("none now")
	default:
		b.WriteString("+" + rate(l))
	}
	if l.Rate.Low < l.Rate.High {
		fmt.Fprintf(&b, " (95 %%: %s to %s)", human.Number(l.Rate.Low), human.Number(l.Rate.High))
	}
	fmt.Fprintf(&b, ", %s leaked, on %s", human.Number(l.Leaked), instances(l))
	return b.String()
}

func instances(l leak.Leak) string {
	n, of := len(l.Instances), l.InstancesTotal
	if n+of == 0 {
		return "no instance"
	}
	if of < n {
		return human.Plural(int64(n), "instance", "instances")
	}
	return human.Count(int64(n)) + " of " + human.Plural(int64(of), "instance", "instances")
}

func onset(l leak.Leak) string {
	if l.Onset.IsZero() {
		return ""
	}
	s := human.FullTime(l.Onset)
	if l.Version != "" {
		s += " in version " + human.Line(l.Version, 60)
		if !l.DeployedAt.IsZero() {
			s += ", deployed " + human.Time(l.DeployedAt, l.Onset)
		}
	}
	return inert(s)
}

// evidence says how sure we are, and what is missing to be surer.
func evidence(l leak.Leak) string {
	var b strings.Builder
	b.WriteString(string(l.Evidence) + ": ")
	switch l.Evidence {
	case leak.Growth:
		b.WriteString("the goroutine counts grow and do not come back")
	case leak.Stack:
		fmt.Fprintf(&b, "from profile to profile the same %s without falling back", grows(len(l.Stacks)))
		if l.Share > 0 {
			fmt.Fprintf(&b, ", %s of the growth", human.Percent(l.Share))
		}
	case leak.Aged:
		b.WriteString("these goroutines stay")
		if w := longestWait(l); w > 0 {
			b.WriteString(", blocked up to " + human.Duration(w))
		}
	case leak.Proven:
		b.WriteString("the garbage collector found these goroutines unreachable")
	}
	if l.Missing != "" && l.Evidence != leak.Proven {
		b.WriteString(". Not more: " + strings.TrimSuffix(l.Missing, "."))
	}
	return inertLine(b.String(), maxEvidence)
}

func grows(stacks int) string {
	if stacks == 1 {
		return "stack grows"
	}
	return human.Count(int64(stacks)) + " stacks grow"
}

func longestWait(l leak.Leak) (w time.Duration) {
	for _, s := range l.Stacks {
		w = max(w, s.Wait)
	}
	return w
}
