package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
)

type targetsPage struct {
	Filter                      query.Filter
	Pager                       pager
	Targets                     []targetRow
	Total                       tally
	Up, Down, Unsure, Unmatched tally
	States                      []stateLink
	// Gone are the instances that were targets until lately, GoneTotal is how
	// many there are.
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

func sortTargets(targets []Target) []Target {
	rank := map[TargetState]int{TargetDown: 0, TargetUnmatched: 1, TargetUp: 2, TargetUnknown: 3}
	targets = slices.Clone(targets)
	slices.SortFunc(targets, func(a, b Target) int {
		return cmp.Or(cmp.Compare(rank[a.State], rank[b.State]), labels.Compare(a.Labels, b.Labels), strings.Compare(a.URL, b.URL))
	})
	return targets
}

// splitTargets parts the targets, in order, from those that are gone, the last
// to go first.
func splitTargets(targets []Target) (all, gone []Target) {
	for _, t := range sortTargets(targets) {
		if t.State == TargetGone {
			gone = append(gone, t)
		} else {
			all = append(all, t)
		}
	}
	slices.SortStableFunc(gone, func(a, b Target) int { return b.Gone.Compare(a.Gone) })
	return all, gone
}

func targetName(t Target) string {
	return human.Line(cmp.Or(t.Labels.Get("instance"), alerting.ServiceName(t.Labels)), maxName)
}

func (h *Handler) targets(w http.ResponseWriter, r *http.Request) {
	all, gone := splitTargets(h.o.Backend.Targets())
	state := r.URL.Query().Get("state")
	p := targetsPage{Filter: query.NewFilter(r.URL.Query()), Total: tally(len(all))}
	for _, t := range gone {
		if p.Filter.Passes(t.Labels, t.URL) {
			if p.GoneTotal++; p.GoneTotal <= maxGone {
				p.Gone = append(p.Gone, goneRow{Name: targetName(t), Labels: pairs(t.Labels), Since: h.stamp(t.Gone)})
			}
		}
	}
	var wanted []Target
	counts := map[TargetState]int{}
	for _, t := range all {
		switch t.State {
		case TargetUp:
			p.Up++
		case TargetDown:
			p.Down++
		case TargetUnmatched:
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
	for _, s := range []TargetState{TargetDown, TargetUnmatched, TargetUp, TargetUnknown} {
		if counts[s] > 0 || state == string(s) {
			l := stateLink{Name: string(s), N: tally(counts[s]), URL: with(r, "state", string(s)), Current: state == string(s)}
			if l.Current {
				l.URL = with(r, "state", "")
			}
			p.States = append(p.States, l)
		}
	}
	p.Pager = newPager(r, len(wanted), targetsPerPage)
	for _, t := range part(wanted, p.Pager) {
		p.Targets = append(p.Targets, h.targetRow(t))
	}
	code := http.StatusOK
	if p.Filter.Problem != "" {
		code = http.StatusBadRequest
	}
	h.render(w, code, "targets", "Targets", p)
}

func (h *Handler) targetRow(t Target) targetRow {
	row := targetRow{
		Name:   targetName(t),
		Labels: pairs(t.Labels),
		URL:    human.Line(t.URL, maxWords),
		State:  word(t.State),
		Last:   h.stamp(t.LastPull),
		Next:   h.stamp(t.Next),
		Error:  human.Line(t.Error, maxWords),
	}
	if d := t.Next.Sub(h.o.Now()); !t.Next.IsZero() {
		row.Due = "now"
		if d >= time.Second {
			row.Due = "in " + human.Duration(d)
		}
	}
	if !t.LastPull.IsZero() {
		row.Took = t.Duration.Round(time.Millisecond).String()
		if t.Goroutines > 0 {
			row.Goroutines = human.Count(t.Goroutines)
		}
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
