package monitor

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/backfill"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// replayBlocks is the time between two judgements of the history that is read at
// the start, in blocks of the trend: as often as one of its middle scales, which
// find most leaks, has something new.
const replayBlocks = 15

// replay judges the services in a piece of the history that is read at the start.
// An open leak then has the onset and the deaths that a gorowatch would know which
// has run all the time. Nothing fires for the past. The caller holds mtx.
func (m *Monitor) replay(w collector.Window, block time.Duration) (samples int) {
	parts := map[*service][]*track{}
	add := func(place fleet.Series, series *collector.Series) {
		if place.Service == nil {
			return
		}
		xs := m.expand(series.Samples, block)
		place.Instance.Extend(series.Samples)
		s := m.service(place.Service)
		parts[s] = append(parts[s], &track{instance: place.Instance, samples: xs})
	}
	var strangers []*collector.Series
	for i := range w.Series {
		series := &w.Series[i]
		if len(series.Samples) == 0 {
			continue
		}
		samples += len(series.Samples)
		if place, ok := m.fleet.Find(series.Labels); ok {
			add(place, series)
		} else {
			strangers = append(strangers, series)
		}
	}
	slices.SortStableFunc(strangers, byFirst)
	for _, series := range strangers {
		add(m.fleet.Register(series.Labels, series.Samples[0]), series)
	}
	todo := make(chan *service)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for s := range todo {
				m.replayService(s, parts[s], w.From, w.To)
			}
		})
	}
	for _, s := range m.services {
		todo <- s
	}
	close(todo)
	wg.Wait()
	return samples
}

// expand gives a sample that stands for a block once for every step of it.
func (m *Monitor) expand(samples []collector.Sample, block time.Duration) []collector.Sample {
	step := m.o.Interval.Milliseconds()
	back := max(0, block.Milliseconds()-step)
	if back == 0 {
		return samples
	}
	out := make([]collector.Sample, 0, len(samples)*int(back/step+1))
	for _, x := range samples {
		for t, end := x.T-back, x.T; t <= end; t += step {
			x.T = t
			out = append(out, x)
		}
	}
	return out
}

// replayService takes one service through a piece.
func (m *Monitor) replayService(s *service, tracks []*track, from, to time.Time) {
	every := max(replayBlocks*m.o.Trend.Base, m.o.Interval)
	for at := backfill.Truncate(from, every).Add(every); at.Before(to); at = at.Add(every) {
		for _, t := range tracks {
			t.feed(s, at.UnixMilli())
		}
		s.replay(at, m.o.tracker(), every)
	}
	for _, t := range tracks {
		t.feed(s, to.UnixMilli())
	}
}

// replay judges the service at a time of the history.
func (s *service) replay(at time.Time, o lifecycle.Options, every time.Duration) {
	verdict := s.trend.Judge(at)
	if s.replayed == nil {
		if !verdict.Status.Grows() {
			return
		}
		o.Interval, o.Ignore = every, nil
		s.replayed = lifecycle.NewTracker(s.fleet.Labels, o)
	}
	s.replayed.Update(at, lifecycle.Evaluation{Verdict: verdict, Instances: s.trend.Instances()})
}

// inherit hands what the history has shown to the tracker, once.
func (s *service) inherit() {
	if s.replayed != nil {
		s.tracker.Inherit(s.replayed)
		s.replayed = nil
	}
}
