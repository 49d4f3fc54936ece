package pages

import (
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// servicesPage lists the services with their verdicts and the reasons for these.
type servicesPage struct {
	Filter   query.Filter
	Pager    pager
	Total    tally // watched, whatever the filter
	Services []serviceRow
	Started  stamp
	// State is the status that the list is narrowed to; States link to all of them.
	State  string
	States []stateLink
}

type serviceRow struct {
	URL       string
	Name      string
	Instances string
	Count     string
	Floor     string
	Rate      string
	Status    string
	Why       string
	Last      stamp
	Spark     spark
	Leaks     []leakRow
}

const servicesPerPage = 100

// services lists the services.
func (h *Handler) services(w http.ResponseWriter, r *http.Request) {
	firing, f := h.view.FiringLeaks(), query.NewFilter(r.URL.Query())
	found, total := h.view.Services(f, firing)
	p := servicesPage{Filter: f, Total: tally(total), Started: h.stamp(h.o.Started), State: word(trend.Status(r.URL.Query().Get("state")))}
	counts := map[trend.Status]int{}
	var wanted []view.Service
	for _, s := range found {
		counts[s.Status]++
		if p.State == "" || p.State == string(s.Status) {
			wanted = append(wanted, s)
		}
	}
	for _, status := range view.Statuses {
		if n := counts[status]; n > 0 || p.State == string(status) {
			l := stateLink{Name: string(status), N: tally(n), URL: withParameter(r, "state", string(status)), Current: p.State == string(status)}
			if l.Current {
				l.URL = withParameter(r, "state", "")
			}
			p.States = append(p.States, l)
		}
	}
	p.Pager = newPager(r, len(wanted), servicesPerPage)
	for _, s := range pageOf(wanted, p.Pager) {
		row := h.serviceRow(s)
		row.Spark = h.spark(s.Labels, time.Time{})
		for _, l := range firing.Of(s.Labels) {
			row.Leaks = append(row.Leaks, h.leakRow(l))
		}
		p.Services = append(p.Services, row)
	}
	code := http.StatusOK
	if f.Problem != "" {
		code = http.StatusBadRequest
	}
	h.render(w, code, "services", "Services", p)
}

func (h *Handler) serviceRow(s view.Service) serviceRow {
	row := serviceRow{
		URL:       h.serviceURL(s.Labels),
		Name:      human.Line(alerting.ServiceName(s.Labels), maxName),
		Instances: human.Count(int64(s.Instances)),
		Count:     human.Number(s.Count),
		Floor:     human.Number(s.Floor),
		Status:    word(s.Status),
		Why:       s.Why(),
		Last:      h.stamp(s.LastSample),
	}
	if s.Rate.Value != 0 {
		row.Rate = human.Number(s.Rate.Value)
	}
	return row
}
