package monitor

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// Walk goes through a window of history evaluation by evaluation, at the times
// at which Cycle would have been called, and does what it would have done. The
// services do not know of each other, so workers of them walk at a time.
//
// Windows come one after another, without a gap. An error is that of ctx: the
// walk has ended somewhere within the window.
func (m *Monitor) Walk(ctx context.Context, w collector.Window, workers int) error {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.cursor.Skip(w.To)
	parts := map[*service][]*track{}
	add := func(s *service, in *fleet.Instance, samples []collector.Sample) {
		in.Extend(samples)
		parts[s] = append(parts[s], &track{instance: in, samples: samples})
	}
	var strangers []*collector.Series
	for i := range w.Series {
		series := &w.Series[i]
		if len(series.Samples) == 0 {
			continue
		}
		s := m.service(m.fleet.ServiceOf(series.Labels))
		if in := s.fleet.Find(series.Labels); in != nil {
			add(s, in, series.Samples)
		} else {
			strangers = append(strangers, series)
		}
	}
	slices.SortStableFunc(strangers, byFirst)
	for _, series := range strangers {
		s := m.service(m.fleet.ServiceOf(series.Labels))
		add(s, s.fleet.Register(series.Labels, series.Samples[0]), series.Samples)
	}
	// Services without a sample in the window are walked too: their leaks end.
	todo := make(chan *service)
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for s := range todo {
				m.walk(ctx, s, parts[s], w.From, w.To)
			}
		})
	}
	for _, s := range m.services {
		todo <- s
	}
	close(todo)
	wg.Wait()
	m.leaks = m.allLeaks()
	return ctx.Err()
}

// track is the samples of an instance that are still to be seen.
type track struct {
	instance *fleet.Instance
	samples  []collector.Sample
}

// feed gives the service the samples up to now.
func (t *track) feed(s *service, now int64) {
	n := 0
	for n < len(t.samples) && t.samples[n].T <= now {
		s.observe(t.instance, t.samples[n])
		n++
	}
	t.samples = t.samples[n:]
}

// walk takes one service through a window.
func (m *Monitor) walk(ctx context.Context, s *service, tracks []*track, from, to time.Time) {
	for now := from.Truncate(m.o.Interval).Add(m.o.Interval); !now.After(to) && ctx.Err() == nil; now = now.Add(m.o.Interval) {
		for _, t := range tracks {
			t.feed(s, now.UnixMilli())
		}
		s.judge(now, m.o.Interval, m.o.Puller != nil, m.o.VersionLabel)
		if m.o.OnVerdict != nil {
			m.o.OnVerdict(s.fleet.Labels, now, s.verdict, s.trend.Explain)
		}
		if m.o.Puller == nil {
			continue
		}
		for _, p := range m.planner().PlanJudged(now, s.profiles, s.need()) {
			s.addPull(p.Run(ctx))
		}
	}
	s.fleet.SetWatched(s.trend.Instances())
	s.forget()
}
