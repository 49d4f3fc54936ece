package apiv1

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Bounds on what a chart shows, so that an answer does not grow with the fleet or
// with time.
const (
	maxDrawn  = 30 // instances
	maxEvents = 300
	maxMarks  = 400 // profiles
)

// seconds returns a time in Unix seconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// secondsOf returns a time in Unix seconds, nil if it is not known.
func secondsOf(t time.Time) *float64 {
	if t.IsZero() {
		return nil
	}
	s := seconds(t)
	return &s
}

// newHistory makes the chart of a service, or of one of its leaks.
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
	a.Restarts, a.Deploys = processStarts(all, span)
	slices.SortStableFunc(all, func(x, y collector.InstanceHistory) int {
		lx, ly := leaking(instanceName(x.Labels)), leaking(instanceName(y.Labels))
		if lx != ly {
			return map[bool]int{true: -1, false: 1}[lx]
		}
		return cmp.Compare(lastValue(y.Max), lastValue(x.Max))
	})
	for _, in := range all[:min(len(all), maxDrawn)] {
		name := instanceName(in.Labels)
		x := v1.InstanceHistory{Name: human.Line(name, view.MaxName), Leaking: leaking(name), Min: in.Min, Max: in.Max}
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

// instanceName returns the instance as leaks and verdicts name it.
func instanceName(ls labels.Labels) string {
	return cmp.Or(ls.Get("instance"), labels.NewBuilder(ls).Del(labels.MetricName).Labels().String())
}

func lastValue(values []float64) float64 {
	for i := len(values) - 1; i >= 0; i-- {
		if !math.IsNaN(values[i]) {
			return values[i]
		}
	}
	return math.Inf(-1)
}

// fit returns the line of growth of an instance since the onset. Its slope is that
// of the verdict, and it runs through the median of what remains of the floor.
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
	latest := procstart.Time(lastValue(in.Start))
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
