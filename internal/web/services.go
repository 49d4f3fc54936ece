package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// servicesPage says of every service what it does and why it is no leak.
type servicesPage struct {
	Filter   query.Filter
	Pager    pager
	Total    tally // watched, whatever the filter
	Services []serviceRow
	Started  stamp
	// State narrows to a status; States are those that there are.
	State  string
	States []stateLink
}

type stateLink struct {
	Name, URL string
	N         tally
	Current   bool
}

// tally is a number that pages show as they do others.
type tally int

func (n tally) String() string { return human.Count(int64(n)) }

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
			l := stateLink{Name: string(status), N: tally(n), URL: with(r, "state", string(status)), Current: p.State == string(status)}
			if l.Current {
				l.URL = with(r, "state", "")
			}
			p.States = append(p.States, l)
		}
	}
	p.Pager = newPager(r, len(wanted), servicesPerPage)
	for _, s := range part(wanted, p.Pager) {
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

// servicePage is one service.
type servicePage struct {
	serviceRow
	ID      string
	Labels  []labelLink
	Gone    bool // is not watched now, only its leaks are known
	Scale   string
	Members []memberRow
	More    int
	// GoneMembers are instances that are gone.
	GoneMembers int

	Reasons []reasonRow
	Left    int // reasons that are not shown
	Chart   string
	Picker  string
	Compare string
	Pull    pullForm
	JSON    string
	Dash    string
	All     []leakRow
	// Captures are those on request.
	Captures []captureRow
}

type memberRow struct {
	Name, Count, Floor, Rate string
	Started, Last            stamp
}

// reasonRow is what one scale of one instance says.
type reasonRow struct {
	Instance, Scale, Status, Why string
	Blocks, Rate, Grown, Z       string
}

const (
	maxMembers = 50
	maxReasons = 60
)

func (h *Handler) service(w http.ResponseWriter, r *http.Request) {
	h.showService(w, r, http.StatusOK, "")
}

func (h *Handler) showService(w http.ResponseWriter, r *http.Request, code int, problem string) {
	s, watched, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.lost(w, r, "No such service", "There is no service with the id "+human.Line(r.PathValue("id"), 40)+". It may not be scraped any more.")
		return
	}
	id := view.ServiceID(s.Labels)
	p := servicePage{
		serviceRow: h.serviceRow(s), ID: id, Labels: h.labelLinks("/services", s.Labels), Gone: !watched || s.Instances == 0,
		Chart: h.chartURL(s.Labels, ""), Picker: h.serviceURL(s.Labels) + "/profiles", Compare: h.base + "/compare",
		JSON: h.base + "/api/v1/services/" + id, Captures: h.capturesOf(s.Labels, time.Time{}),
		Dash: h.alerts().Dashboard.Of(maxLink, s.Labels, h.o.Backend.Now().Add(-24*time.Hour), time.Time{}),
		Pull: pullForm{Enabled: h.view.CanPull(), URL: h.serviceURL(s.Labels) + "/profile", Problem: human.Line(problem, maxWords)},
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
	p.Reasons, p.Left = reasons(h.o.Backend.Explain(s.Labels))
	leaks := h.view.LeaksOf(s.Labels)
	for _, l := range leaks[:min(len(leaks), maxInstances)] {
		p.All = append(p.All, h.leakRow(l))
	}
	h.render(w, code, "service", p.Name, p)
}

// reasons are the assessments that have something to say, those of all
// instances together and the most suspicious first.
func reasons(all []trend.Assessment) (rows []reasonRow, left int) {
	all = slices.DeleteFunc(all, func(a trend.Assessment) bool { return a.Status == "" })
	slices.SortStableFunc(all, func(a, b trend.Assessment) int {
		return cmp.Or(view.CompareStatus(a.Status, b.Status), cmp.Compare(min(len(a.Instance), 1), min(len(b.Instance), 1)), cmp.Compare(b.Z, a.Z))
	})
	for _, a := range all[:min(len(all), maxReasons)] {
		row := reasonRow{
			Instance: human.Line(cmp.Or(a.Instance, "all together"), maxName), Scale: human.Duration(a.Scale),
			Status: word(a.Status), Why: v1.NewReason(a).Text(), Blocks: human.Count(int64(a.Blocks)), Z: human.Number(a.Z),
		}
		if a.Grown > 0 {
			row.Rate, row.Grown = human.Number(a.Rate.Value), human.Number(a.Grown)
		}
		rows = append(rows, row)
	}
	return rows, len(all) - len(rows)
}

// pullService takes a profile of an instance of a service.
func (h *Handler) pullService(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	switch {
	case !ok:
		h.showService(w, r, http.StatusNotFound, "")
		return
	case !h.view.CanPull():
		h.showService(w, r, http.StatusForbidden, view.PullOff)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	ref, err := h.view.TakeProfile(r.Context(), w, s.Labels, chosen(r))
	if err != nil {
		h.showService(w, r, view.PullStatus(err), err.Error())
		return
	}
	http.Redirect(w, r, h.comparison("", ref.Key).URL, http.StatusSeeOther)
}

// chartURL is where the data of the chart of a service is had.
func (h *Handler) chartURL(service labels.Labels, leakID string) string {
	u := h.base + "/api/v1/services/" + view.ServiceID(service) + "/history"
	if leakID != "" {
		u += "?leak=" + url.QueryEscape(leakID)
	}
	return u
}
