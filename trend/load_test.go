package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What leaks is looked after: the process is ever busier, in proportion to what
// it has leaked. No service becomes fifty times as busy as it was all day.
func TestLeakThatIsAllOfTheLoad(t *testing.T) {
	const onset = 48 * 60
	s := NewService(Options{})
	first := feed(s, time.Minute, 5*1440, func(m int, r *rand.Rand) Sample {
		work := 1 + 0.3*day(float64(m)) + 0.05*r.NormFloat64()
		leaked := math.Floor(max(0, float64(m-onset)) * 5)
		return Sample{Count: 20 + 80*work + 5*r.ExpFloat64() + leaked, Load: work + leaked/80, Start: 1}
	})
	told := int(first[Leaking].Minutes())
	require.Greater(t, told, onset)
	require.Less(t, told, onset+24*60)
}

// Service that is ten times as busy on Mondays as on Sundays is only that.
func TestFirstMondayOfAQuietWeekendIsNoLeak(t *testing.T) {
	s := NewService(Options{})
	first := feed(s, time.Minute, 4*1440, func(m int, r *rand.Rand) Sample {
		work := 0.1
		if m > 2*1440 {
			work = min(1, 0.1+float64(m-2*1440)/240)
		}
		work *= 1 + 0.05*r.NormFloat64()
		return Sample{Count: 20 + 300*work + 5*r.ExpFloat64(), Load: work, Start: 1}
	})
	require.NotContains(t, first, Leaking)
}

// Services that do next to nothing for most of the week are many times as busy
// when they do work.
func TestBusyHoursOfAnIdleServiceAreNoLeak(t *testing.T) {
	for name, busy := range map[string]func(hour, day int) bool{
		"every day":    func(hour, _ int) bool { return hour >= 8 && hour < 20 },
		"every night":  func(hour, _ int) bool { return hour >= 20 || hour < 10 },
		"third day on": func(hour, day int) bool { return day >= 3 && hour >= 8 && hour < 18 },
	} {
		t.Run(name, func(t *testing.T) {
			s := NewService(Options{})
			work := 0.0
			first := feed(s, time.Minute, 9*1440, func(m int, r *rand.Rand) Sample {
				want := 0.0
				if busy(m/60%24, m/1440) {
					want = 1 + 0.1*float64(m/1440) // a little more each day
				}
				work += (want - work) / 90 // of an hour and a half
				load := 0.001 + work*(1+0.05*r.NormFloat64())
				return Sample{Count: 20 + 400*load + 5*r.ExpFloat64(), Load: load, Start: 1}
			})
			require.NotContains(t, first, Leaking)
		})
	}
}

// Floors of long blocks are means, so that a step in the middle of an hour is
// seen in two. A few steps of a day are no leak, wherever they fall.
func TestFewStepsAreNoLeak(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		at, by := [3]int{}, [3]float64{}
		for i := range at {
			at[i], by[i] = 50*60+r.IntN(1000), 100+float64(r.IntN(300))
		}
		s := NewService(Options{})
		first := feed(s, time.Minute, 4*1440+720, func(m int, r *rand.Rand) Sample {
			x := Sample{Count: 200 + 4*r.ExpFloat64(), Load: 1 + 0.05*r.NormFloat64(), Start: 1}
			for i := range at {
				if m >= at[i] {
					x.Count += by[i]
				}
			}
			return x
		})
		require.NotContains(t, first, Leaking, "%v at minutes %v", by, at)
	}
}
