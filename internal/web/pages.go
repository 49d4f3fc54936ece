package web

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/version"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Lengths of what is shown, in characters: a hostile name must not make a page
// unreadable.
const (
	maxName  = 120
	maxFunc  = 160
	maxWords = 400
)

// frame is what the layout shows around every page.
type frame struct {
	Base    string // of every link
	Version string
	Page    string
	Title   string
	Now     stamp
	Ready   bool
	Notices []string
	Data    any
}

func (h *Handler) frame(page, title string, data any) frame {
	f := frame{
		Base:    h.base,
		Version: cmp.Or(version.Version, "(devel)"),
		Page:    page,
		Title:   human.Line(title, maxName),
		Ready:   h.o.State.Ready(),
		Data:    data,
	}
	f.Now = h.stamp(h.o.Now())
	if h.o.Notices != nil {
		for _, n := range h.o.Notices() {
			f.Notices = append(f.Notices, human.Line(n, maxWords))
		}
	}
	return f
}

// stamp is a time: as words and as an attribute.
type stamp struct {
	Text string // "14:02 UTC", or with the date
	ISO  string
	Ago  string // "12 min ago"; empty for the future and the zero time
}

func (h *Handler) stamp(t time.Time) stamp {
	if t.IsZero() {
		return stamp{}
	}
	now := h.o.Now()
	s := stamp{Text: human.Time(t, now), ISO: t.UTC().Format(time.RFC3339)}
	if d := now.Sub(t); d > 0 {
		s.Ago = human.Duration(d) + " ago"
	}
	return s
}

func (h *Handler) alerts() alerting.RenderOptions {
	o := alerting.RenderOptions{}
	if h.o.Alerts != nil {
		o = h.o.Alerts()
	}
	o.ExternalURL = h.o.ExternalURL
	return o
}

// leakRow is a leak in a list.
type leakRow struct {
	URL        string
	Service    string
	State      string
	Evidence   string
	Func       string // empty: unattributed
	Place      string
	Op, Wait   string
	Rate       string
	Interval   string
	Leaked     string
	Instances  string
	Version    string
	Projection string
	Onset      stamp
	Resolved   stamp
	Resolution string
}

func (h *Handler) leakRow(l leak.Leak) leakRow {
	r := leakRow{
		URL:        h.base + "/leaks/" + url.PathEscape(l.ID),
		Service:    human.Line(alerting.ServiceName(l.Service), maxName),
		State:      word(l.State),
		Evidence:   word(l.Evidence),
		Rate:       human.Number(l.Rate.Value),
		Leaked:     human.Number(l.Leaked),
		Instances:  instances(l),
		Version:    human.Line(l.Version, 40),
		Projection: alerting.Projection(l, h.alerts()),
		Onset:      h.stamp(l.Onset),
		Resolved:   h.stamp(l.ResolvedAt),
		Resolution: human.Line(l.Resolution, maxWords),
	}
	if l.Rate.Low < l.Rate.High {
		r.Interval = human.Number(l.Rate.Low) + " to " + human.Number(l.Rate.High)
	}
	if len(l.Stacks) > 0 {
		s := l.Stacks[0]
		r.Func = human.Func(s.Key.Func, maxFunc)
		r.Place = human.Line(human.Place(s.Key.File, s.Key.Line), maxName)
		r.Op = human.Line(s.Op, maxName)
		if s.Wait > 0 {
			r.Wait = human.Duration(s.Wait)
		}
	}
	return r
}

// word is one of a closed set, unless somebody has written another one into the
// archive.
func word[T ~string](x T) string { return human.Line(string(x), 20) }

func instances(l leak.Leak) string {
	n := human.Count(int64(len(l.Instances)))
	if l.InstancesTotal < len(l.Instances) {
		return n
	}
	return n + " of " + human.Count(int64(l.InstancesTotal))
}

// leaksPage is the list: what is open comes first, what grows fastest first of
// all.
type leaksPage struct {
	Open, Suspected, Ignored, Resolved []leakRow
	// Older resolved leaks are not shown.
	Older int
	// For the empty state.
	Services, Targets string
	Started           stamp
}

// maxResolved is how many resolved leaks the list shows.
const maxResolved = 50

func (h *Handler) leaksPage() leaksPage {
	p := leaksPage{
		Services: human.Plural(int64(len(h.o.State.Services())), "service", "services"),
		Targets:  human.Plural(int64(len(h.o.State.Targets())), "target", "targets"),
		Started:  h.stamp(h.o.Started),
	}
	for _, l := range sortLeaks(h.o.State.Leaks()) {
		switch l.State {
		case leak.Suspected:
			p.Suspected = append(p.Suspected, h.leakRow(l))
		case leak.Ignored:
			p.Ignored = append(p.Ignored, h.leakRow(l))
		case leak.Resolved:
			if len(p.Resolved) == maxResolved {
				p.Older++
				continue
			}
			p.Resolved = append(p.Resolved, h.leakRow(l))
		default:
			p.Open = append(p.Open, h.leakRow(l))
		}
	}
	return p
}

