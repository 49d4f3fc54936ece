package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// Part of the leaked goroutines end without a restart. What the transitions say is true of
// those that are left, and a leak does not change its state again and again.
func TestPartOfTheGoroutinesEnd(t *testing.T) {
	const grows = "its counts or stacks grow"
	for _, c := range []struct {
		left float64
		why  []string
	}{
		{0, []string{grows, "its goroutines stay", "its goroutines are gone"}},
		{0.33, []string{
			grows, "its goroutines stay", "most of its goroutines are gone",
			grows, "it came back: its stacks have grown, or kept their goroutines, for hours, which healthy ones do not",
		}},
		{0.6, []string{grows, "its goroutines stay", "it has stopped growing, its goroutines stay"}},
	} {
		w := newWorld(t)
		w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 60, fn: handler, fell: t0.Add(22 * time.Hour), left: c.left})
		var last leak.Leak
		for range 60 {
			w.run(time.Hour)
			for _, list := range w.updates {
				for _, l := range list {
					last = l
				}
			}
			w.updates = nil
		}
		var why []string
		for _, x := range last.Transitions {
			why = append(why, x.Why)
		}
		require.Equal(t, c.why, why, "%v left", c.left)
	}
}
