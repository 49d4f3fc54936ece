package apiv1

import (
	"net/http"
	"slices"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// targets lists the targets. Instances that are gone are listed only if the request
// asks for that state.
func (h *Handler) targets(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	state := view.TargetState(q.Get("state"))
	wanted, gone := h.view.Targets()
	if state == view.TargetGone {
		wanted = gone
	}
	if state != "" && state != view.TargetGone && !slices.Contains(view.TargetStates, state) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "state: expected unknown, up, down, unmatched or gone")
		return
	}
	passes := h.view.SearchTargets(f)
	wanted = slices.DeleteFunc(wanted, func(t view.Target) bool {
		return state != "" && t.State != state || !passes(t)
	})
	targets := []v1.Target{}
	for _, t := range query.Cut(wanted, x) {
		targets = append(targets, v1.Target{
			Labels: t.Labels, URL: t.URL, State: string(t.State), LastPull: v1.Time(t.LastPull), NextPull: v1.Time(t.Next), LastPush: v1.Time(t.LastPush),
			DurationSeconds: t.Duration.Seconds(), CostSeconds: v1.Number(t.Cost), Goroutines: t.Goroutines, Error: t.Error, GoneSince: v1.Time(t.Gone),
		})
	}
	h.json.Send(w, r, map[string]any{"targets": targets, "total": len(wanted)})
}
