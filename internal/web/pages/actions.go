package pages

import (
	"cmp"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/export"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// leakActions is what one can do about a leak.
type leakActions struct {
	URL     string // of the page of the leak
	Help    string // of the documentation
	Refused refusal
	Silence string
	Issues  []actions.Issue
	// Markdown is the leak for a ticket.
	Markdown string
	Expected expectedForm
	Owner    ownerForm
	Pull     pullForm
	// Exports are the profiles to download.
	Exports []exportRow
}

// refusal is an action that was refused: it is answered where the click was.
type refusal struct {
	// Action is the id of its form: profile, expected or owner.
	Action, Text string
}

// expectedForm says that a leak is expected.
type expectedForm struct {
	Enabled bool
	// Rule is the entry of the configuration that says the same; empty: the leak has no
	// stack that a rule could name.
	Rule string
	// Is: it is expected now, for this Reason, until Until.
	Is     bool
	Reason string
	Until  stamp
	// First and Suggested are the earliest day that the form takes, and the one that it
	// begins with.
	First, Suggested string
}

// ownerForm shows and sets the owner of a leak.
type ownerForm struct {
	Enabled bool
	Owner   string
	// ByRule is the owner from the configuration.
	ByRule string
	Note   string
	At     stamp
}

// exportRow is a profile in several formats.
type exportRow struct {
	Name  string
	Files []pair // name of the format, and address
}

// suggestedDays is how long a leak is expected unless somebody says otherwise: somebody
// shall decide again.
const suggestedDays = 30

// leakActions are those for a leak; no is the one that was refused, if any was.
func (h *Handler) leakActions(l leak.Leak, no refusal) leakActions {
	links, now := h.o.Backend.Links(), h.o.Backend.Now()
	page := h.o.ExternalURL.JoinPath("leaks", l.ID).String()
	text := actions.Text{Render: h.alerts(), Page: page}
	if len(links.Source) > 0 {
		text.Source = h.sourceOf(links, l)
	}
	said := h.view.TriageOf(l)
	a := leakActions{
		URL:      h.base + "/leaks/" + url.PathEscape(l.ID),
		Help:     h.base + "/help",
		Refused:  refusal{no.Action, human.Line(no.Text, maxWords)},
		Issues:   links.IssuesOf(l, text),
		Markdown: text.Markdown(l),
		Exports:  h.exportsOf(l),
		Owner: ownerForm{
			Enabled: h.view.CanTriage(), Owner: human.Line(said.Owner, triage.MaxOwner), Note: said.Note, At: h.stamp(said.UpdatedAt),
			ByRule: links.OwnerOf(l.Service, h.instanceLabels(l)),
		},
		Expected: expectedForm{
			Enabled: h.view.CanTriage(), Is: said.IsExpected(now),
			First: now.UTC().Format(time.DateOnly), Suggested: now.UTC().AddDate(0, 0, suggestedDays).Format(time.DateOnly),
			Rule: actions.Rule(l, "why this is expected", now.UTC().AddDate(0, 0, suggestedDays+1).Truncate(24*time.Hour)),
		},
	}
	if x := said.Expected; a.Expected.Is {
		a.Expected.Reason = human.Line(x.Reason, maxWords)
		if !x.Until.IsZero() {
			a.Expected.Until = h.stamp(x.Until)
		}
	}
	if l.State != leak.Resolved {
		a.Silence = links.Silence(l, page)
	}
	a.Pull = pullForm{Enabled: h.view.CanPull(), URL: a.URL + "/profile#profile"}
	if no.Action == "profile" {
		a.Pull.Problem = a.Refused.Text
	}
	for _, i := range l.Instances[:min(len(l.Instances), maxInstances)] {
		a.Pull.Instances = append(a.Pull.Instances, newChoice(i))
	}
	return a
}

// instanceLabels are the labels of one of the instances that leak.
func (h *Handler) instanceLabels(l leak.Leak) labels.Labels {
	for _, in := range h.o.Backend.Instances(l.Service) {
		if len(l.Instances) == 0 || in.Name == l.Instances[0] {
			return in.Labels
		}
	}
	return labels.EmptyLabels()
}

// exportsOf are the profiles of a leak in the formats of other tools.
func (h *Handler) exportsOf(l leak.Leak) (rows []exportRow) {
	add := func(name, base, head string) {
		if !view.IsProfileKey(head) || (base != "" && !view.IsProfileKey(base)) {
			return
		}
		row := exportRow{Name: name}
		for _, f := range export.Formats {
			q := url.Values{"head": {head}, "format": {string(f)}}
			if base != "" {
				q.Set("base", base)
			}
			to := h.base + "/api/v1/export?" + q.Encode()
			if f == export.Pprof && base == "" {
				to = h.profileURL(head) // as the target sent it
			}
			row.Files = append(row.Files, pair{f.Extension(), to})
		}
		rows = append(rows, row)
	}
	if l.Base != nil && l.Head != nil {
		add("Difference", l.Base.Key, l.Head.Key)
		add("Before", "", l.Base.Key)
	}
	if l.Head != nil {
		add("Now", "", l.Head.Key)
	}
	return rows
}

// saidOf reads a form about a leak. ok is false once the request has been answered.
func (h *Handler) saidOf(w http.ResponseWriter, r *http.Request, action string) (l leak.Leak, said triage.Entry, ok bool) {
	l, ok = h.o.Backend.Leak(r.PathValue("id"))
	switch {
	case !ok:
		h.showLeak(w, r, http.StatusNotFound, refusal{})
	case !h.view.CanTriage():
		h.showLeak(w, r, http.StatusForbidden, refusal{Action: action, Text: view.TriageOff})
		ok = false
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	return l, h.view.TriageOf(l), ok
}

// keep stores the triage of a leak, and redirects to its page.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request, l leak.Leak, said triage.Entry, action string) {
	if code, err := h.view.SetTriage(r.Context(), l, said); err != nil {
		h.showLeak(w, r, code, refusal{Action: action, Text: err.Error()})
		return
	}
	http.Redirect(w, r, h.base+"/leaks/"+url.PathEscape(l.ID)+"#"+action, http.StatusSeeOther)
}

// expect says that a leak is expected, or no longer is.
func (h *Handler) expect(w http.ResponseWriter, r *http.Request) {
	const action = "expected"
	l, said, ok := h.saidOf(w, r, action)
	if !ok {
		return
	}
	said.Expected = nil
	if r.PostFormValue("end") == "" {
		until, err := triage.ParseUntil(r.PostFormValue("until"))
		if err != nil {
			h.showLeak(w, r, http.StatusBadRequest, refusal{Action: action, Text: err.Error()})
			return
		}
		said.Expected = &triage.Expected{Reason: r.PostFormValue("reason"), Until: until}
	}
	h.keep(w, r, l, said, action)
}

// own sets the owner of a leak, with a note.
func (h *Handler) own(w http.ResponseWriter, r *http.Request) {
	const action = "owner"
	l, said, ok := h.saidOf(w, r, action)
	if !ok {
		return
	}
	said.Owner, said.Note = human.Line(r.PostFormValue("owner"), triage.MaxOwner), r.PostFormValue("note")
	h.keep(w, r, l, said, action)
}

// Name is the owner of the leak, empty if unknown.
func (o ownerForm) Name() string { return cmp.Or(o.Owner, o.ByRule) }
