package pages

import (
	"fmt"
	"net/http"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/listing"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/setup"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// leaksPage lists the leaks.
type leaksPage struct {
	Filter listing.FilterForm
	States []listing.StateLink
	Sorts  []listing.SortLink
	// Order says in words how the list is sorted.
	Order string
	// Rows are the leaks, and Functions the same leaks by function; one of the two is empty.
	Rows      []leakRow
	Functions []functionRow
	Open      tally // firing leaks, whatever the filter
	Pager     listing.Pager
	// Grouped reports whether the list is by function; ToggleGrouped links to the other list.
	Grouped       bool
	ToggleGrouped string
	// Resolved is how many resolved leaks there are, ShowResolved whether they are shown.
	Resolved       tally
	ShowResolved   bool
	ToggleResolved string
	// The rest is for a page without leaks. Unknown is why that does not mean that nothing leaks;
	// empty: it does.
	Unknown           string
	Services, Targets string
	Started           stamp
}

// functionRow has the leaks in one function.
type functionRow struct {
	Func, Place string
	Growth      string
	Leaked      string
	Onset       stamp
	Services    int
	Leaks       []leakRow
	More        int
}

const (
	leaksPerPage = 50
	// maxOfFunction bounds the leaks that the row of a function lists.
	maxOfFunction = 50
)

// stateWords say what the states of leaks mean.
var stateWords = map[string]string{
	string(leak.Firing):    "alerting, and growing",
	string(leak.Plateaued): "alerting, and no longer growing",
	string(leak.Suspected): "growing, not sure enough for an alert yet",
	query.Expected:         "growing; a rule suppresses the alert",
	string(leak.Resolved):  "over",
}

func (h *Handler) leaksPage(r *http.Request) leaksPage {
	q := r.URL.Query()
	x := query.NewLeaks(q)
	p := leaksPage{ShowResolved: q.Get("resolved") == "1", Grouped: x.ByFunction}
	for _, l := range h.o.Backend.Leaks() {
		if l.State == leak.Firing {
			p.Open++
		}
	}
	list := h.view.ListLeaks(x)
	p.Filter = listing.NewFilterForm(r, x.Filter, "q", "match", "evidence", "version")
	p.Filter.Choose("Evidence", "evidence", x.Evidence, query.Evidences)
	if len(list.Versions) > 0 {
		p.Filter.Choose("Version", "version", x.Version, list.Versions)
	}
	for _, state := range query.LeakStates {
		p.States = listing.AddState(p.States, r, state, x.State, list.Counts[state], stateWords[state])
	}
	p.Sorts, p.Order = listing.SortLinks(r, x)
	p.Resolved = tally(list.Counts[string(leak.Resolved)])
	var shown []leak.Leak
	for _, l := range list.Leaks {
		if l.State != leak.Resolved || p.ShowResolved || x.State != "" {
			shown = append(shown, l)
		}
	}
	p.ToggleResolved = listing.WithParameter(r, "resolved", map[bool]string{false: "1"}[p.ShowResolved])
	if x.State != "" {
		p.Resolved, p.ShowResolved = 0, false
	}
	p.ToggleGrouped = listing.WithParameter(r, "group", map[bool]string{false: "function"}[p.Grouped])
	if p.Grouped {
		groups := h.view.GroupByFunction(shown, x)
		p.Pager = listing.NewPager(r, len(groups), leaksPerPage)
		for _, g := range listing.PageOf(groups, p.Pager) {
			p.Functions = append(p.Functions, h.functionRow(g))
		}
		return p
	}
	p.Pager = listing.NewPager(r, len(shown), leaksPerPage)
	for _, l := range listing.PageOf(shown, p.Pager) {
		row := h.leakRow(l)
		row.Spark = h.spark(l.Service, l.Onset)
		p.Rows = append(p.Rows, row)
	}
	return p
}

func (h *Handler) functionRow(g view.FunctionGroup) functionRow {
	row := functionRow{
		Growth: human.Number(g.Growth), Leaked: human.Number(g.Leaked), Onset: h.stamp(g.Onset),
		Func: human.Func(g.Key.Func, maxFunc), Place: human.Line(human.Place(g.Key.File, g.Key.Line), maxName),
	}
	services := map[string]bool{}
	for _, l := range g.Leaks {
		services[string(l.Service.Bytes(nil))] = true
		if len(row.Leaks) < maxOfFunction {
			row.Leaks = append(row.Leaks, h.leakRow(l))
		}
	}
	row.Services, row.More = len(services), len(g.Leaks)-len(row.Leaks)
	return row
}

func (h *Handler) leaks(w http.ResponseWriter, r *http.Request) {
	p := h.leaksPage(r)
	if p.Open == 0 { // the page says what is watched instead
		n := len(h.o.Backend.Services())
		p.Unknown = setup.Unknown(h.o.Backend.Ready(), n, h.o.Backend.Status().Series)
		p.Services = human.Plural(int64(n), "service", "services")
		p.Targets = human.Plural(int64(h.o.Backend.TargetCount()), "target", "targets")
		p.Started = h.stamp(h.o.Started)
	}
	title := "Leaks"
	if p.Open > 0 {
		title = fmt.Sprintf("(%s) Leaks", p.Open)
	}
	h.render(w, r, p.Filter.Status(), "leaks", title, p)
}
