package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// keepConfidence keeps how sure a judgement is that the service leaks: by its counts, or
// by a leak that is open. The next judgement comes within hold, if nothing goes wrong.
func (s *Service) keepConfidence(now time.Time, v trend.Verdict, leaks *lifecycle.Tracker, hold time.Duration) {
	confidence, rate := v.Confidence, v.Rate.Value
	if leaks != nil && !leaks.Idle() {
		for _, l := range leaks.Leaks() {
			if l.State == leak.Resolved || l.Confidence <= confidence {
				continue
			}
			confidence, rate = l.Confidence, l.Rate.Value
			if l.Phase() == leak.Plateaued {
				rate = 0
			}
		}
	}
	s.confidence.Observe(now, confidence, rate, max(s.hold, hold))
	s.hold = hold
}

// Confidences are how sure it was that the service leaks, for so many hours from the one
// that has a time in it.
func (s *Service) Confidences(from time.Time, hours int) []hourly.Hour {
	return s.confidence.Span(from, hours)
}
