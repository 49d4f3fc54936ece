package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The leaked goroutines cause work themselves: the load grows in proportion to them. That load
// must not explain the leak away, for no service becomes fifty times as busy as it was all day.
func TestLeakThatIsAllOfTheLoad(t *testing.T) {
	const onset = 48 * 60
	s := NewService(Options{})
	first := feed(s, time.Minute, 5*1440, func(m int, r *rand.Rand) Sample {
		work := 1 + 0.3*day(float64(m)) + 0.05*r.NormFloat64()
		leaked := math.Floor(max(0, float64(m-onset)) * 5)
		return Sample{Count: 20 + 80*work + 5*r.ExpFloat64() + leaked, Load: work + leaked/80, Start: 1}
	})
	alarm := int(first[Leaking].Minutes())
	require.Greater(t, alarm, onset)
	require.Less(t, alarm, onset+24*60)
}

// Services that do next to nothing for most of the week are many times as busy when they do work.
// Their goroutines then are not a leak.
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

// A crowd comes within some time, and brings twenty times the usual load. Its goroutines follow that.
func TestCrowdForSomeHours(t *testing.T) {
	const comes, stays = 3 * 1440, 8 * 60
	for _, within := range []float64{10, 180} {
		s := NewService(Options{})
		r := rand.New(rand.NewPCG(1, 2))
		for m := range comes + stays {
			now := t0.Add(time.Duration(m) * time.Minute)
			load := max(0.05, 1+0.1*r.NormFloat64()+0.3*day(float64(m)))
			if m >= comes {
				load *= 1 + 19*min(1, float64(m-comes)/within)
			}
			s.Observe("a", Sample{T: now.UnixMilli(), Count: 50 + math.Round(60*load+4*r.ExpFloat64()), Load: load, Start: 1})
			if v := s.Judge(now); m >= comes {
				require.Less(t, v.Confidence, 0.5, "minute %d, within %v: %+v", m-comes, within, v)
			}
		}
	}
}
