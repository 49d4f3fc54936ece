package spark

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/trend"
)

func TestDraw(t *testing.T) {
	at := time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)
	s := Draw(trend.Floors{Start: at, Length: time.Minute, Values: []float64{10, math.NaN(), 10, 40}}, at.Add(2*time.Minute))
	require.Equal(t, "M0 22", s.Path[:5])
	require.Contains(t, s.Path, "L100 2")
	require.Equal(t, "66.67", s.Onset)
	require.Equal(t, "floor from 10 to 40 in 4 min", s.Words)
	require.Empty(t, Draw(trend.Floors{}, at).Path)
	require.Empty(t, Draw(trend.Floors{Values: []float64{math.NaN(), math.NaN()}}, at).Path)
	long := trend.Floors{Start: at, Length: time.Minute, Values: make([]float64, 1000)}
	require.Less(t, len(Draw(long, time.Time{}).Path), 600)
}
