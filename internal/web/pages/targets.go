package pages

import (
	"cmp"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

type targetsPage struct {
	Filter                      query.Filter
	Pager                       pager
	Targets                     []targetRow
	Total                       tally
	Up, Down, Unsure, Unmatched tally
	States                      []stateLink
	// Gone are the instances that were targets in the last hour, GoneTotal is their
	// number before the list is cut.
	Gone      []goneRow
	GoneTotal int
}

type goneRow struct {
	Name   string
	Labels []pair
	Since  stamp
}

type targetRow struct {
	Name       string
	Labels     []pair
	URL        string
	State      string
	Last, Next stamp
	Due        string // until the next pull
	Took, Cost string
	Goroutines string
	Error      string
}

const (
	targetsPerPage = 100
	maxGone        = 100
)

func targetName(t view.Target) string {
	return human.Line(cmp.Or(t.Labels.Get("instance"), alerting.ServiceName(t.Labels)), maxName)
}

func (h *Handler) targets(w http.ResponseWriter, r *http.Request) {
	all, gone := h.view.Targets()
	state := r.URL.Query().Get("state")
	p := targetsPage{Filter: query.NewFilter(r.URL.Query()), Total: tally(len(all))}
	for _, t := range gone {
		if p.Filter.Passes(t.Labels, t.URL) {
			if p.GoneTotal++; p.GoneTotal <= maxGone {
				p.Gone = append(p.Gone, goneRow{Name: targetName(t), Labels: pairs(t.Labels), Since: h.stamp(t.Gone)})
			}
		}
	}
	var wanted []view.Target
	counts := map[view.TargetState]int{}
	for _, t := range all {
		switch t.State {
		case view.TargetUp:
			p.Up++
		case view.TargetDown:
			p.Down++
		case view.TargetUnmatched:
			p.Unmatched++
		default:
			p.Unsure++
		}
		if !p.Filter.Passes(t.Labels, t.URL, t.Error) {
			continue
		}
		counts[t.State]++
		if state == "" || state == string(t.State) {
			wanted = append(wanted, t)
		}
	}
	for _, s := range []view.TargetState{view.TargetDown, view.TargetUnmatched, view.TargetUp, view.TargetUnknown} {
		if counts[s] > 0 || state == string(s) {
			l := stateLink{Name: string(s), N: tally(counts[s]), URL: withParameter(r, "state", string(s)), Current: state == string(s)}
			if l.Current {
				l.URL = withParameter(r, "state", "")
			}
			p.States = append(p.States, l)
		}
	}
	p.Pager = newPager(r, len(wanted), targetsPerPage)
	for _, t := range pageOf(wanted, p.Pager) {
		p.Targets = append(p.Targets, h.targetRow(t))
	}
	code := http.StatusOK
	if p.Filter.Problem != "" {
		code = http.StatusBadRequest
	}
	h.render(w, code, "targets", "Targets", p)
}

func (h *Handler) targetRow(t view.Target) targetRow {
	row := targetRow{
		Name:   targetName(t),
		Labels: pairs(t.Labels),
		URL:    human.Line(t.URL, maxWords),
		State:  word(t.State),
		Last:   h.stamp(t.LastPull),
		Next:   h.stamp(t.Next),
		Error:  human.Line(t.Error, maxWords),
	}
	if d := t.Next.Sub(h.o.Backend.Now()); !t.Next.IsZero() {
		row.Due = "now"
		if d >= time.Second {
			row.Due = "in " + human.Duration(d)
		}
	}
	if !t.LastPull.IsZero() {
		row.Took = t.Duration.Round(time.Millisecond).String()
	}
	if !t.LastPush.IsZero() {
		row.Due = "none: it pushes its profiles"
	}
	if t.Goroutines > 0 && (!t.LastPull.IsZero() || !t.LastPush.IsZero()) {
		row.Goroutines = human.Count(t.Goroutines)
	}
	if t.Cost > 0 {
		row.Cost = costText(t.Cost)
	}
	return row
}

// costText is seconds of CPU in words.
func costText(seconds float64) string {
	switch d := time.Duration(seconds * float64(time.Second)); {
	case seconds > 1e6:
		return "much"
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return human.Number(float64(d.Milliseconds())) + " ms"
	default:
		return human.Number(seconds) + " s"
	}
}
