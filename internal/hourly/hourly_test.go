package hourly

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// confidences are those of hours in percent; -1: nothing was judged.
func confidences(hours []Hour) (out []int) {
	for _, h := range hours {
		if math.IsNaN(h.Confidence) {
			out = append(out, -1)
		} else {
			out = append(out, int(math.Round(100*h.Confidence)))
		}
	}
	return out
}

// TestRing: each hour has its highest confidence, with the growth at that time.
func TestRing(t *testing.T) {
	var r Ring
	require.Equal(t, []int{-1, -1}, confidences(r.Span(noon, 2)))
	observe := func(at time.Duration, confidence, rate float64) {
		r.Observe(noon.Add(at), confidence, rate, time.Minute)
	}
	observe(10*time.Minute, 0, 0)
	observe(11*time.Minute, .62, 212)
	observe(12*time.Minute, .3, 500)
	observe(61*time.Minute, .99, 1234)
	observe(62*time.Minute, .98, 1)
	hours := r.Span(noon.Add(-30*time.Minute), 4)
	require.Equal(t, []int{-1, 62, 99, -1}, confidences(hours))
	require.Equal(t, noon.Add(-time.Hour), hours[0].Start)
	require.InEpsilon(t, 212, hours[1].Rate, .01)
	require.InEpsilon(t, 1234, hours[2].Rate, .01)
	require.Zero(t, hours[0].Rate)
}

// TestHold: a judgement holds until the next one, as the services at rest are not judged
// each hour of the history; and no longer than that, as when Prometheus was away.
func TestHold(t *testing.T) {
	var r Ring
	for _, at := range []time.Duration{0, 2 * time.Hour, 4 * time.Hour} {
		r.Observe(noon.Add(at), at.Hours()/10, 7, 2*time.Hour)
	}
	require.Equal(t, []int{0, 0, 20, 20, 40, -1}, confidences(r.Span(noon, 6)))
	require.EqualValues(t, 7, r.Span(noon, 4)[3].Rate)
	r.Observe(noon.Add(8*time.Hour), .9, 0, 2*time.Hour)
	require.Equal(t, []int{40, -1, -1, -1, 90}, confidences(r.Span(noon.Add(4*time.Hour), 5)))
}

// TestWeek: what is older than a week is gone, whenever the next judgement comes.
func TestWeek(t *testing.T) {
	var r Ring
	for h := range 3 * Hours {
		r.Observe(noon.Add(time.Duration(h)*time.Hour), float64(h%2), 0, time.Hour)
	}
	last := noon.Add((3*Hours - 1) * time.Hour)
	hours := confidences(r.Span(last.Add(-Hours*time.Hour), Hours+2))
	require.Equal(t, []int{-1, 0, 100, 0}, hours[:4])
	require.Equal(t, []int{0, 100, -1}, hours[Hours-1:])
	r.Observe(last.Add(1000*time.Hour), .5, 0, time.Hour)
	hours = confidences(r.Span(last.Add((1000-Hours+1)*time.Hour), Hours))
	require.Equal(t, 50, hours[Hours-1])
	require.NotContains(t, hours[:Hours-1], 0)
	require.NotContains(t, hours[:Hours-1], 100)

	// A clock that was set back changes its hour, and no other.
	r.Observe(last.Add(998*time.Hour), .7, 0, time.Hour)
	require.Equal(t, []int{-1, 70, -1, 50}, confidences(r.Span(last.Add(997*time.Hour), 4)))
	r.Observe(last, .9, 0, time.Hour)
	require.NotContains(t, confidences(r.Span(last.Add((1000-Hours+1)*time.Hour), Hours)), 90)
}

// TestSize: the memory of a ring is bounded.
func TestSize(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(Ring{}), uintptr(520))
}
