package apiv1

import (
	"net/http"
	"slices"

	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func newService(s view.Service, firing []leak.Leak) v1.Service {
	a := v1.Service{
		ID: view.ServiceID(s.Labels), Labels: s.Labels, Instances: s.Instances, Goroutines: v1.Number(s.Count), Floor: v1.Number(s.Floor),
		GrowthPerHour: v1.NewInterval(s.Rate), Status: s.Status, Gate: s.Gate, Why: s.Why(), Help: s.Help(), Confidence: s.Confidence, SuppressedReason: s.SuppressedReason,
		LastSample: v1.Time(s.LastSample), Leaks: []string{},
	}
	for _, l := range firing {
		a.Leaks = append(a.Leaks, l.ID)
	}
	return a
}

// services lists the services.
func (h *Handler) services(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, x, ok := h.listing(w, q)
	if !ok {
		return
	}
	firing := h.view.FiringLeaks()
	status := trend.Status(q.Get("status"))
	if status != "" && !slices.Contains(view.Statuses, status) {
		h.json.Refuse(w, http.StatusBadRequest, envelope.BadData, "status: expected leaking, plateaued, suspicious, provisional or quiet")
		return
	}
	wanted, _ := h.view.Services(f, firing)
	wanted = slices.DeleteFunc(wanted, func(s view.Service) bool { return status != "" && s.Status != status })
	services := []v1.Service{}
	for _, s := range query.Cut(wanted, x) {
		services = append(services, newService(s, firing.Of(s.Labels)))
	}
	h.json.Send(w, r, map[string]any{"services": services, "total": len(wanted)})
}

// service sends one service with its instances and the assessments behind its verdict.
func (h *Handler) service(w http.ResponseWriter, r *http.Request) {
	s, ok := h.serviceOf(w, r)
	if !ok {
		return
	}
	a := v1.ServiceDetail{
		Service: newService(s, h.view.FiringLeaks().Of(s.Labels)),
		Members: []v1.Member{}, Assessments: []v1.Assessment{},
	}
	for _, in := range query.Cut(h.o.Backend.Instances(s.Labels), query.Window{Limit: query.MaxLimit}) {
		a.Members = append(a.Members, v1.Member{
			Instance: in.Name, Goroutines: v1.Number(in.Count), Floor: v1.Number(in.Floor), Load: v1.Number(in.Load),
			Started: v1.Time(in.Started), LastSample: v1.Time(in.LastSeen), Gone: in.Gone,
		})
	}
	for _, x := range query.Cut(h.o.Backend.Explain(s.Labels), query.Window{Limit: query.MaxLimit}) {
		if x.Status == "" {
			continue
		}
		a.Assessments = append(a.Assessments, v1.NewAssessment(x))
	}
	h.json.Send(w, r, a)
}
