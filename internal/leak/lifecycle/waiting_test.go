package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// The counts are just enough for an alarm, and the stack does not confirm it yet.
func TestTheCountsWaitForTheStack(t *testing.T) {
	const doubt = "4 of the 6 profiles"
	doubted := func(head int64) []attribution.Attribution {
		as := attributed("a")
		as[0].Doubt, as[0].Stacks[0].Head, as[0].Head.Total = doubt, head, 200
		as[0].Stacks[0].Op = "chan receive"
		return as
	}
	confidence := 0.96
	hold := func(s *story, d time.Duration, as []attribution.Attribution) {
		for end := s.now.Add(d); s.now.Before(end); {
			s.step(1, "a")
			o := s.observation(trend.Leaking, "a")
			o.Verdict.Confidence = confidence
			o.Attributions, o.ProfilesExpected, o.Profiled = as, true, true
			if len(as) == 0 {
				o.Why = "no stack grows steadily"
			}
			s.tracker.Update(s.now, o)
		}
	}
	for name, c := range map[string]struct {
		then  []attribution.Attribution
		fires bool
	}{
		"until it does":                  {attributed("a"), true},
		"until it outgrows all else":     {doubted(185), true},
		"not yet":                        {doubted(170), false},
		"until it has lasted":            {func() []attribution.Attribution { as := doubted(51); as[0].Lasting = 24 * time.Hour; return as }(), true},
		"while it does what a pool does": {func() []attribution.Attribution { as := doubted(51); as[0].Filling = true; return as }(), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			hold(s, time.Hour, doubted(51))
			require.False(t, s.isFiring())
			require.Equal(t, doubt, s.tracker.SuppressedReason())
			hold(s, time.Minute, c.then)
			require.Equal(t, c.fires, s.isFiring())
			require.Equal(t, c.fires, s.tracker.SuppressedReason() == "", s.tracker.SuppressedReason())
		})
	}
	t.Run("until the counts are surer", func(t *testing.T) {
		s := newStory(t)
		hold(s, 24*time.Hour, doubted(51))
		require.False(t, s.isFiring())
		confidence = 0.995
		hold(s, time.Minute, doubted(51))
		require.True(t, s.isFiring())
		require.Empty(t, s.tracker.SuppressedReason())
		require.InDelta(t, 0.976, s.only().Confidence, 0.01)
		confidence = 0.96
	})
	t.Run("no stack explains it", func(t *testing.T) {
		s := newStory(t)
		hold(s, 12*time.Hour, nil)
		require.False(t, s.isFiring())
		require.Equal(t, "no stack grows steadily", s.tracker.SuppressedReason())
		require.False(t, s.tracker.Idle(), "else nobody would look whether the alarm has ended")
		hold(s, 2*time.Minute, nil)
		require.True(t, s.isFiring())
		require.Equal(t, leak.Growth, s.only().Evidence)
	})
	t.Run("no profile to be had", func(t *testing.T) {
		s := newStory(t)
		for range 2 {
			s.step(1, "a")
			s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
		}
		require.True(t, s.isFiring())
	})
}
