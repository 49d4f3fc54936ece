package apiv1

import (
	"net/http"
	"slices"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// leaks lists the leaks.
func (h *Handler) leaks(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	state := leak.State(q.Get("state"))
	switch state {
	case "", leak.Suspected, leak.Firing, leak.Resolved, leak.Ignored:
	default:
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "state: expected suspected, firing, resolved or ignored")
		return
	}
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	wanted := slices.DeleteFunc(h.view.Leaks(f), func(l leak.Leak) bool { return state != "" && l.State != state })
	leaks := []v1.Leak{}
	for _, l := range query.Cut(wanted, x) {
		leaks = append(leaks, v1.NewLeak(l))
	}
	h.json.Send(w, r, map[string]any{"leaks": leaks, "total": len(wanted)})
}

// leak is one leak with all that is known of it.
func (h *Handler) leak(w http.ResponseWriter, r *http.Request) {
	l, ok := h.leakOf(w, r)
	if !ok {
		return
	}
	h.json.Send(w, r, v1.NewLeak(l))
}
