package fleet

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// Samples that are further apart than evaluations are no gaps.
func TestSeldomSampled(t *testing.T) {
	s := NewService(labels.EmptyLabels(), time.Minute)
	in := s.Register(labels.FromStrings("instance", "a"), collector.Sample{})
	s.SetWatched([]trend.Instance{{Name: "a"}})
	sampled := func(at time.Time) { in.Extend([]collector.Sample{{T: at.UnixMilli()}}) }
	for minute := range 60 {
		now := t0.Add(time.Duration(minute) * time.Minute)
		if minute%5 == 0 {
			sampled(now)
		}
		s.MarkEnded(now, time.Minute)
		if minute >= 5 { // from the second sample on the interval is known
			require.Len(t, s.Present(), 1, "minute %d", minute)
		}
	}
	last := t0.Add(55 * time.Minute)
	s.MarkEnded(last.Add(10*time.Minute), time.Minute)
	require.Empty(t, s.Present())
	sampled(last.Add(12 * time.Minute))
	s.MarkEnded(last.Add(13*time.Minute), time.Minute)
	require.Len(t, s.Present(), 1)
}

// An instance with one sample has no interval of its own yet: that of evaluations counts.
func TestSampledOnce(t *testing.T) {
	s := NewService(labels.EmptyLabels(), time.Minute)
	in := s.Register(labels.FromStrings("instance", "a"), collector.Sample{})
	s.SetWatched([]trend.Instance{{Name: "a"}})
	in.Extend([]collector.Sample{{T: t0.UnixMilli()}})
	s.MarkEnded(t0, time.Minute)
	require.Len(t, s.Present(), 1)
	s.MarkEnded(t0.Add(2*time.Minute), time.Minute)
	require.Empty(t, s.Present())
}
