package profiling

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pullTimes returns when the first profiles of a suspicion are pulled, after its beginning.
func pullTimes(x *suspicion, n int, interval time.Duration, suspected func(time.Time) bool) (out []time.Duration) {
	for now := noon; len(out) < n; now = now.Add(time.Second) {
		if x.due(now, suspected(now)) {
			x.planned(now, interval, time.Hour)
			out = append(out, now.Sub(noon))
		}
	}
	return out
}

func minutes(list ...float64) (out []time.Duration) {
	for _, m := range list {
		out = append(out, time.Duration(m*float64(time.Minute)))
	}
	return out
}

func TestFirstProfilesComeSoon(t *testing.T) {
	never := func(time.Time) bool { return false }
	always := func(time.Time) bool { return true }
	require.Equal(t, minutes(0, 0.5, 1, 2, 4, 8, 16, 32, 64, 124), pullTimes(&suspicion{}, 10, 2*time.Minute, never), "fewer and fewer, unless it is suspected")
	require.Equal(t, minutes(0, 0.5, 1, 2, 4, 6, 8, 10, 12, 14, 18), pullTimes(&suspicion{}, 11, 2*time.Minute, always))
	require.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, pullTimes(&suspicion{}, 4, 2*time.Second, never), "a second apart at least")

	x := &suspicion{}
	require.Equal(t, minutes(0, 0.5, 1, 2, 4, 8, 16, 32), pullTimes(x, 8, 2*time.Minute, never))
	x.stay(noon.Add(47 * time.Minute))
	require.Equal(t, noon.Add(47*time.Minute), x.next)
	x.planned(x.next, 2*time.Minute, time.Hour)
	require.Equal(t, noon.Add(55*time.Minute), x.next, "at most 8 minutes later, since its goroutines stay")

	x = &suspicion{}
	later := func(now time.Time) bool { return !now.Before(noon.Add(20 * time.Minute)) }
	require.Equal(t, minutes(0, 0.5, 1, 2, 4, 8, 16, 20, 22, 24), pullTimes(x, 10, 2*time.Minute, later), "at once when it becomes one")
	x.end()
	require.False(t, x.due(noon.Add(25*time.Minute), false))
	require.True(t, x.due(noon.Add(26*time.Minute), false), "the next suspicion begins anew")
}

func TestFailedPullsAreNotQuick(t *testing.T) {
	x := &suspicion{failures: 2}
	x.planned(noon, 2*time.Minute, time.Hour)
	require.Equal(t, noon.Add(8*time.Minute), x.next)
}
