package pages

import (
	"net/http"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/heatmap"
	"github.com/gorowatch/gorowatch/internal/web/listing"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// fleetPage is the heat map: how sure it was over time that services leak.
type fleetPage struct {
	Filter listing.FilterForm
	Pager  listing.Pager
	Total  tally
	Spans  []listing.StateLink // links to the spans of time that it can show
	Every  string              // how often a column begins, in words
	Step   int                 // likewise, in seconds
	From   stamp
	Marks  []fleetMark
	Legend []legendEntry
	Rows   []fleetRow
}

// fleetMark is a mark at the top of the heat map, such as a day.
type fleetMark struct {
	At      stamp
	Columns int    // that it spans
	Words   string // empty: it began before the first column
}

// legendEntry says what a colour of the heat map means.
type legendEntry struct {
	Class, Words string
}

type fleetRow struct {
	serviceRow
	Cells []fleetCell
	// Highest is the highest confidence, at At, and Growth the growth then; empty: there was none.
	Highest, Growth string
	At              stamp
}

type fleetCell struct {
	Class string
	Words string
}

const fleetPerPage = 50

// fleet shows all services as a heat map.
func (h *Handler) fleet(w http.ResponseWriter, r *http.Request) {
	f, state := query.NewFilter(r.URL.Query()), r.URL.Query().Get("state")
	query.OneOf(&f, "state", &state, []string{heatmap.Spans[0].Name, heatmap.Spans[1].Name})
	x := heatmap.Spans[0]
	if state == heatmap.Spans[1].Name {
		x = heatmap.Spans[1]
	}
	found, total := h.view.Services(f, h.view.FiringLeaks())
	now := h.o.Backend.Now()
	from, length := x.From(now), time.Duration(x.Length)*time.Hour
	p := fleetPage{
		Filter: listing.NewFilterForm(r, f, "q", "match"), Total: tally(total), Pager: listing.NewPager(r, len(found), fleetPerPage), From: h.stamp(from),
		Every: x.Every(), Step: int(length.Seconds()), Legend: fleetLegend(),
	}
	for _, s := range heatmap.Spans {
		p.Spans = append(p.Spans, listing.StateLink{Name: s.Name, URL: listing.WithParameter(r, "state", s.Name), Current: s.Name == x.Name})
	}
	columns := make([]string, x.Columns)
	for i := range columns {
		columns[i] = h.stamp(from.Add(time.Duration(i) * length)).Short
	}
	for _, m := range x.MarksOf(from) {
		mark := fleetMark{At: h.stamp(m.At), Columns: m.Columns}
		switch {
		case m.Begins && m.At.Hour() == 0:
			mark.Words = m.At.Format("01-02")
		case m.Begins:
			mark.Words = m.At.Format("15:04")
		}
		p.Marks = append(p.Marks, mark)
	}
	h.sortByHeat(found, x, from)
	for _, s := range listing.PageOf(found, p.Pager) {
		cells := heatmap.Of(h.o.Backend.Confidences(s.Labels, from, x.Hours()), x.Length)
		row := fleetRow{serviceRow: h.serviceRow(s), Cells: make([]fleetCell, x.Columns)}
		for i := range row.Cells {
			row.Cells[i].Class = "none"
			if i < len(cells) && cells[i].Judged() {
				row.Cells[i] = newFleetCell(cells[i], columns[i])
			}
		}
		if c, ok := heatmap.Highest(cells); ok {
			row.Highest, row.Growth, row.At = c.Percent(), growthWords(c), h.stamp(c.Highest.Start)
		}
		p.Rows = append(p.Rows, row)
	}
	h.render(w, r, p.Filter.Status(), "fleet", "Fleet", p)
}

// sortByHeat brings the services that have become hot most recently to the top, so that those of one
// deploy are together. The others keep their order.
func (h *Handler) sortByHeat(services []view.Service, x heatmap.Span, from time.Time) {
	type heated struct {
		view.Service
		since time.Time
	}
	cells := func(s view.Service, skip int) []heatmap.Cell {
		n := (x.Columns - skip) * x.Length
		return heatmap.Of(h.o.Backend.Confidences(s.Labels, from.Add(time.Duration(skip*x.Length)*time.Hour), n), x.Length)
	}
	all := make([]heated, len(services))
	for i, s := range services {
		all[i].Service = s
		// Most services are cold now, and the last cells are enough to show that.
		if _, hot := heatmap.Since(cells(s, x.Columns-3)); hot {
			all[i].since, _ = heatmap.Since(cells(s, 0))
		}
	}
	slices.SortStableFunc(all, func(a, b heated) int { return b.since.Compare(a.since) })
	for i := range all {
		services[i] = all[i].Service
	}
}

// newFleetCell makes the cell of a column, which begins at a time.
func newFleetCell(c heatmap.Cell, at string) fleetCell {
	if c.Heat == 0 {
		return fleetCell{}
	}
	words := at + ": " + c.Percent()
	if growth := growthWords(c); growth != "" {
		words += ", " + growth
	}
	return fleetCell{Class: "h" + string('0'+rune(c.Heat)), Words: words}
}

// growthWords says how fast a service grew at its highest confidence; empty: it did not.
func growthWords(c heatmap.Cell) string {
	if !(c.Highest.Rate > 0) {
		return ""
	}
	return "+" + human.Number(c.Highest.Rate) + "/h"
}

// fleetLegend returns what the colours mean, from cold to hot.
func fleetLegend() []legendEntry {
	out := []legendEntry{{"none", "not judged"}, {"h0", "below " + human.Percent(heatmap.Steps[0])}}
	for i, least := range heatmap.Steps {
		out = append(out, legendEntry{"h" + string('1'+rune(i)), human.Percent(least) + " or more"})
	}
	return out
}
