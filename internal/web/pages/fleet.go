package pages

import (
	"math"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/heatmap"
	"github.com/gorowatch/gorowatch/internal/web/listing"
	"github.com/gorowatch/gorowatch/internal/web/query"
)

// fleetPage shows when the floors of all services grew.
type fleetPage struct {
	Filter listing.FilterForm
	Pager  listing.Pager
	Total  tally
	Spans  []listing.StateLink
	Hours  []stamp // of the columns
	Rows   []fleetRow
}

type fleetRow struct {
	serviceRow
	Cells []fleetCell
	Most  string // when it grew most, and by how much
}

type fleetCell struct {
	Heat  int
	Words string
}

// fleetSpans are the spans of the heat map, with the number of their columns.
var fleetSpans = []struct {
	name  string
	span  time.Duration
	cells int
}{{"day", 24 * time.Hour, 24}, {"week", 7 * 24 * time.Hour, 28}}

const fleetPerPage = 50

// fleet shows all services as a heat map.
func (h *Handler) fleet(w http.ResponseWriter, r *http.Request) {
	f, state := query.NewFilter(r.URL.Query()), r.URL.Query().Get("state")
	query.OneOf(&f, "state", &state, []string{fleetSpans[0].name, fleetSpans[1].name})
	x := fleetSpans[0]
	if state == fleetSpans[1].name {
		x = fleetSpans[1]
	}
	found, total := h.view.Services(f, h.view.FiringLeaks())
	p := fleetPage{Filter: listing.NewFilterForm(r, f, "q", "match"), Total: tally(total), Pager: listing.NewPager(r, len(found), fleetPerPage)}
	for _, s := range fleetSpans {
		p.Spans = append(p.Spans, listing.StateLink{Name: s.name, URL: listing.WithParameter(r, "state", s.name), Current: s.name == x.name})
	}
	column := x.span / time.Duration(x.cells)
	to := h.o.Backend.Now().Truncate(column).Add(column)
	from := to.Add(-x.span)
	for i := range x.cells {
		p.Hours = append(p.Hours, h.stamp(from.Add(time.Duration(i)*column)))
	}
	for _, s := range listing.PageOf(found, p.Pager) {
		row := fleetRow{serviceRow: h.serviceRow(s)}
		most := 0.0
		for i, c := range heatmap.Of(h.o.Backend.Floors(s.Labels, from.Add(-column)), from, to, x.cells) {
			cell := fleetCell{Heat: c.Heat}
			if !math.IsNaN(c.Grown) && c.Heat > 0 {
				cell.Words = p.Hours[i].Short + ": +" + human.Number(c.Grown)
			}
			if c.Heat > 0 && c.Grown > most {
				most, row.Most = c.Grown, cell.Words
			}
			row.Cells = append(row.Cells, cell)
		}
		p.Rows = append(p.Rows, row)
	}
	h.render(w, r, p.Filter.Status(), "fleet", "Fleet", p)
}
