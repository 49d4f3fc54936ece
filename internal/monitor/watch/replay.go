package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
)

// Replay judges the service at a time of the history at the start: every so often, and at
// rest only every rest. So an open leak gets the onset and the restarts that a gorowatch
// would have seen that had run all the time. Nothing fires for the past.
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

// AtRest reports whether the latest judgement of the history saw no clear growth and no leak is
// open that is more than suspected.
func (s *Service) AtRest() bool {
	return !s.replayGrows && (s.replayed == nil || !s.replayed.IsAlarmed())
}

// inherit passes the findings of the history to the leaks, once.
func (s *Service) inherit() {
	if s.replayed != nil {
		s.Leaks.Inherit(s.replayed)
		s.replayed = nil
	}
}