// sortLeaks puts what is open first, the fastest first, and of the resolved the
// latest.
func sortLeaks(leaks []leak.Leak) []leak.Leak {
	rank := map[leak.State]int{leak.Suspected: 1, leak.Ignored: 2, leak.Resolved: 3}
	leaks = slices.Clone(leaks)
	slices.SortFunc(leaks, func(a, b leak.Leak) int {
		c := cmp.Compare(rank[a.State], rank[b.State])
		if c == 0 && a.State == leak.Resolved {
			c = b.ResolvedAt.Compare(a.ResolvedAt)
		}
		return cmp.Or(c, cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.ID, b.ID))
	})
	return leaks
}

func (h *Handler) leaks(w http.ResponseWriter, _ *http.Request) {
	h.render(w, http.StatusOK, "leaks", "Leaks", h.leaksPage())
}

// leakPage is one leak.
type leakPage struct {
	leakRow
	ID        string
	Labels    []pair
	Detected  stamp
	Updated   stamp
	Share     string
	Where     []string // instances
	More      int      // instances that are not shown
	Ladder    []step
	Missing   string
	Hint      string
	Stacks    []stackRow
	Base      *profileRow
	Head      *profileRow
	Command   string
	Text      string
	JSON      string
	Dashboard string
	Runbook   string
}

type pair struct{ Name, Value string }

// step of the ladder of evidence.
type step struct {
	Name    leak.Evidence
	Reached bool
	Words   string
}

type stackRow struct {
	Op, Wait          string
	Base, Head, Delta string
	Share             string
	Percent           float64
	Func, Place       string
	Frames            []frameRow
	Created           *frameRow
}

type frameRow struct {
	Func, Place, File string
	Key               bool
}

type profileRow struct {
	URL, Instance, Total string
	Time                 stamp
}

const (
	maxInstances = 30
	maxStacks    = 50
	maxFrames    = 100
)

func (h *Handler) leak(w http.ResponseWriter, r *http.Request) {
	l, ok := h.o.State.Leak(r.PathValue("id"))
	if !ok {
		h.render(w, http.StatusNotFound, "notfound", "No such leak", notFoundPage{
			What: "There is no leak with the id " + human.Line(r.PathValue("id"), 40) + ".", leaksPage: h.leaksPage(),
		})
		return
	}
	o := h.alerts()
	p := leakPage{
		leakRow:   h.leakRow(l),
		ID:        human.Line(l.ID, maxName),
		Labels:    pairs(l.Service),
		Detected:  h.stamp(l.DetectedAt),
		Updated:   h.stamp(l.UpdatedAt),
		Ladder:    ladder(l.Evidence),
		Missing:   human.Line(l.Missing, maxWords),
		Hint:      alerting.Hint(l),
		Base:      h.profileRow(l.Base),
		Head:      h.profileRow(l.Head),
		Text:      alerting.Text(l, o),
		JSON:      h.base + "/api/v1/leaks/" + url.PathEscape(l.ID),
		Dashboard: o.DashboardURL,
		Runbook:   o.RunbookURL,
	}
	if l.Share > 0 {
		p.Share = human.Percent(l.Share)
	}
	for _, i := range l.Instances[:min(len(l.Instances), maxInstances)] {
		p.Where = append(p.Where, human.Line(i, maxName))
	}
	p.More = len(l.Instances) - len(p.Where)
	for _, s := range l.Stacks[:min(len(l.Stacks), maxStacks)] {
		p.Stacks = append(p.Stacks, newStackRow(s))
	}
	if l.Base != nil && l.Head != nil {
		p.Command = alerting.PprofCommand(alerting.ProfileURL(h.o.ExternalURL, l.Base.Key), alerting.ProfileURL(h.o.ExternalURL, l.Head.Key))
	}
	h.render(w, http.StatusOK, "leak", p.Service, p)
}

func (h *Handler) profileRow(p *leak.ProfileRef) *profileRow {
	if p == nil {
		return nil
	}
	// The link is relative to the external URL's path, as all on the pages:
	// it works through whatever name a person came by.
	u := alerting.ProfileURL(&url.URL{Path: "/"}, p.Key)
	return &profileRow{
		URL:      h.base + "/" + strings.TrimLeft(u, "/"),
		Instance: human.Line(p.Instance, maxName),
		Total:    human.Plural(p.Total, "goroutine", "goroutines"),
		Time:     h.stamp(p.Time),
	}
}

