package monitor

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
)

// The time between two judgements of the history that is read at the start, in
// blocks of the trend.
const (
	// replayBlocks is for a service that clearly grows or has a leak: as often as one
	// of the middle scales of the trend, which find most leaks, has something new.
	replayBlocks = 15
	// restBlocks is for a service at rest. Most are at rest most of the time, and
	// judging them is most of the work. A leak is found up to two hours later then,
	// with the same onset.
	restBlocks = 120
)

// replay judges the services in a piece of the history that is read at the start.
// An open leak then has the onset and the deaths that a gorowatch would know which
// has run all the time. Nothing fires for the past. The caller holds mtx.
func (m *Monitor) replay(w collector.Window, block time.Duration) (samples int) {
	parts := map[*service][]*track{}
	add := func(r ref, series *collector.Series) {
		if r.service == nil {
			return
		}
		xs := m.expand(series.Samples, block)
		r.instance.saw(series.Samples)
		parts[r.service] = append(parts[r.service], &track{instance: r.instance, samples: xs})
	}
	var strangers []*collector.Series
	for i := range w.Series {
		series := &w.Series[i]
		if len(series.Samples) == 0 {
			continue
		}
		samples += len(series.Samples)
		if r, ok := m.known(series.Labels); ok {
			add(r, series)
		} else {
			strangers = append(strangers, series)
		}
	}
	slices.SortStableFunc(strangers, byFirst)
	for _, series := range strangers {
		add(m.refer(series.Labels, series.Samples[0]), series)
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
	rest := every * restBlocks / replayBlocks
	for at := multiple(from, every).Add(every); at.Before(to); at = at.Add(every) {
		if s.atRest() && !at.Equal(multiple(at, rest)) {
			continue
		}
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
	s.pastGrows = verdict.Status.Grows() && verdict.Z >= verdict.NeedZ
	if s.past == nil {
		if !verdict.Status.Grows() {
			return
		}
		o.Interval, o.Ignore = every, nil
		s.past = lifecycle.NewTracker(s.labels, o)
	}
	s.past.Update(at, lifecycle.Evaluation{Verdict: verdict, Instances: s.trend.Instances()})
}

// atRest reports whether the latest judgement of the history saw no clear growth and
// no leak is open that is more than suspected.
func (s *service) atRest() bool {
	return !s.pastGrows && (s.past == nil || !s.past.IsAlarmed())
}

// inherit hands what the history has shown to the tracker, once.
func (s *service) inherit() {
	if s.past != nil {
		s.tracker.Inherit(s.past)
		s.past = nil
	}
}
