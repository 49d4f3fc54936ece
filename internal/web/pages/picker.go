package pages

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// pickerPart lists the profiles of a service, to pick two to compare. It is a part of the service's page.
type pickerPart struct {
	Problem  string // why there is no list
	Action   string // address of the comparison
	Profiles []pickRow
	More     int // older profiles that are not listed
	// Onset is that of a leak. The last profile before it is picked as the base at first; zero: there
	// is no leak.
	Onset stamp
}

// pickRow is a profile in the list. Base and Head report that it is picked as such at first.
type pickRow struct {
	Key, ISO, Words string
	Base, Head      bool
}

// maxPicks bounds the list to the latest profiles.
const maxPicks = 500

func (h *Handler) picker(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.fragment(w, r, http.StatusNotFound, "picker", pickerPart{Problem: "there is no such service"})
		return
	}
	p := pickerPart{Action: h.base + "/compare"}
	ctx, cancel := context.WithTimeout(r.Context(), view.ListTimeout)
	defer cancel()
	refs, err := h.view.ServiceProfiles(ctx, s.Labels, time.Time{}, h.o.Backend.Now().Add(time.Hour))
	if err != nil {
		h.fragment(w, r, http.StatusBadGateway, "picker", pickerPart{Problem: h.view.ArchiveProblem(err, "list", p.Action)})
		return
	}
	p.More = max(len(refs)-maxPicks, 0)
	for _, ref := range slices.Backward(refs[p.More:]) {
		p.Profiles = append(p.Profiles, pickRow{Key: ref.Key, ISO: h.stamp(ref.Time).ISO, Words: ref.Time.UTC().Format("2006-01-02 15:04:05 UTC") + "  " + human.Line(ref.Instance, 80)})
	}
	onset := h.onsetOf(s.Labels)
	p.pick(refs[p.More:], onset)
	p.Onset = h.stamp(onset)
	h.fragment(w, r, http.StatusOK, "picker", p)
}

// onsetOf returns the earliest onset of the open leaks of a service; zero: there are none.
func (h *Handler) onsetOf(service labels.Labels) (onset time.Time) {
	for _, l := range h.view.LeaksOf(service) {
		if l.State != leak.Resolved && !l.Onset.IsZero() && (onset.IsZero() || l.Onset.Before(onset)) {
			onset = l.Onset
		}
	}
	return onset
}

// pick picks the two profiles to show at first: the latest, and the last one before the onset, of the same
// instance if possible. Without an onset it picks the latest two. refs are those of the list, oldest first.
func (p *pickerPart) pick(refs []leak.ProfileRef, onset time.Time) {
	n := len(refs)
	if n == 0 {
		return
	}
	row := func(i int) *pickRow { return &p.Profiles[n-1-i] } // the latest is first
	row(n - 1).Head = true
	base := n - 2
	if !onset.IsZero() {
		same, last := -1, -1
		for i, ref := range refs[:n-1] {
			if ref.Time.Before(onset) {
				last = i
				if ref.Instance == refs[n-1].Instance {
					same = i
				}
			}
		}
		if last < 0 { // all profiles are from after the onset
			last = 0
		}
		if base = last; same >= 0 {
			base = same
		}
	}
	if base >= 0 && base < n-1 {
		row(base).Base = true
	}
}
