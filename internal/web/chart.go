package web

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/internal/web/envelope"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/trend"
)

// What a chart shows at most: what is sent does not grow with the fleet or the
// time.
const (
	maxDrawn  = 30 // instances
	maxEvents = 300
	maxMarks  = 400 // profiles
)

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func secondsOf(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := seconds(t)
	return &s
}

// chartURL is where the data of the chart of a service is had.
func (h *Handler) chartURL(service labels.Labels, leakID string) string {
	u := h.base + "/api/v1/services/" + view.ServiceID(service) + "/history"
	if leakID != "" {
		u += "?leak=" + url.QueryEscape(leakID)
	}
	return u
}

// apiServiceHistory is what a chart shows.
func (h *Handler) apiServiceHistory(w http.ResponseWriter, r *http.Request) {
	s, _, ok := h.view.Service(r.PathValue("id"))
	if !ok {
		h.json.Refuse(w, http.StatusNotFound, envelope.NotFound, "there is no service with this id")
		return
	}
	if !h.view.HasHistory() {
		h.json.Refuse(w, http.StatusNotImplemented, envelope.Unavailable, "there is no source of series")
		return
	}
	now := h.o.Now()
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
		h.json.Refuse(w, http.StatusBadGateway, envelope.Unavailable, "the series cannot be read now: "+human.Line(err.Error(), maxWords))
		return
	}
	a := newHistory(history, s, of, span)
	a.Profiles, a.ProfilesError = h.marks(r.Context(), s.Labels, of, span)
	h.json.Send(w, r, a)
}

func newHistory(history collector.History, s view.Service, of *leak.Leak, span query.Span) v1.History {
	a := v1.History{
		Start: seconds(history.Start), Step: history.Step.Seconds(), Steps: history.Steps,
		Instances: []v1.InstanceHistory{}, Fits: []v1.Fit{}, Warnings: append([]string{}, history.Warnings...),
	}
	rates := map[string]trend.InstanceTrend{}
	for _, g := range s.Growing {
		rates[g.Instance] = g
	}
	leaking := func(name string) bool {
		if of != nil {
			return slices.Contains(of.Instances, name)
		}
		_, grows := rates[name]
		return grows
	}
	all := slices.Clone(history.Instances)
	a.Restarts, a.Deploys = starts(all, span)
	slices.SortStableFunc(all, func(x, y collector.InstanceHistory) int {
		lx, ly := leaking(instanceName(x.Labels)), leaking(instanceName(y.Labels))
		if lx != ly {
			return map[bool]int{true: -1, false: 1}[lx]
		}
		return cmp.Compare(lastOf(y.Max), lastOf(x.Max))
	})
	for _, in := range all[:min(len(all), maxDrawn)] {
		name := instanceName(in.Labels)
		x := v1.InstanceHistory{Name: human.Line(name, maxName), Leaking: leaking(name), Min: in.Min, Max: in.Max}
		if span.Load {
			x.Load = in.Load
		}
		a.Instances = append(a.Instances, x)
		if f, ok := fit(history, in, of, rates[name], x.Leaking); ok {
			f.Instance = x.Name
			a.Fits = append(a.Fits, f)
		}
	}
	a.More = len(all) - len(a.Instances)
	switch {
	case of != nil:
		if !of.DeployedAt.IsZero() && of.DeployedAt.After(span.From) {
			a.Deploys = slices.DeleteFunc(a.Deploys, func(d v1.Deploy) bool { return math.Abs(d.Time-seconds(of.DeployedAt)) < deployWindow.Seconds() })
			a.Deploys = append(a.Deploys, v1.Deploy{Time: seconds(of.DeployedAt), Instances: of.InstancesTotal, Version: human.Line(of.Version, 40)})
		}
		a.Onset, a.DetectedAt, a.ResolvedAt = secondsOf(of.Onset), secondsOf(of.DetectedAt), secondsOf(of.ResolvedAt)
	case len(s.Growing) > 0:
		onset := s.Growing[0].Onset
		for _, g := range s.Growing {
			if g.Onset.Before(onset) {
				onset = g.Onset
			}
		}
		a.Onset = secondsOf(onset)
	}
	return a
}