func newStackRow(s leak.StackGrowth) stackRow {
	r := stackRow{
		Op:      human.Line(s.Op, maxName),
		Base:    human.Count(s.Base),
		Head:    human.Count(s.Head),
		Delta:   human.Change(s.Delta()),
		Share:   human.Percent(s.Share),
		Percent: min(max(s.Share*100, 0), 100),
		Func:    human.Func(s.Key.Func, maxFunc),
		Place:   human.Line(human.Place(s.Key.File, s.Key.Line), maxName),
	}
	if s.Wait > 0 {
		r.Wait = human.Duration(s.Wait)
	}
	marked := false
	for _, f := range s.Frames[:min(len(s.Frames), maxFrames)] {
		row := newFrameRow(f)
		row.Key = !marked && f == s.Key
		marked = marked || row.Key
		r.Frames = append(r.Frames, row)
	}
	if s.CreatedBy.Func != "" && s.CreatedBy.File != "" {
		c := newFrameRow(s.CreatedBy)
		r.Created = &c
	}
	return r
}

func newFrameRow(f collector.Frame) frameRow {
	return frameRow{
		Func:  human.Func(f.Func, maxFunc),
		Place: human.Line(human.Place(f.File, f.Line), maxName),
		File:  human.Line(f.File, maxWords),
	}
}

func pairs(ls labels.Labels) (all []pair) {
	ls.Range(func(l labels.Label) {
		all = append(all, pair{human.Line(l.Name, maxName), human.Line(l.Value, maxName)})
	})
	return all
}

// ladder is the steps of evidence, with those that are reached.
func ladder(e leak.Evidence) []step {
	steps := []step{
		{Name: leak.Growth, Words: "the counts grow and do not come back"},
		{Name: leak.Stack, Words: "one or a few stacks grow from profile to profile and explain the growth"},
		{Name: leak.Aged, Words: "waiting times or ids show that these goroutines stay"},
		{Name: leak.Proven, Words: "the garbage collector found them unreachable"},
	}
	at := slices.IndexFunc(steps, func(s step) bool { return s.Name == e })
	for i := range steps[:at+1] {
		steps[i].Reached = true
	}
	return steps
}

// servicesPage says of every service what it does and why it is no leak.
type servicesPage struct {
	Services []serviceRow
	Started  stamp
}

type serviceRow struct {
	Name      string
	Instances string
	Count     string
	Floor     string
	Rate      string
	Status    string
	Why       string
	Last      stamp
	Leaks     []leakRow
}

// rankOf puts what deserves a look first.
var rankOf = map[trend.Status]int{
	trend.Leaking: 0, trend.Plateaued: 1, trend.Suspicious: 2, trend.Provisional: 3, trend.Quiet: 4,
}

func (h *Handler) services(w http.ResponseWriter, _ *http.Request) {
	open := make(map[string][]leakRow)
	for _, l := range sortLeaks(h.o.State.Leaks()) {
		if l.State == leak.Firing {
			k := l.Service.String()
			open[k] = append(open[k], h.leakRow(l))
		}
	}
	services := slices.Clone(h.o.State.Services())
	slices.SortFunc(services, func(a, b Service) int {
		return cmp.Or(
			cmp.Compare(len(open[b.Labels.String()]), len(open[a.Labels.String()])),
			cmp.Compare(rankOf[a.Status], rankOf[b.Status]),
			strings.Compare(alerting.ServiceName(a.Labels), alerting.ServiceName(b.Labels)),
		)
	})
	p := servicesPage{Started: h.stamp(h.o.Started)}
	for _, s := range services {
		row := serviceRow{
			Name:      human.Line(alerting.ServiceName(s.Labels), maxName),
			Instances: human.Count(int64(s.Instances)),
			Count:     human.Number(s.Count),
			Floor:     human.Number(s.Floor),
			Status:    word(s.Status),
			Why:       why(s.Status, s.Gate),
			Last:      h.stamp(s.LastSample),
			Leaks:     open[s.Labels.String()],
		}
		if s.Rate.Value != 0 {
			row.Rate = human.Number(s.Rate.Value)
		}
		p.Services = append(p.Services, row)
	}
	h.render(w, http.StatusOK, "services", "Services", p)
}

// why says in plain words what the verdict on the counts means.
func why(s trend.Status, g trend.Gate) string {
	gate, known := map[trend.Gate]string{
		trend.GateTooLittle:   "there are too few samples yet",
		trend.GateTooSmall:    "the growth is within the noise, or only a few goroutines",
		trend.GateNoTrend:     "the floor does not rise",
		trend.GateFollowsLoad: "the count follows the load",
		trend.GateOneStep:     "it rose once, in one step",
		trend.GateCameBack:    "it rose and came back",
		trend.GateSaturating:  "the growth slows down, as that of a pool that fills",
	}[g]
	if !known && g != trend.GateNone {
		gate = human.Line(string(g), maxName)
	}
	grows := map[trend.Status]string{
		trend.Suspicious:  "it grows, but not yet by enough to say so from the counts alone",
		trend.Provisional: "it grows as a leak does, and as a pool that fills: time or profiles will tell",
	}[s]
	switch {
	case s == trend.Leaking:
		return "it grows and does not come back"
	case s == trend.Plateaued:
		return "it no longer grows, and what leaked is still there"
	case grows != "" && gate != "":
		return "it grows, but " + gate
	case grows != "":
		return grows
	case gate != "":
		return gate
	}
	return "it does nothing that healthy services do not do"
}

