package pages

import (
	"net/http"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// leaksPage is the list.
type leaksPage struct {
	Filter query.Filter
	// Groups are the leaks that are shown, by state.
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
	{State: leak.Ignored, Title: "Ignored", Words: "These grow, and the configuration says not to alert."},
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
	p.ToggleResolved = withParameter(r, "resolved", map[bool]string{false: "1"}[p.ShowResolved])
	p.Pager = newPager(r, len(shown), leaksPerPage)
	for _, g := range groups {
		g.Total = tally(totals[g.State])
		for _, l := range pageOf(shown, p.Pager) {
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