// instanceName is the instance as leaks and verdicts name it.
func instanceName(ls labels.Labels) string {
	return cmp.Or(ls.Get("instance"), labels.NewBuilder(ls).Del(labels.MetricName).Labels().String())
}

func lastOf(values []float64) float64 {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return values[i]
		}
	}
	return math.Inf(-1)
}

// fit lays the line of growth of an instance through the floor of its process
// since the onset: the slope is the verdict's, where it runs is the median's.
func fit(history collector.History, in collector.InstanceHistory, of *leak.Leak, grows trend.InstanceTrend, leaking bool) (f v1.Fit, ok bool) {
	if !leaking {
		return f, false
	}
	rate, onset, end := grows.Rate, grows.Onset, time.Time{}
	if of != nil {
		if rate.Value == 0 || of.State == leak.Resolved {
			rate = of.Rate.Times(1 / float64(max(len(of.Instances), 1)))
		}
		onset, end = of.Onset, of.ResolvedAt
	}
	if !(rate.Value > 0) || onset.IsZero() {
		return f, false
	}
	latest := procstart.Time(lastOf(in.Start))
	var at, level []float64
	for i, x := range in.Min {
		t := history.Start.Add(time.Duration(i) * history.Step)
		switch {
		case math.IsNaN(x), t.Before(onset), !end.IsZero() && t.After(end):
		case end.IsZero() && latest.Differs(procstart.Time(in.Start[i])): // of an earlier process
		default:
			at, level = append(at, seconds(t)), append(level, x)
		}
	}
	if len(at) < 2 {
		return f, false
	}
	f = v1.Fit{From: at[0], To: at[len(at)-1], PerHour: v1.NewInterval(rate)}
	f.At = (f.From + f.To) / 2
	for i := range level {
		level[i] -= rate.Value / 3600 * (at[i] - f.At)
	}
	slices.Sort(level)
	f.Level = level[len(level)/2]
	return f, true
}

// deployWindow is how long a rollout takes at most, from its first restart on.
const deployWindow = 15 * time.Minute

// starts are the starts of processes in the span; where most instances of a
// service start together, that is a deploy.
func starts(all []collector.InstanceHistory, span query.Span) (restarts []v1.Restart, deploys []v1.Deploy) {
	restarts, deploys = []v1.Restart{}, []v1.Deploy{}
	var events []v1.Restart
	for _, in := range all {
		last := math.NaN()
		for _, x := range in.Start {
			if !math.IsNaN(x) && !procstart.Time(x).Same(procstart.Time(last)) {
				last = x
				if x > seconds(span.From) && x <= seconds(span.To) {
					events = append(events, v1.Restart{Time: x, Instance: human.Line(instanceName(in.Labels), maxName)})
				}
			}
		}
	}
	slices.SortFunc(events, func(a, b v1.Restart) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Instance, b.Instance))
	})
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Time-events[0].Time <= deployWindow.Seconds() {
			n++
		}
		names := map[string]bool{}
		for _, e := range events[:n] {
			names[e.Instance] = true
		}
		if alive := aliveAt(all, events[n-1].Time); len(names) >= 2 && 2*len(names) >= alive {
			if len(deploys) < maxEvents {
				deploys = append(deploys, v1.Deploy{Time: events[0].Time, Instances: len(names)})
			}
		} else {
			n = 1
			if len(restarts) < maxEvents {
				restarts = append(restarts, events[0])
			}
		}
		events = events[n:]
	}
	return restarts, deploys
}

// aliveAt is how many processes there are that had started by then and had not
// been replaced.
func aliveAt(all []collector.InstanceHistory, t float64) (n int) {
	for _, in := range all {
		for i := len(in.Start) - 1; i >= 0; i-- {
			if in.Start[i] <= t {
				n++
				break
			}
		}
	}
	return n
}

// marks are the captures in the span, those of a leak above all.
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
			marks = append(marks, v1.ProfileMark{Time: seconds(ref.Time), Instance: human.Line(ref.Instance, maxName), Key: ref.Key})
		}
	}
	return marks, ""
}
