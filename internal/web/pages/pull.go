package pages

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// pullForm is the form to take a profile now.
type pullForm struct {
	Enabled   bool
	URL       string
	Instances []pair // name as escaped for the form, and as shown
	// Problem is why the profile that was just asked for was not taken.
	Problem string
}

// pull takes a profile of an instance of a leak, and redirects to its comparison with the base.
func (h *Handler) pull(w http.ResponseWriter, r *http.Request) {
	l, ok := h.o.Backend.Leak(r.PathValue("id"))
	if !ok {
		h.showLeak(w, r, http.StatusNotFound, refusal{})
		return
	}
	if !h.view.CanPull() {
		h.showLeak(w, r, http.StatusForbidden, refusal{Action: "profile", Text: view.PullOff})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	name := chosenInstance(r)
	if !slices.Contains(l.Instances, name) {
		h.showLeak(w, r, http.StatusBadRequest, refusal{Action: "profile", Text: "instance: expected one of those that leak"})
		return
	}
	ref, err := h.view.TakeProfile(r.Context(), w, l.Service, name)
	if err != nil {
		h.showLeak(w, r, view.PullStatus(err), refusal{Action: "profile", Text: err.Error()})
		return
	}
	base := ""
	if l.Base != nil {
		base = l.Base.Key
	}
	http.Redirect(w, r, h.comparison(base, ref.Key).URL, http.StatusSeeOther)
}

// newChoice makes an entry of a form from the name of an instance. The value is escaped, because a name may
// have any bytes.
func newChoice(name string) pair { return pair{url.QueryEscape(name), human.Line(name, maxName)} }

// chosenInstance returns the name of the instance that was chosen in a form.
func chosenInstance(r *http.Request) string {
	name, err := url.QueryUnescape(r.PostFormValue("instance"))
	if err != nil {
		return ""
	}
	return name
}

// pullService takes a profile of an instance of a service, and redirects to it.
func (h *Handler) pullService(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	switch {
	case !ok:
		h.showService(w, r, http.StatusNotFound, "")
		return
	case !h.view.CanPull():
		h.showService(w, r, http.StatusForbidden, view.PullOff)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	ref, err := h.view.TakeProfile(r.Context(), w, s.Labels, chosenInstance(r))
	if err != nil {
		h.showService(w, r, view.PullStatus(err), err.Error())
		return
	}
	http.Redirect(w, r, h.comparison("", ref.Key).URL, http.StatusSeeOther)
}
