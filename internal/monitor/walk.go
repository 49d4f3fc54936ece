package monitor

import (
	"context"
	"runtime"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/reading"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// Walk goes through a window of history, one evaluation after another, at the times at which Cycle
// would have been called. It judges as Cycle would have, for as many services at a time as there are
// workers. Services without a sample in the window are judged too, because their leaks end.
//
// Windows must follow one another without a gap. The only error is that of ctx: then the walk has
// ended somewhere within the window.
func (m *Monitor) Walk(ctx context.Context, w collector.Window, workers int) error {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.reader.Skip(w.To)
	tracks, _ := m.services.Tracks(w, 0)
	m.services.Each(max(1, workers), func(s *watch.Service) { m.walk(ctx, s, tracks[s], w.From, w.To) })
	m.leaks = m.services.Leaks()
	return ctx.Err()
}

// walk takes one service through a window.
func (m *Monitor) walk(ctx context.Context, s *watch.Service, tracks []*watch.Track, from, to time.Time) {
	for now := from.Truncate(m.o.Interval).Add(m.o.Interval); !now.After(to) && ctx.Err() == nil; now = now.Add(m.o.Interval) {
		s.Feed(tracks, now)
		s.Judge(now, m.o.judge())
		if m.o.OnVerdict != nil {
			m.o.OnVerdict(s.Fleet.Labels, now, s.Verdict(), s.Explain)
		}
		if m.o.Puller == nil {
			continue
		}
		for _, p := range m.planner().PlanJudged(now, s.Profiles, s.Need()) {
			s.AddPull(p.Run(ctx))
		}
	}
	s.Refresh()
}

// The time between two judgements of the history at the start, in blocks of the trend.
const (
	// replayBlocks is for a service that clearly grows or has a leak. It is the length of a block
	// on a middle scale of the trend; those scales find most leaks.
	replayBlocks = 15
	// restBlocks is for a service at rest. Most services are, most of the time, and judging them is
	// most of the work. So a leak is found up to two hours later, but with the same onset.
	restBlocks = 120
)

// replay judges the services in a piece of the history at the start. The caller holds mtx.
func (m *Monitor) replay(w collector.Window, block time.Duration) (samples int) {
	tracks, samples := m.services.Tracks(w, block)
	every := max(replayBlocks*m.o.Trend.Base, m.o.Interval)
	rest := every * restBlocks / replayBlocks
	m.services.Each(runtime.GOMAXPROCS(0), func(s *watch.Service) {
		for at := reading.Truncate(w.From, every).Add(every); at.Before(w.To); at = at.Add(every) {
			if s.AtRest() && !at.Equal(reading.Truncate(at, rest)) {
				continue
			}
			s.Feed(tracks[s], at)
			s.Replay(at, m.o.tracker(), every, rest)
		}
		s.Feed(tracks[s], w.To)
	})
	return samples
}
