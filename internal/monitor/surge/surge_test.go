package surge

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const gap = 5 * time.Minute

// surges passes counts, one a minute, and returns at which of them there was a surge.
func surges(counts ...float64) (at []int) {
	var s Series
	for i, x := range counts {
		s.Observe(Sample{At: noon.Add(time.Duration(i) * time.Minute), Count: x, Load: 1}, gap)
		if _, ok := s.Rise(); ok {
			at = append(at, i)
		}
	}
	return at
}

func TestSurge(t *testing.T) {
	usual := []float64{14, 15, 13, 14, 16, 14}
	for name, c := range map[string]struct {
		then []float64
		want []int
	}{
		"fast":                       {[]float64{70, 170, 270}, []int{7, 8}},
		"slow":                       {[]float64{20, 28, 36}, []int{7, 8}},
		"one burst":                  {[]float64{70, 14, 15}, nil},
		"two bursts":                 {[]float64{70, 14, 75, 14}, nil},
		"less than 8":                {[]float64{17, 19, 21, 23}, nil},
		"it falls back":              {[]float64{70, 170, 30, 20, 170}, []int{7}},
		"it stays on its level":      {[]float64{70, 170, 169, 168, 170, 167, 170, 170}, []int{7, 8, 9, 10, 11}},
		"a step that took two looks": {[]float64{40, 60, 60, 60, 60, 60, 60, 60}, []int{7, 8, 9, 10, 11}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, surges(append(append([]float64{}, usual...), c.then...)...))
		})
	}
	require.Nil(t, surges(10, 30, 50, 70, 90, 110), "the instance is new")
	require.Equal(t, []int{6, 7}, surges(10, 30, 50, 70, 90, 110, 130, 150), "but it goes on and on")
	require.Equal(t, []int{6}, surges(10, 11, 13, 15, 16, 17, 19), "if slowly")
	require.Nil(t, surges(10, 11, 12, 13, 14, 15, 16), "it is little")
	require.Nil(t, surges(200, 320, 250, 400, 210, 350, 405, 415), "within what is usual")
}

// A new version may leak from its start. What is usual is known from the previous process.
func TestSurgeAfterARestart(t *testing.T) {
	require.Equal(t, []int{8, 9}, surges(14, 15, 13, 14, 16, 14, 5, 30, 60, 90))
	require.Nil(t, surges(40, 42, 41, 40, 43, 41, 5, 15, 25, 35, 41), "it comes back to its level")
}

func TestSurgeEndsInTime(t *testing.T) {
	counts := []float64{14, 15, 13, 14, 16, 14}
	for i := range 60 {
		counts = append(counts, 70+100*float64(i))
	}
	require.Len(t, surges(counts...)[:longest], longest)
	require.Equal(t, 7, surges(counts...)[0])
}

func TestRise(t *testing.T) {
	var s Series
	for i, x := range []float64{14, 15, 13, 14, 16, 14, 70, 170} {
		s.Observe(Sample{At: noon.Add(time.Duration(i) * time.Minute), Count: x, Load: 1}, gap)
	}
	r, ok := s.Rise()
	require.True(t, ok)
	require.Equal(t, noon.Add(5*time.Minute), r.Onset)
	require.Equal(t, 16.0, r.Level)
	require.Equal(t, 170.0, r.Count)
	require.InDelta(t, 2.0/60, r.Hours, 1e-9)
}

// Samples that are out of order or impossible do not begin a surge.
func TestOddSamples(t *testing.T) {
	var s Series
	add := func(after time.Duration, count float64) {
		s.Observe(Sample{At: noon.Add(after), Count: count, Load: math.NaN()}, gap)
	}
	for i := range 6 {
		add(time.Duration(i)*time.Minute, 14)
	}
	add(5*time.Minute, 90)
	add(4*time.Minute, 190)
	add(6*time.Minute, math.NaN())
	add(6*time.Minute, math.Inf(1))
	add(6*time.Minute, -1)
	require.Equal(t, 6, s.n)
	add(20*time.Minute, 90)
	require.Equal(t, 1, s.n, "too long ago")
	require.True(t, math.IsNaN(s.Work(noon)))
}

func TestWork(t *testing.T) {
	var s Series
	for i, load := range []float64{1, 3, 1, 2, 1, 2, 0.6, 0.4, 0.2} {
		s.Observe(Sample{At: noon.Add(time.Duration(i) * time.Minute), Count: 14, Load: load}, gap)
	}
	require.InDelta(t, 0.3, s.Work(noon.Add(5*time.Minute)), 1e-6)
	require.True(t, math.IsNaN(s.Work(noon.Add(-time.Minute))), "no sample is that old")
}

// Healthy noise rarely surges, so it costs few pulls.
func TestNoiseSeldomSurges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	begun, minutes := 0, 10_000
	var s Series
	was := false
	for i := range minutes {
		s.Observe(Sample{At: noon.Add(time.Duration(i) * time.Minute), Count: 50 + 20*math.Abs(r.NormFloat64()), Load: 1}, gap)
		_, is := s.Rise()
		if is && !was {
			begun++
		}
		was = is
	}
	require.LessOrEqual(t, begun, minutes/1000)
}

func BenchmarkObserve(b *testing.B) {
	var s Series
	for i := 0; b.Loop(); i++ {
		s.Observe(Sample{At: noon.Add(time.Duration(i) * time.Minute), Count: float64(i % 50), Load: 1}, gap)
	}
}
