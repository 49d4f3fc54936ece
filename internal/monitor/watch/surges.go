package watch

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/surge"
	"github.com/gorowatch/gorowatch/trend"
)

// surgeGap is for how many blocks of the trend samples may be missing before it must be learned again
// what is usual for an instance.
const surgeGap = 5

// surges are the last samples of the instances, which show growth before the trend can
// judge it.
type surges struct {
	block  time.Duration
	series map[string]*surge.Series
}

// observe adds a sample of an instance.
func (s *surges) observe(name string, x collector.Sample) {
	series := s.series[name]
	if series == nil {
		if s.series == nil {
			s.series = map[string]*surge.Series{}
		}
		series = &surge.Series{}
		s.series[name] = series
	}
	series.Observe(surge.Sample{At: time.UnixMilli(x.T), Count: x.Count, Load: x.Load}, surgeGap*s.block)
}

// keep drops the instances that are not in a list.
func (s *surges) keep(list []trend.Instance) {
	if len(s.series) <= len(list) {
		return
	}
	known := make(map[string]bool, len(list))
	for _, in := range list {
		known[in.Name] = true
	}
	maps.DeleteFunc(s.series, func(name string, _ *surge.Series) bool { return !known[name] })
}

// raise makes a verdict without growth suspicious if instances surge. The confidence does not change:
// growth of a few minutes is no evidence by itself, but its stacks may be.
func (s *surges) raise(v trend.Verdict) trend.Verdict {
	if v.Status.Grows() {
		return v
	}
	var list []trend.InstanceTrend
	for name, series := range s.series {
		rise, ok := series.Rise()
		if !ok || rise.Hours <= 0 {
			continue
		}
		grown := max(0, rise.Count-rise.Level)
		rate := trend.Interval{Value: grown / rise.Hours, High: 2 * grown / rise.Hours} // a rough estimate
		list = append(list, trend.InstanceTrend{Instance: name, Onset: rise.Onset, Rate: rate, Leaked: grown, Count: rise.Count, Floor: rise.Level})
	}
	if len(list) == 0 {
		return v
	}
	slices.SortFunc(list, func(a, b trend.InstanceTrend) int {
		return cmp.Or(cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.Instance, b.Instance))
	})
	v.Rate, v.Leaked, v.Onset = trend.Interval{}, 0, time.Time{}
	for _, in := range list {
		v.Rate, v.Leaked = v.Rate.Plus(in.Rate), v.Leaked+in.Leaked
		if v.Onset.IsZero() || in.Onset.Before(v.Onset) {
			v.Onset = in.Onset
		}
	}
	v.Instances = list
	v.Status, v.Gate, v.Scale = trend.Suspicious, trend.GateTooShort, s.block
	return v
}

// work returns how much work an instance does now, relative to the work before a time; NaN: unknown.
// For a time before the latest samples, it compares with the mean load of an hour.
func (s *Service) work(name string, before time.Time) float64 {
	if series := s.surges.series[name]; series != nil {
		if x := series.Work(before); !math.IsNaN(x) {
			return x
		}
	}
	in := s.Fleet.Instance(name)
	if in == nil {
		return math.NaN()
	}
	past := s.Fleet.LoadAt(in, before.Add(-60*s.surges.block))
	for _, x := range s.Fleet.Watched() {
		if x.Name == name && past > 0 {
			return x.Load / past
		}
	}
	return math.NaN()
}
