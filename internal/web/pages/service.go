package pages

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/internal/web/why"
	"github.com/gorowatch/gorowatch/trend"
)

// servicePage is one service.
type servicePage struct {
	serviceRow
	ID      string
	Labels  []labelLink
	Gone    bool   // it is not watched now, and only its leaks are known
	Scale   string // length of the blocks that decided
	Members []memberRow
	More    int // present instances that are not shown
	// GoneMembers is the number of instances that are gone.
	GoneMembers int

	Reasons why.Reasons
	// Addresses: of the chart's data, of the parts about profiles to pick and Go's scheduler, which is
	// empty if nothing is known of that, and of comparisons.
	Chart, Picker, Scheduler, Compare string

	Pull     pullForm
	JSON     string
	Dash     string    // address of the dashboard
	All      []leakRow // its leaks
	Captures []captureRow
}

type memberRow struct {
	Name, Count, Floor, Rate string
	Started, Last            stamp
}

const maxMembers = 50

// service shows a service.
func (h *Handler) service(w http.ResponseWriter, r *http.Request) {
	h.showService(w, r, http.StatusOK, "")
}

// showService shows a service. problem is why a profile that was asked for was not taken.
func (h *Handler) showService(w http.ResponseWriter, r *http.Request, code int, problem string) {
	s, watched, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.showNotFound(w, r, "No such service", "There is no service with the id "+human.Line(r.PathValue("id"), 40)+". It may not be scraped any more.")
		return
	}
	id := view.ServiceID(s.Labels)
	p := servicePage{
		serviceRow: h.serviceRow(s), ID: id, Labels: h.labelLinks("/services", s.Labels), Gone: !watched || s.Instances == 0,
		Chart: h.chartURL(s.Labels, ""), Picker: h.serviceURL(s.Labels) + "/profiles", Compare: h.base + "/compare",
		JSON: h.base + "/api/v1/services/" + id, Captures: h.capturesOf(s.Labels, time.Time{}),
		Dash: h.alerts().Dashboard.Of(maxLink, s.Labels, h.o.Backend.Now().Add(-24*time.Hour), time.Time{}),
		Pull: pullForm{Enabled: h.view.CanPull(), URL: h.serviceURL(s.Labels) + "/profile#profile", Problem: human.Line(problem, maxWords)},
	}
	if h.view.HasScheduler() && !p.Gone {
		p.Scheduler = h.serviceURL(s.Labels) + "/scheduler"
	}
	if s.Scale > 0 {
		p.Scale = human.Duration(s.Scale)
	}
	growing := map[string]trend.Interval{}
	for _, g := range s.Growing {
		growing[g.Instance] = g.Rate
	}
	members := slices.Clone(h.o.Backend.Instances(s.Labels))
	slices.SortFunc(members, func(a, b view.Instance) int {
		return cmp.Or(cmp.Compare(growing[b.Name].Value, growing[a.Name].Value), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	members = slices.DeleteFunc(members, func(in view.Instance) bool {
		if in.Gone {
			p.GoneMembers++
		}
		return in.Gone
	})
	for _, in := range members[:min(len(members), maxMembers)] {
		row := memberRow{
			Name: human.Line(in.Name, maxName), Count: human.Number(in.Count), Floor: human.Number(in.Floor),
			Started: h.stamp(in.Started), Last: h.stamp(in.LastSeen),
		}
		if rate, ok := growing[in.Name]; ok {
			row.Rate = human.Number(rate.Value)
		}
		p.Members = append(p.Members, row)
		p.Pull.Instances = append(p.Pull.Instances, newChoice(in.Name))
	}
	p.More = len(members) - len(p.Members)
	p.Reasons = why.Of(h.o.Backend.Explain(s.Labels))
	leaks := h.view.LeaksOf(s.Labels)
	for _, l := range leaks[:min(len(leaks), maxInstances)] {
		p.All = append(p.All, h.leakRow(l))
	}
	h.render(w, r, code, "service", p.Name+": service", p)
}
