package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/totals"
)

// watchTotals feeds the services with the goroutine counts of the targets without series, and starts
// the first pull of each. Later pulls are planned like those of other instances. It returns how many
// of these targets have a count, or push profiles that will give one.
func (m *Monitor) watchTotals(ctx context.Context, now time.Time) (counted int) {
	if m.o.TargetsWithoutSeries == nil || m.o.Puller == nil {
		return 0
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.applyResults()
	o, source := m.o.totals(), m.o.Puller
	m.totals.List(now, m.withoutSeries(now), o)
	pushes := func(instance labels.Labels) bool {
		if m.pushes.Active(now, instance) {
			counted++
			return true
		}
		return false
	}
	for _, instance := range m.totals.Due(now, pushes) {
		m.pulls.Go(func() {
			p, err := source.Pull(ctx, now, instance, 0)
			m.inbox.put(totalResult{instance, now, p, err}, false)
		})
	}
	w := m.totals.Window(now, o)
	if len(w.Series) > 0 {
		m.services.Feed(w, 0)
		m.sampled = now
	}
	return counted + len(w.Series)
}

// withoutSeries lists our targets without series. The caller holds mtx.
func (m *Monitor) withoutSeries(now time.Time) (out []labels.Labels) {
	list := m.o.TargetsWithoutSeries.WithoutSeries(now, func(yield func(labels.Labels) bool) {
		for s := range m.services.All() {
			for in := range s.Fleet.Instances() {
				if !m.totals.Has(in.Labels) && !yield(in.Labels) {
					return
				}
			}
		}
	})
	for _, ls := range list {
		if m.o.Owns(labels.NewBuilder(ls).Keep(m.o.GroupBy...).Labels()) {
			out = append(out, ls)
		}
	}
	return out
}

// totals returns the options of the targets without series.
func (o *Options) totals() totals.Options {
	return totals.Options{Interval: o.Interval, Baseline: o.BaselineInterval}
}

// totalResult is the first profile of a target without series.
type totalResult struct {
	instance labels.Labels
	at       time.Time
	profile  *collector.Profile
	err      error
}

func (r totalResult) apply(m *Monitor) {
	if r.err != nil {
		m.totals.Fail(r.instance, r.at, collector.ReasonOf(r.err), m.o.totals())
		return
	}
	m.totals.Observe(r.instance, r.at, float64(r.profile.Total))
}
