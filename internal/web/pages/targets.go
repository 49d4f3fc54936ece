package pages

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/listing"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

type targetsPage struct {
	Filter                      listing.FilterForm
	Pager                       listing.Pager
	Jobs                        []jobGroup
	Total                       tally
	Up, Down, Unsure, Unmatched tally
	States                      []listing.StateLink
	// Gone are instances that were targets in the last hour and no longer are, GoneTotal is how many
	// there are with those that are not shown.
	Gone      []goneRow
	GoneTotal int
}

// jobGroup has the targets of one job.
type jobGroup struct {
	Name, Words string
	Targets     []targetRow
	// Open reports whether the targets are shown at first: one has a problem, the list is filtered,
	// or there are few jobs.
	Open bool
}

type goneRow struct {
	Name   string
	Labels []pair
	Since  stamp
}

type targetRow struct {
	Name       string
	Labels     []pair // without those of its job
	URL        string
	State      string
	Last, Next stamp
	Due        string // text to show instead of Next; empty: there is none
	Took, Cost string
	Goroutines string
	Error      string
}

const (
	targetsPerPage = 100
	maxGone        = 100
	// fewJobs is the largest number of jobs of which all are shown open.
	fewJobs = 10
)

func targetName(t view.Target) string {
	return human.Line(cmp.Or(t.Labels.Get("instance"), alerting.ServiceName(t.Labels)), maxName)
}

func (h *Handler) targets(w http.ResponseWriter, r *http.Request) {
	all, gone := h.view.Targets()
	f, state := query.NewFilter(r.URL.Query()), r.URL.Query().Get("state")
	query.OneOf(&f, "state", &state, view.ProblemStates)
	p := targetsPage{Filter: listing.NewFilterForm(r, f, "q", "match"), Total: tally(len(all))}
	passes := h.view.SearchTargets(f)
	for _, t := range gone {
		if passes(t) {
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
		if !passes(t) {
			continue
		}
		counts[t.State]++
		if state == "" || state == string(t.State) {
			wanted = append(wanted, t)
		}
	}
	for _, s := range view.ProblemStates {
		p.States = listing.AddState(p.States, r, s, state, counts[view.TargetState(s)], "")
	}
	jobs := view.CountJobs(wanted)
	slices.SortStableFunc(wanted, func(a, b view.Target) int {
		x, y := jobs[view.JobName(a)], jobs[view.JobName(b)]
		return cmp.Or(cmp.Compare(x.Rank, y.Rank), cmp.Compare(x.Name, y.Name))
	})
	p.Pager = listing.NewPager(r, len(wanted), targetsPerPage)
	for _, t := range listing.PageOf(wanted, p.Pager) {
		job := jobs[view.JobName(t)]
		if n := len(p.Jobs); n == 0 || p.Jobs[n-1].Name != human.Line(job.Name, maxName) {
			p.Jobs = append(p.Jobs, jobGroup{Name: human.Line(job.Name, maxName), Words: job.Words(), Open: job.HasProblem() || p.Filter.Active || state != "" || len(jobs) <= fewJobs})
		}
		g := &p.Jobs[len(p.Jobs)-1]
		g.Targets = append(g.Targets, h.targetRow(t))
	}
	title := "Targets"
	if n := p.Down + p.Unmatched; n > 0 {
		title = fmt.Sprintf("(%s) Targets", n)
	}
	h.render(w, r, p.Filter.Status(), "targets", title, p)
}

func (h *Handler) targetRow(t view.Target) targetRow {
	row := targetRow{
		Name:   targetName(t),
		Labels: slices.DeleteFunc(pairs(t.Labels), func(p pair) bool { return p.Name == "job" || p.Name == "namespace" }),
		URL:    human.Line(t.URL, maxWords),
		State:  word(t.State),
		Last:   h.stamp(t.LastPull),
		Next:   h.stamp(t.Next),
		Error:  human.Line(t.Error, maxWords),
	}
	if d := t.Next.Sub(h.o.Backend.Now()); !t.Next.IsZero() {
		row.Next.Text = "now"
		if d >= time.Second {
			row.Next.Text = "in " + human.Duration(d)
		}
	}
	if !t.LastPull.IsZero() {
		row.Took = t.Duration.Round(time.Millisecond).String()
	}
	if !t.LastPush.IsZero() {
		row.Due, row.Next = "none: it pushes its profiles", stamp{}
	}
	if t.Goroutines > 0 && (!t.LastPull.IsZero() || !t.LastPush.IsZero()) {
		row.Goroutines = human.Count(t.Goroutines)
	}
	if t.Cost > 0 {
		row.Cost = costText(t.Cost)
	}
	return row
}

// costText returns seconds of CPU in words.
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
