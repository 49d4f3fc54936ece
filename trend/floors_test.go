package trend

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestFloors(t *testing.T) {
	s := NewService(Options{})
	require.Empty(t, s.Floors(time.Time{}).Values)

	begin := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for m := range 300 {
		for second := 0; second < 60; second += 15 {
			at := begin.Add(time.Duration(m)*time.Minute + time.Duration(second)*time.Second).UnixMilli()
			for _, name := range []string{"a", "b"} {
				if name == "b" && m < 290 {
					continue // it starts later
				}
				s.Observe(name, Sample{T: at, Count: float64(100 + m + second), Load: math.NaN(), Start: math.NaN()})
			}
		}
	}
	now := begin.Add(299 * time.Minute)

	f := s.Floors(now.Add(-10 * time.Minute))
	require.Equal(t, time.Minute, f.Length)
	require.Len(t, f.Values, 45)
	require.Equal(t, now.Add(-45*time.Minute), f.Start)
	require.InDelta(t, 354, f.Values[0], 0)
	require.InDelta(t, 2*398, f.Values[44], 0)

	f = s.Floors(now.Add(-3 * time.Hour))
	require.Equal(t, 5*time.Minute, f.Length)
	f = s.Floors(time.Time{})
	require.Equal(t, 15*time.Minute, f.Length, "the longest of which there are some")
}
