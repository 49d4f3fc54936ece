package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
)

// Replay judges the service at a time in the history, which is read at the start. every is the time
// between two calls, or rest if the service is at rest. So an open leak gets the onset and the deaths
// that gorowatch would have seen if it had been running. Nothing fires for the past.
func (s *Service) Replay(at time.Time, o lifecycle.Options, every, rest time.Duration) {
	verdict := s.trend.Judge(at)
	s.replayGrows = verdict.Status.Grows() && verdict.Confidence >= 0.5
	defer func() { s.keepConfidence(at, verdict, s.replayed, rest) }()
	if s.replayed == nil {
		if !verdict.Status.Grows() {
			return
		}
		o.Interval, o.Ignore = every, nil
		s.replayed = lifecycle.NewTracker(s.Fleet.Labels, o)
	}
	s.replayed.Update(at, lifecycle.Evaluation{Verdict: verdict, Instances: s.trend.Instances()})
}

// AtRest reports whether the latest judgement of the history saw no clear growth, and no open leak is
// more than suspected.
func (s *Service) AtRest() bool {
	return !s.replayGrows && (s.replayed == nil || !s.replayed.IsAlarmed())
}

// inherit passes the leak that the history shows to the tracker, once.
func (s *Service) inherit() {
	if s.replayed != nil {
		s.Leaks.Inherit(s.replayed)
		s.replayed = nil
	}
}
