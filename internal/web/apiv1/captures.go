package apiv1

import (
	"net/http"
	"slices"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// captures lists the requested captures, the newest first.
func (h *Handler) captures(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	wanted := slices.DeleteFunc(h.o.Backend.Captures(), func(c ondemand.Capture) bool {
		return !f.Passes(c.Service, alerting.ServiceName(c.Service), c.Instance, c.Why)
	})
	captures := []v1.RequestedCapture{}
	for _, c := range query.Cut(wanted, x) {
		a := v1.RequestedCapture{
			Service: c.Service, Instance: c.Instance, Why: c.Why, At: v1.Time(c.At), Error: c.Error,
			Profiles: append([]leak.ProfileRef{}, c.Profiles...), Stacks: v1.NewStacks(c.Stacks),
		}
		captures = append(captures, a)
	}
	h.json.Send(w, r, map[string]any{"captures": captures, "total": len(wanted)})
}
