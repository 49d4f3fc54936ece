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

// leakActions has what people can do about a leak.
type leakActions struct {
	URL     string // of the leak's page
	Help    string // address of the documentation
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

// refusal says why an action was refused. The page shows it at the form of that action.
type refusal struct {
	// Action is the id of the form: profile, expected or owner. Text is the reason.
	Action, Text string
}

// expectedForm shows and sets whether a leak is expected.
type expectedForm struct {
	Enabled bool
	// Rule is the entry of the configuration with the same effect; empty: the leak has no stack
	// that a rule could name.
	Rule string
	// Is reports that the leak is expected now, for Reason, until Until.
	Is     bool
	Reason string
	Until  stamp
	// First is the earliest day that the form takes, Suggested the day that it shows at first.
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
	Files []pair // extension of the format, and address
}

// suggestedDays is for how many days the form proposes to expect a leak, so that somebody decides
// again after that.
const suggestedDays = 30

// leakActions returns the actions for a leak. refused is one that was just refused, if any was.
func (h *Handler) leakActions(l leak.Leak, refused refusal) leakActions {
	links, now := h.o.Backend.Links(), h.o.Backend.Now()
	page := h.o.ExternalURL.JoinPath("leaks", l.ID).String()
	text := actions.Text{Render: h.alerts(), Page: page}
	if len(links.Source) > 0 {
		text.Source = h.sourceOf(links, l)
	}
	entry := h.view.TriageOf(l)
	a := leakActions{
		URL:      h.base + "/leaks/" + url.PathEscape(l.ID),
		Help:     h.base + "/help",
		Refused:  refusal{refused.Action, human.Line(refused.Text, maxWords)},
		Issues:   links.IssuesOf(l, text),
		Markdown: text.Markdown(l),
		Exports:  h.exportsOf(l),
		Owner: ownerForm{
			Enabled: h.view.CanTriage(), Owner: human.Line(entry.Owner, triage.MaxOwner), Note: entry.Note, At: h.stamp(entry.UpdatedAt),
			ByRule: links.OwnerOf(l.Service, h.instanceLabels(l)),
		},
		Expected: expectedForm{
			Enabled: h.view.CanTriage(), Is: entry.IsExpected(now),
			First: now.UTC().Format(time.DateOnly), Suggested: now.UTC().AddDate(0, 0, suggestedDays).Format(time.DateOnly),
			Rule: actions.Rule(l, "why this is expected", now.UTC().AddDate(0, 0, suggestedDays+1).Truncate(24*time.Hour)),
		},
	}
	if x := entry.Expected; a.Expected.Is {
		a.Expected.Reason = human.Line(x.Reason, maxWords)
		if !x.Until.IsZero() {
			a.Expected.Until = h.stamp(x.Until)
		}
	}
	if l.State != leak.Resolved {
		a.Silence = links.Silence(l, page)
	}
	a.Pull = pullForm{Enabled: h.view.CanPull(), URL: a.URL + "/profile#profile"}
	if refused.Action == "profile" {
		a.Pull.Problem = a.Refused.Text
	}
	for _, i := range l.Instances[:min(len(l.Instances), maxInstances)] {
		a.Pull.Instances = append(a.Pull.Instances, newChoice(i))
	}
	return a
}

// instanceLabels returns the labels of the first instance that leaks; none if it is not watched.
func (h *Handler) instanceLabels(l leak.Leak) labels.Labels {
	for _, in := range h.o.Backend.Instances(l.Service) {
		if len(l.Instances) == 0 || in.Name == l.Instances[0] {
			return in.Labels
		}
	}
	return labels.EmptyLabels()
}

// exportsOf returns the profiles of a leak in the formats of other tools.
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

// triageForm returns the leak of a form and its present triage, and bounds the request. ok is false if
// the request has been answered already.
func (h *Handler) triageForm(w http.ResponseWriter, r *http.Request, action string) (l leak.Leak, entry triage.Entry, ok bool) {
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

// saveTriage stores the triage of a leak, and redirects to its page.
func (h *Handler) saveTriage(w http.ResponseWriter, r *http.Request, l leak.Leak, entry triage.Entry, action string) {
	if code, err := h.view.SetTriage(r.Context(), l, entry); err != nil {
		h.showLeak(w, r, code, refusal{Action: action, Text: err.Error()})
		return
	}
	http.Redirect(w, r, h.base+"/leaks/"+url.PathEscape(l.ID)+"#"+action, http.StatusSeeOther)
}

// setExpected sets that a leak is expected, or that it no longer is.
func (h *Handler) setExpected(w http.ResponseWriter, r *http.Request) {
	const action = "expected"
	l, entry, ok := h.triageForm(w, r, action)
	if !ok {
		return
	}
	entry.Expected = nil
	if r.PostFormValue("end") == "" {
		until, err := triage.ParseUntil(r.PostFormValue("until"))
		if err != nil {
			h.showLeak(w, r, http.StatusBadRequest, refusal{Action: action, Text: err.Error()})
			return
		}
		entry.Expected = &triage.Expected{Reason: r.PostFormValue("reason"), Until: until}
	}
	h.saveTriage(w, r, l, entry, action)
}

// setOwner sets the owner of a leak, with a note.
func (h *Handler) setOwner(w http.ResponseWriter, r *http.Request) {
	const action = "owner"
	l, entry, ok := h.triageForm(w, r, action)
	if !ok {
		return
	}
	entry.Owner, entry.Note = human.Line(r.PostFormValue("owner"), triage.MaxOwner), r.PostFormValue("note")
	h.saveTriage(w, r, l, entry, action)
}

// Name returns the owner of the leak; empty: unknown.
func (o ownerForm) Name() string { return cmp.Or(o.Owner, o.ByRule) }
