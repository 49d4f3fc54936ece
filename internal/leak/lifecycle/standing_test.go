package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// A leak is found in the profiles, because the counts of the service swing by more than it holds. By
// the counts, it looks far larger at noon than it is, and at night it seems to be gone.
func TestLeakIsNotOverAtNight(t *testing.T) {
	shape := &stack.Shape{Signature: "sig"}
	for name, c := range map[string]struct {
		stand int64 // goroutines on the leak's stack at night
		after bool  // the profile was taken when the count was low
		state leak.State
	}{
		"its goroutines are still there":    {100, true, leak.Firing},
		"most of them are":                  {60, true, leak.Firing},
		"most of them are gone":             {40, true, leak.Resolved},
		"all of them are":                   {0, true, leak.Resolved},
		"no profile was taken in the night": {100, false, leak.Resolved},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			taken, stand := t0, int64(100)
			update := func(status trend.Status, growing ...string) {
				o := s.observation(status, growing...)
				if len(growing) > 0 {
					o.Attributions = attributed("a")
				}
				o.Latest = func(instance string) (*stack.Snapshot, time.Time) {
					if instance != "a" {
						return nil, time.Time{}
					}
					return &stack.Snapshot{Stacks: map[string]*stack.Stack{"sig": {Shape: shape, Count: stand}}}, taken
				}
				s.tracker.Update(s.now, o)
			}
			s.count["a"] = 500
			for range 20 { // in the daytime
				s.step(1, "a")
				taken = s.now
				update(trend.Leaking, "a")
			}
			require.Equal(t, leak.Firing, s.only().State)
			s.count["a"] = 120
			for i := range 60 {
				s.step(0)
				if stand = c.stand; c.after && i%10 == 5 {
					taken = s.now
				}
				update(trend.Quiet)
			}
			require.Equal(t, c.state, s.only().State)
			if c.state == leak.Firing {
				require.InDelta(t, c.stand, s.only().Leaked, 20, "they are counted")
				require.EqualValues(t, 100, s.only().Watched[0].PeakOnStacks)
				s.started["a"] = s.now
				for range 60 {
					s.step(0)
					update(trend.Quiet)
				}
				require.Equal(t, leak.Resolved, s.only().State, "what goes with its process is gone whatever stood there")
			}
		})
	}
}
