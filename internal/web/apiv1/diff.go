package apiv1

import (
	"net/http"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/calltree"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// newProfileOf converts one of the two profiles; nil if there is none.
func newProfileOf(key string, p *collector.Profile) *v1.ProfileOf {
	if p == nil {
		return nil
	}
	return &v1.ProfileOf{Key: key, Time: p.Time.UTC(), Goroutines: p.Total}
}

// diff sends the difference of two profiles as a list and as a tree.
func (h *Handler) diff(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	two, release, err := h.view.ReadPair(r.Context(), q.Get("base"), q.Get("head"))
	defer release()
	if err != nil {
		code, text := h.view.PairProblem(err, q.Get("head"))
		h.json.Refuse(w, code, envelope.TypeOf(code), text)
		return
	}
	base, head := two.Snapshots()
	a := v1.Diff{Base: newProfileOf(two.BaseKey, two.Base), Head: newProfileOf(two.HeadKey, two.Head), Growth: head.Total - base.Total, Stacks: []v1.Stack{}}
	changes, more := view.Changes(base, head)
	for _, x := range changes {
		s := v1.NewGrown(x.StackGrowth)
		s.Labels = x.Labels
		a.Stacks = append(a.Stacks, s)
	}
	a.More = more
	a.Root, a.Folded = calltree.Of(base, head)
	h.json.Send(w, r, a)
}
