package app

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/pulling"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// maxUnused bounds the targets without series that are listed.
const maxUnused = 1000

// newTargetMetrics makes the gauge of the targets by state.
func newTargetMetrics(reg prometheus.Registerer) *prometheus.GaugeVec {
	g := promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "gorowatch_targets",
		Help: "Targets by state: up, down, unknown (not pulled yet), unmatched (an instance without a target, or a target without an instance).",
	}, []string{"state"})
	for _, s := range view.TargetStates {
		g.WithLabelValues(string(s))
	}
	return g
}

// countTargets sets the gauge and the count that the pages show: it counts what Targets lists, without making the
// list. It is called by the loop.
func (a *App) countTargets() {
	finder := a.graph.Load().finder
	now := time.Now()
	survey, asked := finder.Survey(now), finder.Asked()
	n := map[view.TargetState]int{}
	a.monitor.Each(func(instance labels.Labels, gone bool) {
		reason, pulled, known := a.puller.Status(instance)
		if !gone {
			_, gone = finder.Gone(instance)
		}
		has := (known || !gone) && survey.Has(instance)
		switch {
		case gone:
			n[view.TargetGone]++
		case a.isPushing(now, instance):
			n[view.TargetUp]++
		case !known && !has && asked:
			n[view.TargetUnmatched]++
		default:
			n[stateOf(reason, pulled)]++
		}
	})
	n[view.TargetUnmatched] += survey.Unused()
	all := 0
	for _, s := range view.TargetStates {
		a.targetStates.WithLabelValues(string(s)).Set(float64(n[s]))
		all += n[s]
	}
	a.targetCount.Store(int64(all))
}

// stateOf returns the state of a target by its last pull.
func stateOf(r collector.Reason, pulled bool) view.TargetState {
	switch {
	case !pulled:
		return view.TargetUnknown
	case r == "":
		return view.TargetUp
	case r == collector.ReasonNoTarget, r == collector.ReasonGone, r == collector.ReasonAmbiguous, r == collector.ReasonNoConsent:
		return view.TargetUnmatched
	}
	return view.TargetDown
}

// Targets returns those that profiles were wanted of, the watched instances that
// it has not been their turn, the targets that belong to no instance, and for a
// while the instances that are gone.
func (s state) Targets() []view.Target {
	now, finder := time.Now(), s.graph.Load().finder
	var out []view.Target
	pulled, used := map[uint64]int{}, map[string]bool{}
	services, tried := s.monitor.Services(), map[string]string{}
	watched := map[uint64]bool{}
	for _, svc := range services {
		for _, in := range svc.Instances {
			watched[in.Labels.Hash()] = true
		}
	}
	for _, t := range s.puller.Targets() {
		if !watched[t.Labels.Hash()] { // it has no series, and no profile yet
			tried[t.URL] = t.Error
			continue
		}
		pulled[t.Labels.Hash()] = len(out)
		used[t.URL] = true
		out = append(out, target(t))
	}
	for _, svc := range services {
		for _, in := range svc.Instances {
			since, gone := finder.Gone(in.Labels)
			if in.Gone && !gone {
				since, gone = in.LastSeen, true
			}
			if i, ok := pulled[in.Labels.Hash()]; ok {
				out[i].Next = in.Next
				out[i] = s.pushing(now, out[i])
				if gone {
					out[i] = left(out[i], since)
				}
				continue
			}
			if gone {
				out = append(out, view.Target{Labels: in.Labels, State: view.TargetGone, Gone: since})
				continue
			}
			t := view.Target{Labels: in.Labels, State: view.TargetUnknown, Next: in.Next}
			switch found, err := finder.Known(now, in.Labels); {
			case err == nil:
				t.URL = collector.RedactURL(found.URL)
				used[t.URL] = true
			case finder.Asked():
				t.State, t.Error = view.TargetUnmatched, err.Error()
			}
			out = append(out, s.pushing(now, t))
		}
	}
	for i, e := range finder.Unused(now, used) {
		if i == maxUnused {
			break
		}
		t := view.Target{Labels: e.Labels, URL: collector.RedactURL(e.URL()), State: view.TargetUnmatched}
		if e.Err != nil {
			t.Error = e.Err.Error()
		} else {
			t.Error = "no watched series is of this target: its go_goroutines are not scraped, or under other labels (set match, or labels)"
			if why := tried[t.URL]; why != "" {
				t.Error += "; nor is there a profile: " + why
			}
		}
		out = append(out, t)
	}
	return out
}

// left returns a target whose instance is gone, without the result of the last pull.
func left(t view.Target, since time.Time) view.Target {
	t.State, t.Gone, t.Next, t.Error = view.TargetGone, since, time.Time{}, ""
	return t
}

func target(t pulling.TargetStatus) view.Target {
	return view.Target{
		Labels: t.Labels, URL: t.URL, State: stateOf(t.Reason, !t.LastPull.IsZero()),
		LastPull: t.LastPull, Duration: t.Duration, Goroutines: t.Goroutines, Cost: t.Cost, Error: cmp.Or(t.Error, t.Skipped),
	}
}
