package pages

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/listing"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/setup"
	"github.com/gorowatch/gorowatch/internal/web/spark"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// servicesPage lists the services with their verdicts and the reasons for these.
type servicesPage struct {
	Filter   listing.FilterForm
	Pager    listing.Pager
	Total    tally // watched services, whatever the filter
	Services []serviceRow
	Started  stamp
	// Searched says by which metrics, and where, services are looked for.
	Searched string
	// States link to the services with one status.
	States []listing.StateLink
}

type serviceRow struct {
	URL       string
	Name      string
	Instances string
	Count     string
	Floor     string
	Rate      string
	Status    string
	Why, Help string
	Last      stamp
	Spark     spark.Spark
	Leaks     []leakRow
}

const servicesPerPage = 100

// services lists the services.
func (h *Handler) services(w http.ResponseWriter, r *http.Request) {
	firing, f := h.view.FiringLeaks(), query.NewFilter(r.URL.Query())
	state := r.URL.Query().Get("state")
	statuses := make([]string, len(view.Statuses))
	for i, status := range view.Statuses {
		statuses[i] = string(status)
	}
	query.OneOf(&f, "state", &state, statuses)
	found, total := h.view.Services(f, firing)
	p := servicesPage{Filter: listing.NewFilterForm(r, f, "q", "match"), Total: tally(total), Started: h.stamp(h.o.Started), Searched: setup.Searched(h.o.Backend.Status().Series)}
	counts := map[trend.Status]int{}
	var wanted []view.Service
	for _, s := range found {
		counts[s.Status]++
		if state == "" || state == string(s.Status) {
			wanted = append(wanted, s)
		}
	}
	for _, status := range view.Statuses {
		p.States = listing.AddState(p.States, r, string(status), state, counts[status], "")
	}
	p.Pager = listing.NewPager(r, len(wanted), servicesPerPage)
	for _, s := range listing.PageOf(wanted, p.Pager) {
		row := h.serviceRow(s)
		row.Spark = h.spark(s.Labels, time.Time{})
		for _, l := range firing.Of(s.Labels) {
			row.Leaks = append(row.Leaks, h.leakRow(l))
		}
		p.Services = append(p.Services, row)
	}
	title := "Services"
	if n := counts[trend.Leaking]; n > 0 {
		title = fmt.Sprintf("(%s) Services", tally(n))
	}
	h.render(w, r, p.Filter.Status(), "services", title, p)
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
		Help:      s.Help(),
		Last:      h.stamp(s.LastSample),
	}
	if s.Rate.Value != 0 {
		row.Rate = human.Number(s.Rate.Value)
	}
	return row
}
