package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// killed lets instance a leak until it is killed, a number of times.
func (s *story) killed(times int, at float64) {
	for range times {
		for s.count["a"] < at {
			s.step(10, "a")
			s.grows("a")
		}
		s.step(0)
		s.count["a"], s.started["a"] = 10, s.now
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
}

func TestDeathsOfALeak(t *testing.T) {
	s := newStory(t)
	s.killed(3, 500)
	l := s.only()
	require.Len(t, l.Deaths, 3)
	require.Equal(t, leak.Death{Instance: "a", Time: s.now, Goroutines: 500, Leaked: 490}, l.Deaths[2])
	goroutines, leaked, n := l.RestartSize()
	require.Equal(t, []float64{500, 490, 3}, []float64{goroutines, leaked, float64(n)})

	s.killed(20, 300)
	require.Len(t, s.only().Deaths, maxDeaths)
	require.Len(t, l.Deaths, 3, "what was handed out does not change")

	// The process ends while gorowatch is not running.
	s = newStory(t)
	s.killed(1, 500)
	s.step(200, "a")
	s.grows("a")
	before := s.only()
	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{before}})
	s.count["a"], s.started["a"] = 10, s.now
	s.quiet(1)
	require.Len(t, s.only().Deaths, 2)
	require.InDelta(t, 210, s.only().Deaths[1].Goroutines, 1e-9)
}

// The onset comes from a tracker that has seen the earlier counts. It does not make anything fire.
func TestPastOfALeak(t *testing.T) {
	seen := func() *story {
		s := newStory(t)
		s.killed(2, 500)
		past := s.tracker
		s.tracker = NewTracker(checkout, Options{})
		s.tracker.Inherit(past)
		return s
	}
	find := func(s *story) leak.Leak {
		later := s.now
		s.step(50, "a")
		o := s.observation(trend.Leaking, "a")
		o.Verdict.Onset = later
		s.tracker.Update(s.now, o)
		return s.only()
	}
	s := seen()
	s.quiet(60)
	require.Empty(t, s.tracker.Leaks())
	l := find(s)
	require.Equal(t, t0, l.Onset)
	require.Len(t, l.Deaths, 2)
	require.Equal(t, s.now, l.DetectedAt)

	s = seen()
	s.quiet(halfDay + 1)
	l = find(s)
	require.Equal(t, s.now.Add(-time.Minute), l.Onset, "another one")
	require.Empty(t, l.Deaths)
	s = seen()
	s.now = s.now.Add(24 * time.Hour) // there is no Update while nothing grows
	l = find(s)
	require.Equal(t, s.now.Add(-time.Minute), l.Onset)
}
