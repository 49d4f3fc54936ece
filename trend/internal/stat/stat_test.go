package stat

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// A few goroutines are noise, and so is a small share of many.
func TestLeastGrowth(t *testing.T) {
	require.InDelta(t, 8, LeastGrowth(0), 0)
	require.InDelta(t, 8, LeastGrowth(100), 0)
	require.InDelta(t, 50, LeastGrowth(1000), 0)
}

func TestLine(t *testing.T) {
	var x, l, ts []float64
	for i := range 40 {
		ts = append(ts, float64(i))
		l = append(l, 2+math.Sin(float64(i)))
		x = append(x, 10+3*l[i]+0.5*ts[i])
	}
	b, s, se, ok := Line(x, l, ts)
	require.True(t, ok)
	require.InDelta(t, 3, b, 1e-6)
	require.InDelta(t, 0.5, s, 1e-6)
	require.Positive(t, se)
	_, s, _, _ = Line(x, nil, ts)
	require.InDelta(t, 0.5, s, 0.1)
	_, _, _, ok = Line(x[:3], nil, []float64{1, 1, 1})
	require.False(t, ok, "all at one time")
}
