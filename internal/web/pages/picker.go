package pages

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// pickerPart lists the profiles of a service to pick two of, a part of its
// page.
type pickerPart struct {
	Problem  string
	Action   string
	Profiles []pickRow
	More     int
}

type pickRow struct{ Key, Words string }

// maxPicks is how many profiles can be picked from, the latest.
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
		p.Profiles = append(p.Profiles, pickRow{Key: ref.Key, Words: ref.Time.UTC().Format("2006-01-02 15:04:05 UTC") + "  " + human.Line(ref.Instance, 80)})
	}
	h.fragment(w, r, http.StatusOK, "picker", p)
}
