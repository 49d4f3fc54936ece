package apiv1

import (
	"net/http"
	"slices"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// leaks lists the leaks. The state is that of the leak: a firing one may have stopped
// growing, and is plateaued as well.
func (h *Handler) leaks(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state := q.Get("state")
	if states := []string{"", "suspected", "firing", "plateaued", "resolved", "ignored"}; !slices.Contains(states, state) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "state: expected suspected, firing, plateaued, resolved or ignored")
		return
	}
	if _, _, ok := h.listing(w, q); !ok {
		return
	}
	x := query.NewLeaks(q)
	if x.Problem != "" {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, x.Problem)
		return
	}
	window, ok := h.window(w, q)
	if !ok {
		return
	}
	x.State = ""
	wanted := slices.DeleteFunc(h.view.ListLeaks(x).Leaks, func(l leak.Leak) bool {
		return state != "" && string(l.State) != state && string(l.Phase()) != state
	})
	leaks := []v1.Leak{}
	for _, l := range query.Cut(wanted, window) {
		leaks = append(leaks, v1.NewLeak(l))
	}
	h.json.Send(w, r, map[string]any{"leaks": leaks, "total": len(wanted)})
}

// leak sends one leak with everything that is known about it.
func (h *Handler) leak(w http.ResponseWriter, r *http.Request) {
	l, ok := h.leakOf(w, r)
	if !ok {
		return
	}
	h.json.Send(w, r, v1.NewLeak(l))
}
