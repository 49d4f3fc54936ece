package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// leakRow is a leak in a list.
type leakRow struct {
	URL        string
	Service    string
	ServiceURL string
	State      string
	Evidence   string
	Func       string // without the path of its package; empty: unattributed
	FullFunc   string
	Place      string
	Op, Wait   string
	Rate       string
	Interval   string
	Leaked     string
	Instances  string
	Version    string
	Projection string
	Onset      stamp
	Plateaued  stamp // zero while it grows
	NoData     stamp // zero while there are data from its instances
	Pause      string
	Resolved   stamp
	Resolution string
	Spark      spark
}

func (h *Handler) leakRow(l leak.Leak) leakRow {
	r := leakRow{
		URL:        h.base + "/leaks/" + url.PathEscape(l.ID),
		Service:    human.Line(alerting.ServiceName(l.Service), maxName),
		ServiceURL: h.serviceURL(l.Service),
		State:      word(l.Phase()),
		Evidence:   word(l.Evidence),
		Rate:       human.Number(l.Rate.Value),
		Leaked:     human.Number(l.Leaked),
		Instances:  instances(l),
		Version:    human.Line(l.Version, 40),
		Projection: alerting.Projection(l, h.alerts()),
		Onset:      h.stamp(l.Onset),
		Plateaued:  h.stamp(l.PlateauedAt),
		NoData:     h.stamp(l.NoDataSince),
		Pause:      alerting.Pause(l),
		Resolved:   h.stamp(l.ResolvedAt),
		Resolution: human.Line(l.Resolution, maxWords),
	}
	if l.Rate.Low < l.Rate.High {
		r.Interval = human.Number(l.Rate.Low) + " to " + human.Number(l.Rate.High)
	}
	if len(l.Stacks) > 0 {
		s := l.Stacks[0]
		r.FullFunc = human.Func(s.Key.Func, maxFunc)
		r.Func = r.FullFunc[strings.LastIndexByte(r.FullFunc, '/')+1:]
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

// leaksPage is the list.
type leaksPage struct {
	Filter query.Filter
	// Groups are by state, those that are shown.
	Groups []leakGroup
	Open   tally // all that are, whatever the filter
	Pager  pager
	// Resolved is how many there are; ShowResolved whether they are shown.
	Resolved       tally
	ShowResolved   bool
	ToggleResolved string
	// For the empty state.
	Services, Targets string
	Started           stamp
}

type leakGroup struct {
	State leak.State
	Title string
	Words string
	Total tally
	Rows  []leakRow
}

const leaksPerPage = 50

// groups are the states in the order of the page.
var groups = []leakGroup{
	{State: leak.Firing, Title: "Open"},
	{State: leak.Suspected, Title: "Suspected", Words: "These grow; nobody was told yet."},
	{State: leak.Ignored, Title: "Ignored", Words: "These grow, and the configuration says that nobody is to be told."},
	{State: leak.Resolved, Title: "Resolved"},
}

func (h *Handler) leaksPage(r *http.Request) leaksPage {
	q := r.URL.Query()
	p := leaksPage{Filter: query.NewFilter(q), ShowResolved: q.Get("resolved") == "1"}
	for _, l := range h.o.Backend.Leaks() {
		if l.State == leak.Firing {
			p.Open++
		}
	}
	totals := map[leak.State]int{}
	var shown []leak.Leak
	for _, l := range h.view.Leaks(p.Filter) {
		totals[l.State]++
		if l.State == leak.Resolved {
			p.Resolved++
		}
		if l.State != leak.Resolved || p.ShowResolved {
			shown = append(shown, l)
		}
	}
	p.ToggleResolved = with(r, "resolved", map[bool]string{false: "1"}[p.ShowResolved])
	p.Pager = newPager(r, len(shown), leaksPerPage)
	for _, g := range groups {
		g.Total = tally(totals[g.State])
		for _, l := range part(shown, p.Pager) {
			if l.State == g.State {
				row := h.leakRow(l)
				row.Spark = h.spark(l.Service, l.Onset)
				g.Rows = append(g.Rows, row)
			}
		}
		if len(g.Rows) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	return p
}

func (h *Handler) leaks(w http.ResponseWriter, r *http.Request) {
	p := h.leaksPage(r)
	if p.Open == 0 { // says what is watched instead
		p.Services = human.Plural(int64(len(h.o.Backend.Services())), "service", "services")
		p.Targets = human.Plural(int64(h.o.Backend.TargetCount()), "target", "targets")
		p.Started = h.stamp(h.o.Started)
	}
	code := http.StatusOK
	if p.Filter.Problem != "" {
		code = http.StatusBadRequest
	}
	h.render(w, code, "leaks", "Leaks", p)
}

func (h *Handler) serviceURL(service labels.Labels) string {
	return h.base + "/services/" + view.ServiceID(service)
}

type notFoundPage struct {
	What string
	leaksPage
}

func (h *Handler) lost(w http.ResponseWriter, r *http.Request, title, what string) {
	r = r.Clone(r.Context())
	r.URL = &url.URL{Path: "/"} // the list as a whole
	h.render(w, http.StatusNotFound, "notfound", title, notFoundPage{What: what, leaksPage: h.leaksPage(r)})
}

func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	h.lost(w, r, "Not found", "There is no page at "+human.Line(r.URL.Path, 80)+".")
}
