package monitor

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/collector"
)

// Walk goes through a window of history evaluation by evaluation, at the times at
// which Cycle would have been called, and does what it would have done, for as many
// services at a time as there are workers. Services without a sample in the window
// are walked too: their leaks end.
//
// Windows come one after another, without a gap. An error is that of ctx: the walk
// has ended somewhere within the window.
func (m *Monitor) Walk(ctx context.Context, w collector.Window, workers int) error {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.cursor.Skip(w.To)
	tracks, _ := m.tracks(w, 0)
	m.eachService(max(1, workers), func(s *service) { m.walk(ctx, s, tracks[s], w.From, w.To) })
	m.leaks = m.allLeaks()
	return ctx.Err()
}

// walk takes one service through a window.
func (m *Monitor) walk(ctx context.Context, s *service, tracks []*track, from, to time.Time) {
	for now := from.Truncate(m.o.Interval).Add(m.o.Interval); !now.After(to) && ctx.Err() == nil; now = now.Add(m.o.Interval) {
		for _, t := range tracks {
			t.feed(s, now)
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
