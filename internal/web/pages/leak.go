package pages

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/help"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/internal/web/why"
	"github.com/gorowatch/gorowatch/leak"
)

// leakPage is one leak.
type leakPage struct {
	leakRow
	Labels   []labelLink
	Detected stamp
	Deployed stamp // when the leaking version was
	Reopened int
	// History lists the latest changes of the leak's state.
	History []transition
	Share   string
	Blocked string     // what the goroutines do, in words
	Where   []instance // the instances that leak
	More    int        // instances that are not shown
	Ladder  []why.Step
	Missing string
	Hint    string
	Facts   []alerting.Fact
	// Kind is the address of the documentation's page about this kind of leak; empty: there is none.
	Kind    string
	Actions leakActions
	Changes actions.Changes
	Stacks  []stackRow
	MoreOf  int // stacks that are not shown
	Base    *profileRow
	Head    *profileRow
	Dumps   []*profileRow
	Compare comparison
	Text    string
	JSON    string
	// Chart and Counts are the addresses of the charts' data.
	Chart, Counts string
	Dashboard     string
	Runbook       string
	Captures      []captureRow
}

// instance is an instance that leaks.
type instance struct{ Name, URL string }

// transition is a change of a leak's state.
type transition struct {
	Time     stamp
	From, To string
	Why      string
}

// Bounds on what the page of a leak shows.
const (
	maxTransitions = 30
	maxInstances   = 30
)

// leak shows a leak.
func (h *Handler) leak(w http.ResponseWriter, r *http.Request) {
	h.showLeak(w, r, http.StatusOK, refusal{})
}

// showLeak shows a leak. refused says which action was just refused, if any was.
func (h *Handler) showLeak(w http.ResponseWriter, r *http.Request, code int, refused refusal) {
	l, ok := h.o.Backend.Leak(r.PathValue("id"))
	if !ok {
		h.showNotFound(w, r, "No such leak", "There is no leak with the id "+human.Line(r.PathValue("id"), 40)+". It may have been resolved for longer than leaks are kept.")
		return
	}
	o, links := h.alerts(), h.o.Backend.Links()
	from, to := view.ChartSpan(l, h.o.Backend.Now())
	if l.State != leak.Resolved {
		to = time.Time{} // the chart continues while the page is open
	}
	p := leakPage{
		leakRow:   h.leakRow(l),
		Labels:    h.labelLinks("/", l.Service),
		Detected:  h.stamp(l.DetectedAt),
		Deployed:  h.stamp(l.DeployedAt),
		Reopened:  l.Reopened,
		Ladder:    why.Evidence(l),
		Missing:   human.Line(l.Missing, maxWords),
		Hint:      alerting.Hint(l),
		Facts:     alerting.Facts(l),
		Base:      h.profileRow(l.Base),
		Head:      h.profileRow(l.Head),
		Text:      alerting.Text(l, o),
		JSON:      h.base + "/api/v1/leaks/" + url.PathEscape(l.ID),
		Dashboard: o.Dashboard.Of(maxLink, l.Service, from, to),
		Runbook:   o.Runbook.Of(maxLink, l.Service, from, to),
		Chart:     h.chartURL(l.Service, l.ID),
		Captures:  h.capturesOf(l.Service, l.Onset),
		Actions:   h.leakActions(l, refused),
		Changes:   links.ChangesOf(l),
	}
	if kind, ok := kindOf(l); ok {
		p.Kind = h.base + "/help/leaks/" + kind
	}
	for _, x := range l.Transitions[max(len(l.Transitions)-maxTransitions, 0):] {
		p.History = append(p.History, transition{Time: h.stamp(x.Time), From: word(x.From), To: word(x.To), Why: human.Line(x.Why, maxWords)})
	}
	if l.Share > 0 {
		p.Share = human.Percent(l.Share)
	}
	for _, i := range l.Instances[:min(len(l.Instances), maxInstances)] {
		p.Where = append(p.Where, instance{Name: human.Line(i, maxName)})
	}
	p.More = len(l.Instances) - len(p.Where)
	for _, s := range l.Stacks[:min(len(l.Stacks), view.MaxStacks)] {
		source := h.sourceOf(links, l)
		row := newStackRow(s, source)
		if x := s.Partner; x != nil {
			row.Parted = &partnerRow{newFrameRow(x.Key, source), human.Count(x.Both), human.Count(x.Head), h.stamp(x.At)}
		}
		p.Stacks = append(p.Stacks, row)
	}
	for _, ref := range l.Dumps[max(len(l.Dumps)-leak.MaxDumps, 0):] {
		p.Dumps = append(p.Dumps, h.profileRow(&ref))
	}
	p.MoreOf = len(l.Stacks) - len(p.Stacks)
	if len(l.Stacks) > 0 {
		p.Blocked = waitPhrase(l.Stacks[0].Op)
	}
	if l.Base != nil && l.Head != nil {
		p.Compare = h.comparison(l.Base.Key, l.Head.Key)
		if sources := links.SourcesOf(l.Service, l.Version); len(sources) > 0 {
			if b, err := json.Marshal(sources); err == nil {
				p.Compare.Sources = string(b)
			}
		}
		p.Counts = h.base + "/api/v1/leaks/" + url.PathEscape(l.ID) + "/stacks"
	}
	title := p.Service + ": leak"
	if p.Func != "" {
		title = p.Service + ": " + p.Func
	}
	h.render(w, r, code, "leak", title, p)
}

// sourceOf returns a function that links the frames of a leak to their source.
func (h *Handler) sourceOf(links actions.Links, l leak.Leak) func(collector.Frame) string {
	return func(f collector.Frame) string { return links.SourceOf(l.Service, l.Version, f) }
}

// kindOf returns the kind of a leak, if the documentation has a page about it.
func kindOf(l leak.Leak) (kind string, ok bool) {
	if len(l.Stacks) == 0 {
		return "", false
	}
	hint, ok := stack.HintFor(l.Stacks[0].Program, l.Stacks[0].Op, l.Stacks[0].Reason, l.Stacks[0].Frames)
	return hint.Kind, ok && help.Has("leaks/"+hint.Kind)
}

// profileRow is a profile of a leak.
type profileRow struct {
	URL, Instance, Total string
	Time                 stamp
}

func (h *Handler) profileRow(p *leak.ProfileRef) *profileRow {
	if p == nil {
		return nil
	}
	return &profileRow{
		URL:      h.profileURL(p.Key),
		Instance: human.Line(p.Instance, maxName),
		Total:    human.Plural(p.Total, "goroutine", "goroutines"),
		Time:     h.stamp(p.Time),
	}
}
