package monitor

import (
	"runtime"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/backfill"
)

// replayBlocks is the time between two judgements of the history that is read at the
// start, in blocks of the trend: that of one of its middle scales, which find most
// leaks.
const replayBlocks = 15

// replay judges the services in a piece of the history that is read at the start. So
// an open leak gets the onset and the restarts that a gorowatch would have seen that
// had run all the time. Nothing fires for the past. The caller holds mtx.
func (m *Monitor) replay(w collector.Window, block time.Duration) (samples int) {
	tracks, samples := m.tracks(w, block)
	m.eachService(runtime.GOMAXPROCS(0), func(s *service) { m.replayService(s, tracks[s], w.From, w.To) })
	return samples
}

// replayService takes one service through a piece.
func (m *Monitor) replayService(s *service, tracks []*track, from, to time.Time) {
	every := max(replayBlocks*m.o.Trend.Base, m.o.Interval)
	for at := backfill.Truncate(from, every).Add(every); at.Before(to); at = at.Add(every) {
		for _, t := range tracks {
			t.feed(s, at)
		}
		s.replay(at, m.o.tracker(), every)
	}
	for _, t := range tracks {
		t.feed(s, to)
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

// inherit passes what the history has shown to the tracker, once.
func (s *service) inherit() {
	if s.replayed != nil {
		s.tracker.Inherit(s.replayed)
		s.replayed = nil
	}
}
