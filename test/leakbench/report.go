package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// Report is what a scan found.
type Report struct {
	Start           time.Time `json:"start"`
	End             time.Time `json:"end"`
	Step            string    `json:"step"`
	ServicesScanned int       `json:"services_scanned"`
	SeriesScanned   int       `json:"series_scanned"`
	Leaks           []Finding `json:"leaks"`
}

// Finding is one leak.
type Finding struct {
	ID            string            `json:"id"`
	Service       map[string]string `json:"service"`
	Instances     []string          `json:"instances"`
	State         string            `json:"state"`
	Evidence      string            `json:"evidence"`
	Onset         time.Time         `json:"onset"`
	DetectedAt    time.Time         `json:"detected_at"`
	ResolvedAt    *time.Time        `json:"resolved_at"`
	GrowthPerHour Growth            `json:"growth_per_hour"`
	Leaked        float64           `json:"leaked"`
	Stacks        []struct{}        `json:"stacks"`
}

// Growth in goroutines per hour, with its 95 % interval.
type Growth struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// service follows one service through time.
type service struct {
	name   map[string]string
	labels map[string]string // instance label by key of the series
	trend  *trend.Service
	open   *Finding
	found  []Finding
	trace  io.Writer
	last   trend.Status
}

// judge evaluates at one time: the first evaluation that says Leaking is the
// detection, the first after it that says Quiet the end.
func (s *service) judge(now time.Time) {
	v := s.trend.Judge(now)
	if s.trace != nil && v.Status != s.last {
		fmt.Fprintf(s.trace, "%s %v: %s (%s) rate %.1f [%.1f %.1f] leaked %.0f onset %s scale %v z %.1f, %d instances\n", now.Format(time.DateTime), s.name["job"],
			v.Status, v.Gate, v.Rate.Value, v.Rate.Low, v.Rate.High, v.Leaked, v.Onset.Format(time.DateTime), v.Scale, v.Z, len(v.Instances))
		s.last = v.Status
	}
	switch {
	case s.open == nil && v.Status == trend.Leaking:
		f := Finding{
			ID: fmt.Sprintf("%s-%d", s.name["job"], len(s.found)+1), Service: s.name, State: "firing", Evidence: "growth",
			Onset: v.Onset, DetectedAt: now, GrowthPerHour: Growth(v.Rate), Leaked: v.Leaked, Stacks: []struct{}{},
		}
		for _, it := range v.Instances {
			f.Instances = append(f.Instances, s.labels[it.Instance])
		}
		s.found = append(s.found, f)
		s.open = &s.found[len(s.found)-1]
	case s.open != nil && v.Status == trend.Quiet:
		s.open.State, s.open.ResolvedAt = "resolved", &now
		s.open = nil
	case s.open != nil && v.Leaked > 0:
		s.open.Leaked = v.Leaked
	}
}

// scan walks through (from, to] in evaluations every so often. It holds a
// window of samples at a time.
func scan(ctx context.Context, src collector.SeriesSource, from, to time.Time, every, window time.Duration, workers int, trace io.Writer) (*Report, error) {
	groupBy := []string{"namespace", "job"}
	services := map[string]*service{}
	instances := map[string]bool{}
	rep := &Report{Start: from, End: to, Step: every.String(), Leaks: []Finding{}}
	for begin := from; begin.Before(to); {
		end := begin.Truncate(window).Add(window)
		if end.After(to) {
			end = to
		}
		w, err := src.Window(ctx, begin, end)
		if err != nil {
			return nil, err
		}
		parts := map[*service][]collector.Series{}
		for _, x := range w.Series {
			key := x.Labels.MatchLabels(true, groupBy...).String()
			s := services[key]
			if s == nil {
				s = &service{name: map[string]string{}, labels: map[string]string{}, trend: trend.NewService(trend.Options{}), trace: trace}
				for _, g := range groupBy {
					s.name[g] = x.Labels.Get(g)
				}
				services[key] = s
			}
			parts[s] = append(parts[s], x)
			instances[x.Labels.String()] = true
		}
		all := make(chan *service)
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for s := range all {
					s.walk(parts[s], begin, end, every)
				}
			})
		}
		for _, s := range services {
			all <- s
		}
		close(all)
		wg.Wait()
		begin = end
	}
	rep.ServicesScanned, rep.SeriesScanned = len(services), len(instances)
	for _, s := range services {
		rep.Leaks = append(rep.Leaks, s.found...)
	}
	slices.SortFunc(rep.Leaks, func(a, b Finding) int {
		return cmp.Or(a.DetectedAt.Compare(b.DetectedAt), cmp.Compare(a.ID, b.ID))
	})
	return rep, nil
}

// walk feeds one window, evaluation by evaluation.
func (s *service) walk(series []collector.Series, begin, end time.Time, every time.Duration) {
	keys := make([]string, len(series))
	next := make([]int, len(series))
	for i, x := range series {
		keys[i] = x.Labels.String()
		s.labels[keys[i]] = cmp.Or(x.Labels.Get("instance"), keys[i])
	}
	for now := begin.Truncate(every).Add(every); !now.After(end); now = now.Add(every) {
		t := now.UnixMilli()
		for i, x := range series {
			for ; next[i] < len(x.Samples) && x.Samples[next[i]].T <= t; next[i]++ {
				s.trend.Observe(keys[i], trend.Sample(x.Samples[next[i]]))
			}
		}
		s.judge(now)
	}
	// What came after the last evaluation belongs to the next.
	for i, x := range series {
		for _, sample := range x.Samples[next[i]:] {
			s.trend.Observe(keys[i], trend.Sample(sample))
		}
	}
}