type targetsPage struct {
	Targets          []targetRow
	Up, Down, Unsure int
}

type targetRow struct {
	Name       string
	Labels     []pair
	URL        string
	State      string
	Last       stamp
	Took       string
	Goroutines string
	Error      string
}

func (h *Handler) targets(w http.ResponseWriter, _ *http.Request) {
	rank := map[TargetState]int{TargetDown: 0, TargetUnknown: 2, TargetUp: 1}
	targets := slices.Clone(h.o.State.Targets())
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), labels.Compare(a.Labels, b.Labels), strings.Compare(a.URL, b.URL))
	})
	var p targetsPage
	for _, t := range targets {
		row := targetRow{
			Name:   human.Line(cmp.Or(t.Labels.Get("instance"), alerting.ServiceName(t.Labels)), maxName),
			Labels: pairs(t.Labels),
			URL:    human.Line(t.URL, maxWords),
			State:  word(t.State),
			Last:   h.stamp(t.LastPull),
			Error:  human.Line(t.Error, maxWords),
		}
		if !t.LastPull.IsZero() {
			row.Took = t.Duration.Round(time.Millisecond).String()
			if t.Goroutines > 0 {
				row.Goroutines = human.Count(t.Goroutines)
			}
		}
		switch t.State {
		case TargetUp:
			p.Up++
		case TargetDown:
			p.Down++
		default:
			p.Unsure++
		}
		p.Targets = append(p.Targets, row)
	}
	h.render(w, http.StatusOK, "targets", "Targets", p)
}

type statusPage struct {
	Build, Runtime, Flags []pair
	Alertmanagers         []alertmanagerRow
	Config                string
}

type alertmanagerRow struct {
	URL                 string
	State               string
	Since, LastSuccess  stamp
	Error               string
	Queued, Capacity    string
	Sent, Dropped       string
	HasDropped, Waiting bool
}

func (h *Handler) status(w http.ResponseWriter, _ *http.Request) {
	p := statusPage{
		Build: []pair{
			{"Version", cmp.Or(version.Version, "(devel)")},
			{"Revision", version.GetRevision()},
			{"Branch", version.Branch},
			{"Built", strings.TrimSpace(version.BuildDate + " " + version.BuildUser)},
			{"Go", version.GoVersion},
			{"Platform", runtime.GOOS + "/" + runtime.GOARCH},
		},
		Runtime: []pair{
			{"Goroutines", human.Count(int64(runtime.NumGoroutine()))},
			{"GOMAXPROCS", human.Count(int64(runtime.GOMAXPROCS(0)))},
			{"External URL", h.o.ExternalURL.Redacted()},
		},
	}
	if s := h.stamp(h.o.Started); s.Text != "" {
		p.Runtime = slices.Insert(p.Runtime, 0, pair{"Started", s.Text + ", " + cmp.Or(s.Ago, "now")})
	}
	for _, name := range slices.Sorted(maps.Keys(h.o.Flags)) {
		p.Flags = append(p.Flags, pair{"--" + name, human.Line(h.o.Flags[name], maxWords)})
	}
	if h.o.Alertmanagers != nil {
		for _, a := range h.o.Alertmanagers() {
			p.Alertmanagers = append(p.Alertmanagers, alertmanagerRow{
				URL:         human.Line(a.URL, maxWords),
				State:       word(a.State),
				Since:       h.stamp(a.Since),
				LastSuccess: h.stamp(a.LastSuccess),
				Error:       human.Line(a.LastError, maxWords),
				Queued:      human.Count(int64(a.Queued)),
				Capacity:    human.Count(int64(a.Capacity)),
				Sent:        human.Count(a.Sent),
				Dropped:     human.Count(a.Dropped),
				HasDropped:  a.Dropped > 0,
				Waiting:     a.Queued > 0,
			})
		}
	}
	if h.o.Config != nil {
		p.Config = h.o.Config()
	}
	h.render(w, http.StatusOK, "status", "Status", p)
}

type notFoundPage struct {
	What string
	leaksPage
}

func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.render(w, http.StatusNotFound, "notfound", "Not found", notFoundPage{
		What: "There is no page at " + human.Line(r.URL.Path, 80) + ".", leaksPage: h.leaksPage(),
	})
}
