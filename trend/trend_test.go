package trend

import (
	"go.uber.org/goleak"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// feed passes n samples of one instance, a step apart, and returns the first time of each status.
func feed(s *Service, step time.Duration, n int, at func(i int, r *rand.Rand) Sample) map[Status]time.Duration {
	r := rand.New(rand.NewPCG(1, 2))
	first := map[Status]time.Duration{}
	for i := range n {
		x := at(i, r)
		now := t0.Add(time.Duration(i) * step)
		x.T = now.UnixMilli()
		s.Observe("a", x)
		st := s.Judge(now).Status
		if _, ok := first[st]; !ok {
			first[st] = now.Sub(t0)
		}
	}
	return first
}

func TestFastLeakOnSecondBase(t *testing.T) {
	for _, rate := range []float64{5, 50} {
		s := NewService(Options{Base: time.Second})
		first := feed(s, time.Second, 240, func(i int, r *rand.Rand) Sample {
			leaked := max(0, float64(i-20)) * rate
			return Sample{Count: math.Round(12 + 3*r.Float64() + leaked), Load: 0.01, Start: 1}
		})
		require.Contains(t, first, Suspicious, "rate %v", rate)
		require.LessOrEqual(t, first[Suspicious], 50*time.Second, "rate %v", rate)
		require.Contains(t, first, Leaking, "rate %v", rate)
	}
}

func TestSteadyLoadThatStartsSuddenlyIsQuiet(t *testing.T) {
	s := NewService(Options{Base: time.Second})
	first := feed(s, time.Second, 600, func(i int, r *rand.Rand) Sample {
		x := Sample{Count: 10 + float64(r.IntN(3)), Load: 0.01, Start: 1}
		if i > 30 {
			x.Count, x.Load = 120+float64(r.IntN(30)), 0.5
		}
		return x
	})
	require.NotContains(t, first, Suspicious)
	require.NotContains(t, first, Leaking)
}

// day is the daily cycle, -1 to 1, at a minute.
func day(minute float64) float64 { return math.Sin(2 * math.Pi * minute / 1440) }
