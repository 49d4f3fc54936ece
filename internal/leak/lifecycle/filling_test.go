package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// The counts show a leak, but the stacks show a pool. It does not fire, even once the profiles show
// no growth any more, until there is a new alarm a day later or the stacks grow in another way.
func TestAPoolIsNotToldOfByTheCountsAlone(t *testing.T) {
	filling := func(head int64) []attribution.Attribution {
		as := attributed("a")
		as[0].Filling, as[0].Stacks[0].Head, as[0].Head.Total = true, head, 200
		as[0].Stacks[0].Op = "chan receive"
		return as
	}
	begin := func() *story {
		s := newStory(t)
		for range 30 {
			s.step(3, "a")
			o := s.observation(trend.Leaking, "a")
			o.Attributions = filling(51)
			s.tracker.Update(s.now, o)
			require.False(t, s.isFiring())
		}
		return s
	}

	t.Run("full at last", func(t *testing.T) {
		s := begin()
		for range 300 {
			s.step(0)
			s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
			require.False(t, s.isFiring(), "nothing was found that could leak")
		}
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
		require.Empty(t, s.tracker.Leaks())
		s.step(30, "a")
		s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
		require.False(t, s.isFiring(), "it may be the same again, as jobs are")
		s.tracker.Update(s.now, s.observation(trend.Quiet))
		s.now = s.now.Add(24 * time.Hour)
		s.step(30, "a")
		s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
		require.True(t, s.isFiring(), "this growth is another")
	})
	t.Run("a leak after all", func(t *testing.T) {
		s := begin()
		s.step(3, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions = attributed("a")
		s.tracker.Update(s.now, o)
		require.True(t, s.isFiring())
	})
	t.Run("beside a leak", func(t *testing.T) {
		s := begin()
		s.step(3, "a")
		o := s.observation(trend.Leaking, "a")
		leaks := attributed("a")
		leaks[0].Stacks = []leak.StackGrowth{{Signature: "other", Op: "chan send", Base: 0, Head: 40}}
		leaks[0].Share = 0.4
		o.Attributions = append(filling(51), leaks...)
		s.tracker.Update(s.now, o)
		for _, l := range s.tracker.Leaks() {
			require.Equal(t, l.Signature == "other", l.State == leak.Firing, l.Signature)
		}
	})
	t.Run("it outgrows all else at half of its pace", func(t *testing.T) {
		for op, fires := range map[string]bool{"chan receive": false, "chan send": true} {
			s := begin()
			s.step(3, "a")
			o := s.observation(trend.Leaking, "a")
			o.Attributions = filling(190)
			o.Attributions[0].Halved, o.Attributions[0].Stacks[0].Op = true, op
			s.tracker.Update(s.now, o)
			require.Equal(t, fires, s.isFiring(), op)
		}
	})
	t.Run("it outgrows all else in the process", func(t *testing.T) {
		s := begin()
		s.step(3, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions = filling(190)
		s.tracker.Update(s.now, o)
		require.True(t, s.isFiring())
	})
}
