package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/pprofui"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// leakPage is one leak.
type leakPage struct {
	leakRow
	ID       string
	Labels   []labelLink
	Detected stamp
	Deployed stamp // what leaks
	Reopened int
	// History is how it came to its state.
	History []transition
	Updated stamp
	Share   string
	Blocked string     // what the goroutines do, in a sentence
	Where   []instance // that leak
	More    int        // instances that are not shown
	Ladder  []step
	Missing string
	Hint    string
	Stacks  []stackRow
	MoreOf  int // stacks that are not shown
	Base    *profileRow
	Head    *profileRow
	Dumps   []*profileRow
	Compare comparison
	Text    string
	JSON    string
	// Chart and Counts are where what the charts show is had.
	Chart, Counts string
	Dashboard     string
	Runbook       string
	Silence       string
	Pull          pullForm
	Captures      []captureRow
}

type instance struct{ Name, URL string }

// transition is a change of the state.
type transition struct {
	Time     stamp
	From, To string
	Why      string
}

const maxTransitions = 30

type pair struct{ Name, Value string }

// step of the ladder of evidence.
type step struct {
	Name    leak.Evidence
	Reached bool
	Words   string
	// Shown is what shows it here, Missing why it is not shown.
	Shown, Missing string
}

// stackRow is a stack that grows.
type stackRow struct {
	Signature         string
	Op, Wait          string
	Base, Head, Delta string
	Share             string
	Percent           float64
	Func, Place       string
	Source            string
	Frames            []frames
	Depth             int
	Created           *frameRow
	Parted            *partedRow
	Labels            []pair // of pprof
}

// partedRow is the stack that another one had as many goroutines as.
type partedRow struct {
	frameRow
	Both, Head string
	At         stamp
}

// frames are frames in a row, either of the standard library or not.
type frames struct {
	Standard bool
	Frames   []frameRow
	// More are left out.
	More int
}

type frameRow struct {
	Func, Place, File, Source string
	Key                       bool
}

type profileRow struct {
	URL, Instance, Total string
	Time                 stamp
}

// comparison is where the difference of two profiles can be looked at.
type comparison struct {
	URL     string // of the page; empty: there is nothing to compare
	Diff    string // of the data of the flame graph
	Command string
	Views   []pair // of pprof
}

// pullForm asks for a profile to be taken now.
type pullForm struct {
	Enabled   bool
	URL       string
	Instances []pair // escaped, and as shown
	// Problem is why the last one was not.
	Problem string
}

const (
	maxInstances = 30
	maxFrames    = 100
)

func (h *Handler) leak(w http.ResponseWriter, r *http.Request) {
	h.showLeak(w, r, http.StatusOK, "")
}

func (h *Handler) showLeak(w http.ResponseWriter, r *http.Request, code int, problem string) {
	l, ok := h.o.Backend.Leak(r.PathValue("id"))
	if !ok {
		h.lost(w, r, "No such leak", "There is no leak with the id "+human.Line(r.PathValue("id"), 40)+". It may have been resolved for longer than leaks are kept.")
		return
	}
	o, links := h.alerts(), h.o.Backend.Links()
	from, to := view.ChartSpan(l, h.o.Backend.Now())
	if l.State != leak.Resolved {
		to = time.Time{} // it goes on while one looks
	}
	p := leakPage{
		leakRow:   h.leakRow(l),
		ID:        human.Line(l.ID, maxName),
		Labels:    h.labelLinks("/", l.Service),
		Detected:  h.stamp(l.DetectedAt),
		Updated:   h.stamp(l.UpdatedAt),
		Deployed:  h.stamp(l.DeployedAt),
		Reopened:  l.Reopened,
		Ladder:    ladder(l),
		Missing:   human.Line(l.Missing, maxWords),
		Hint:      alerting.Hint(l),
		Base:      h.profileRow(l.Base),
		Head:      h.profileRow(l.Head),
		Text:      alerting.Text(l, o),
		JSON:      h.base + "/api/v1/leaks/" + url.PathEscape(l.ID),
		Dashboard: o.Dashboard.Of(maxLink, l.Service, from, to),
		Runbook:   o.Runbook.Of(maxLink, l.Service, from, to),
		Chart:     h.chartURL(l.Service, l.ID),
		Captures:  h.capturesOf(l.Service, l.Onset),
		Pull:      pullForm{Enabled: h.view.CanPull(), URL: h.base + "/leaks/" + url.PathEscape(l.ID) + "/profile", Problem: human.Line(problem, maxWords)},
	}
	for _, x := range l.Transitions[max(len(l.Transitions)-maxTransitions, 0):] {
		p.History = append(p.History, transition{Time: h.stamp(x.Time), From: word(x.From), To: word(x.To), Why: human.Line(x.Why, maxWords)})
	}
	if l.State != leak.Resolved {
		p.Silence = links.silence(l)
	}
	if l.Share > 0 {
		p.Share = human.Percent(l.Share)
	}
	for _, i := range l.Instances[:min(len(l.Instances), maxInstances)] {
		p.Where = append(p.Where, instance{Name: human.Line(i, maxName)})
		p.Pull.Instances = append(p.Pull.Instances, newChoice(i))
	}
	p.More = len(l.Instances) - len(p.Where)
	for _, s := range l.Stacks[:min(len(l.Stacks), view.MaxStacks)] {
		source := func(f collector.Frame) string { return links.source(l.Service, l.Version, f) }
		row := newStackRow(s, source)
		if x := s.Parted; x != nil {
			row.Parted = &partedRow{newFrameRow(x.Key, source), human.Count(x.Both), human.Count(x.Head), h.stamp(x.At)}
		}
		p.Stacks = append(p.Stacks, row)
	}
	for _, ref := range l.Dumps[max(len(l.Dumps)-leak.MaxDumps, 0):] {
		p.Dumps = append(p.Dumps, h.profileRow(&ref))
	}
	p.MoreOf = len(l.Stacks) - len(p.Stacks)
	if len(l.Stacks) > 0 {
		p.Blocked = blocked(l.Stacks[0].Op)
	}
	if l.Base != nil && l.Head != nil {
		p.Compare = h.comparison(l.Base.Key, l.Head.Key)
		p.Counts = h.base + "/api/v1/leaks/" + url.PathEscape(l.ID) + "/stacks"
	}
	h.render(w, code, "leak", p.Service, p)
}

