package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// Track is the samples of an instance that its service has not seen yet.
type Track struct {
	Instance *fleet.Instance
	Samples  []collector.Sample
}

// Feed passes the samples up to now to the service.
func (s *Service) Feed(tracks []*Track, now time.Time) {
	for _, t := range tracks {
		n := 0
		for n < len(t.Samples) && t.Samples[n].T <= now.UnixMilli() {
			s.Observe(t.Instance, t.Samples[n])
			n++
		}
		t.Samples = t.Samples[n:]
	}
}

// Replay judges the service at a time of the history that is read at the start,
// where it is judged so often. So an open leak gets the onset and the restarts that a
// gorowatch would have seen that had run all the time. Nothing fires for the past.
func (s *Service) Replay(at time.Time, o lifecycle.Options, every time.Duration) {
	verdict := s.trend.Judge(at)
	if s.replayed == nil {
		if !verdict.Status.Grows() {
			return
		}
		o.Interval, o.Ignore = every, nil
		s.replayed = lifecycle.NewTracker(s.Fleet.Labels, o)
	}
	s.replayed.Update(at, lifecycle.Evaluation{Verdict: verdict, Instances: s.trend.Instances()})
}

// inherit passes what the history has shown to the leaks, once.
func (s *Service) inherit() {
	if s.replayed != nil {
		s.Leaks.Inherit(s.replayed)
		s.replayed = nil
	}
}
