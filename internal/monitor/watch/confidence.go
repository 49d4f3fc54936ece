package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// keepConfidence records how sure it is that the service leaks: by its counts, or by an open leak if
// that is surer. The next judgement should come within hold.
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

// Confidences returns how sure it was that the service leaks in each of a number of hours, of which the
// first contains from.
func (s *Service) Confidences(from time.Time, hours int) []hourly.Hour {
	return s.confidence.Span(from, hours)
}
