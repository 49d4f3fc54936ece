package fleet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// An instance restarts several times. The longest process shows best how its stacks develop.
func TestTheLongestEarlierProcess(t *testing.T) {
	in := &Instance{Name: "a"}
	at := func(hours float64) float64 { return float64(t0.Unix()) + 3600*hours }
	in.observeStart(at(0))
	in.observeStart(at(0) + 1) // the same one, rounded differently
	require.Zero(t, in.LongestEarlier(), "there was none")
	for _, h := range []float64{2, 22, 25} {
		in.observeStart(at(h))
	}
	longest := in.LongestEarlier()
	require.WithinDuration(t, t0.Add(2*time.Hour), longest.From, 0)
	require.WithinDuration(t, t0.Add(22*time.Hour), longest.To, 0)

	for h := 26.0; h < 100; h++ {
		in.observeStart(at(h))
	}
	require.Len(t, in.starts, maxProcesses)
	longest = in.LongestEarlier()
	require.Equal(t, time.Hour, longest.To.Sub(longest.From), "what is long ago is forgotten")
}
