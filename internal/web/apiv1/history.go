package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
)

// serviceHistory sends the data of a chart: counts, restarts, deploys and profiles.
func (h *Handler) serviceHistory(w http.ResponseWriter, r *http.Request) {
	s, ok := h.serviceOf(w, r)
	if !ok {
		return
	}
	if !h.view.HasHistory() {
		h.json.Refuse(w, http.StatusNotImplemented, envelope.Unavailable, "there is no source of series")
		return
	}
	now := h.o.Backend.Now()
	from, to := now.Add(-6*time.Hour), now
	var of *leak.Leak
	if id := r.URL.Query().Get("leak"); id != "" {
		l, ok := h.o.Backend.Leak(id)
		if !ok || !labels.Equal(l.Service, s.Labels) {
			h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "leak: this service has no leak with this id")
			return
		}
		of = &l
		from, to = view.ChartSpan(l, now)
	}
	span, err := query.NewSpan(r.URL.Query(), from, to)
	if err != nil {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, err.Error())
		return
	}
	history, err := h.view.History(r.Context(), s.Labels, span.From, span.To, span.Step(h.view.Resolution()))
	if err != nil {
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, "the series cannot be read now: "+human.Line(err.Error(), view.MaxWords))
		return
	}
	a := newHistory(history, s, of, span)
	a.Profiles, a.ProfilesError = h.marks(r.Context(), s.Labels, of, span)
	h.json.Send(w, r, a)
}

// marks returns the profiles in the span, thinned out; those that the leak is
// compared by are always among them.
func (h *Handler) marks(ctx context.Context, service labels.Labels, of *leak.Leak, span query.Span) (marks []v1.ProfileMark, problem string) {
	marks = []v1.ProfileMark{}
	ctx, cancel := context.WithTimeout(ctx, view.ListTimeout)
	defer cancel()
	refs, err := h.view.ServiceProfiles(ctx, service, span.From, span.To)
	if err != nil {
		return marks, h.view.ArchiveProblem(err, "list", alerting.ServiceName(service))
	}
	named := func(ref leak.ProfileRef) bool {
		return of != nil && (of.Base != nil && of.Base.Key == ref.Key || of.Head != nil && of.Head.Key == ref.Key)
	}
	skip := (len(refs) + maxMarks - 1) / maxMarks
	for i, ref := range refs {
		if i%max(skip, 1) == 0 || named(ref) {
			marks = append(marks, v1.ProfileMark{Time: seconds(ref.Time), Instance: human.Line(ref.Instance, view.MaxName), Key: ref.Key})
		}
	}
	return marks, ""
}