// comparison is where two profiles can be compared; base may be empty.
func (h *Handler) comparison(base, head string) comparison {
	if !view.IsProfileKey(head) || (base != "" && !view.IsProfileKey(base)) {
		return comparison{}
	}
	q := url.Values{"head": {head}}
	if base != "" {
		q.Set("base", base)
	}
	c := comparison{
		URL:  h.base + "/compare?" + q.Encode(),
		Diff: h.base + "/api/v1/diff?" + q.Encode(),
	}
	if base != "" {
		c.Command = alerting.PprofCommand(alerting.ProfileURL(h.o.ExternalURL, base), alerting.ProfileURL(h.o.ExternalURL, head))
	}
	for _, view := range pprofui.Views {
		c.Views = append(c.Views, pair{view, h.base + "/pprof/" + pprofName(base) + "/" + pprofName(head) + "/" + view})
	}
	return c
}

// blocked is what goroutines do that wait in op, as the end of a sentence.
func blocked(op string) string {
	words, ok := map[string]string{
		"chan send":           "sending on a channel",
		"chan receive":        "receiving from a channel",
		"select":              "in a select",
		"select (no cases)":   "in a select without cases",
		"IO wait":             "waiting for the network",
		"sleep":               "sleeping",
		"sync.Mutex.Lock":     "waiting for a lock",
		"sync.RWMutex.Lock":   "waiting for a write lock",
		"sync.RWMutex.RLock":  "waiting for a read lock",
		"sync.WaitGroup.Wait": "waiting for a WaitGroup",
		"sync.Cond.Wait":      "waiting for a condition",
		"syscall":             "in a system call",
		stack.Running:         "running",
		stack.Unknown:         "",
	}[op]
	if ok || op == "" {
		return words
	}
	return "in " + human.Line(op, maxName)
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

// profileURL is the link to a profile. It is relative to the external URL's
// path, as all on the pages: it works through whatever name a person came by.
func (h *Handler) profileURL(key string) string {
	return h.base + "/" + strings.TrimLeft(alerting.ProfileURL(&url.URL{Path: "/"}, key), "/")
}

func newStackRow(s leak.StackGrowth, source func(collector.Frame) string) stackRow {
	r := stackRow{
		Signature: human.Line(s.Signature, maxName),
		Op:        human.Line(s.Op, maxName),
		Base:      human.Count(s.Base),
		Head:      human.Count(s.Head),
		Delta:     human.Change(s.Delta()),
		Share:     human.Percent(s.Share),
		Percent:   min(max(s.Share*100, 0), 100),
		Func:      cmp.Or(human.Func(s.Key.Func, maxFunc), "(no frames)"),
		Place:     human.Line(human.Place(s.Key.File, s.Key.Line), maxName),
		Source:    source(s.Key),
		Depth:     len(s.Frames),
	}
	if s.Wait > 0 {
		r.Wait = human.Duration(s.Wait)
	}
	marked := false
	for i, f := range s.Frames[:min(len(s.Frames), maxFrames)] {
		row := newFrameRow(f, source)
		row.Key = !marked && f == s.Key
		marked = marked || row.Key
		standard := !row.Key && stack.Standard(f)
		if n := len(r.Frames); i == 0 || r.Frames[n-1].Standard != standard {
			r.Frames = append(r.Frames, frames{Standard: standard})
		}
		last := &r.Frames[len(r.Frames)-1]
		last.Frames = append(last.Frames, row)
	}
	if more := len(s.Frames) - maxFrames; more > 0 {
		r.Frames = append(r.Frames, frames{More: more})
	}
	if s.CreatedBy.Func != "" && s.CreatedBy.File != "" {
		c := newFrameRow(s.CreatedBy, source)
		r.Created = &c
	}
	return r
}

func newFrameRow(f collector.Frame, source func(collector.Frame) string) frameRow {
	return frameRow{
		Func:   human.Func(f.Func, maxFunc),
		Place:  human.Line(human.Place(f.File, f.Line), maxName),
		File:   human.Line(f.File, maxWords),
		Source: source(f),
	}
}

// labelLink is a label that narrows a list.
type labelLink struct{ Name, Value, URL string }

// labelLinks narrow the list on a page to what has a label.
func (h *Handler) labelLinks(page string, ls labels.Labels) (all []labelLink) {
	ls.Range(func(l labels.Label) {
		m := labels.MustNewMatcher(labels.MatchEqual, l.Name, l.Value).String()
		x := labelLink{Name: human.Line(l.Name, maxName), Value: human.Line(l.Value, maxName), URL: h.base + page}
		if len(m) <= query.MaxLength {
			x.URL += "?" + url.Values{"match": {m}}.Encode()
		}
		all = append(all, x)
	})
	return all
}

func pairs(ls labels.Labels) (all []pair) {
	ls.Range(func(l labels.Label) {
		all = append(all, pair{human.Line(l.Name, maxName), human.Line(l.Value, maxName)})
	})
	return all
}

// ladder is the steps of evidence, with what shows those that are reached, and
// why the next one is not.
func ladder(l leak.Leak) []step {
	steps := []step{
		{Name: leak.Growth, Words: "the counts grow and do not come back"},
		{Name: leak.Stack, Words: "one or a few stacks grow from profile to profile and explain the growth"},
		{Name: leak.Aged, Words: "waiting times or ids show that these goroutines stay"},
		{Name: leak.Proven, Words: "the garbage collector found them unreachable"},
	}
	steps[0].Shown = fmt.Sprintf("%s goroutines per hour, %s leaked so far", human.Number(l.Rate.Value), human.Number(l.Leaked))
	if l.Rate.Low < l.Rate.High {
		steps[0].Shown = fmt.Sprintf("%s goroutines per hour (95 %%: %s to %s), %s leaked so far",
			human.Number(l.Rate.Value), human.Number(l.Rate.Low), human.Number(l.Rate.High), human.Number(l.Leaked))
	}
	switch pause := alerting.Pause(l); {
	case l.Phase() == leak.Plateaued:
		steps[0].Shown = "no growth since " + human.Time(l.PlateauedAt, l.UpdatedAt) + ", " + human.Number(l.Leaked) + " leaked"
	case pause != "":
		steps[0].Shown = pause + ", " + human.Number(l.Leaked) + " leaked"
	}
	if len(l.Stacks) > 0 && l.Share > 0 {
		steps[1].Shown = human.Plural(int64(len(l.Stacks)), "stack explains ", "stacks explain ") + human.Percent(l.Share) + " of the growth"
		if l.Base != nil && l.Head != nil {
			steps[1].Shown += ", from " + human.Time(l.Base.Time, l.UpdatedAt) + " to " + human.Time(l.Head.Time, l.UpdatedAt)
		}
	}
	longest := slices.MaxFunc(append([]leak.StackGrowth{{}}, l.Stacks...), func(a, b leak.StackGrowth) int { return cmp.Compare(a.Wait, b.Wait) })
	if longest.Wait > 0 {
		steps[2].Shown = "blocked for up to " + human.Duration(longest.Wait)
	}
	at := slices.IndexFunc(steps, func(s step) bool { return s.Name == l.Evidence })
	for i := range steps {
		steps[i].Reached = i <= at
		if i > at {
			steps[i].Shown = ""
		}
	}
	if at >= 0 && at+1 < len(steps) {
		steps[at+1].Missing = human.Line(cmp.Or(l.Missing, "not looked at yet"), maxWords)
	}
	return steps
}

// pull takes a profile now and leads to where it can be compared.
func (h *Handler) pull(w http.ResponseWriter, r *http.Request) {
	l, ok := h.o.Backend.Leak(r.PathValue("id"))
	if !ok {
		h.showLeak(w, r, http.StatusNotFound, "")
		return
	}
	if !h.view.CanPull() {
		h.showLeak(w, r, http.StatusForbidden, view.PullOff)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	name := chosen(r)
	if !slices.Contains(l.Instances, name) {
		h.showLeak(w, r, http.StatusBadRequest, "instance: expected one of those that leak")
		return
	}
	ref, err := h.view.TakeProfile(r.Context(), w, l.Service, name)
	if err != nil {
		h.showLeak(w, r, view.PullStatus(err), err.Error())
		return
	}
	base := ""
	if l.Base != nil {
		base = l.Base.Key
	}
	http.Redirect(w, r, h.comparison(base, ref.Key).URL, http.StatusSeeOther)
}

// newChoice is an instance to choose in a form: whatever its name holds, what
// is in the page is plain.
func newChoice(name string) pair { return pair{url.QueryEscape(name), human.Line(name, maxName)} }

// chosen is the instance that was chosen.
func chosen(r *http.Request) string {
	name, err := url.QueryUnescape(r.PostFormValue("instance"))
	if err != nil {
		return ""
	}
	return name
}
