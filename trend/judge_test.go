package trend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// One of three instances leaks slowly for days. Another grows fast for an hour: it must not count
// as part of the leak, whose rate it would multiply.
func TestWhatStirsIsNoPartOfTheLeak(t *testing.T) {
	const rate, onset, stirs = 20, 30 * 60, 80 * 60
	s := NewService(Options{})
	r := rand.New(rand.NewPCG(3, 4))
	stirred := false
	for m := range 100 * 60 {
		now := t0.Add(time.Duration(m) * time.Minute)
		for i, name := range []string{"leaks", "stirs", "rests"} {
			x := Sample{T: now.UnixMilli(), Count: 200 + float64(r.IntN(20)), Load: 0.5 + 0.02*r.Float64(), Start: 1}
			switch {
			case i == 0:
				x.Count += float64(max(0, m-onset) * rate / 60)
			case i == 1 && m > stirs && m < stirs+60:
				x.Count += 4 * float64(m-stirs)
			}
			s.Observe(name, x)
		}
		v := s.Judge(now)
		for _, a := range s.Explain() {
			stirred = stirred || a.Instance == "stirs" && a.Status.Grows() && a.Rate.Value > 5*rate
		}
		if v.Status == Leaking && m > onset+24*60 {
			require.Len(t, v.Instances, 1, "minute %d", m)
			require.Equal(t, "leaks", v.Instances[0].Instance)
			require.True(t, v.Rate.Low <= rate && rate <= v.Rate.High, "minute %d: %+v", m, v.Rate)
		}
	}
	require.True(t, stirred, "the story has no part where another grows")
	require.Equal(t, Leaking, s.Judge(t0.Add(100*time.Hour)).Status)
}

// The pools of three instances fill for days. A view of the last part alone looks like a straight
// line. The view of the whole does not, although a line fits it badly.
func TestTailOfAFillingPoolIsNoLeak(t *testing.T) {
	const begin = 30 * 60
	for _, hours := range []float64{8, 14, 22, 30} {
		for _, size := range []float64{300, 600} {
			t.Run(fmt.Sprintf("%g in %g h", size, hours), func(t *testing.T) {
				s := NewService(Options{})
				r := rand.New(rand.NewPCG(5, uint64(hours)))
				provisional := false
				for m := range 7 * 1440 {
					now := t0.Add(time.Duration(m) * time.Minute)
					l := 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64()
					for i := range 3 {
						filled := math.Round(size * (1 - math.Exp(-max(0, float64(m-begin))/60/hours)))
						s.Observe(strconv.Itoa(i), Sample{T: now.UnixMilli(), Count: 150 + 50*l + 4*r.ExpFloat64() + filled, Load: l, Start: 1})
					}
					v := s.Judge(now)
					require.NotEqual(t, Leaking, v.Status, "minute %d: %+v", m, v)
					provisional = provisional || v.Status == Provisional
				}
				require.True(t, provisional, "it grew unseen")
			})
		}
	}
}

// Floors of long blocks are means, so a step in the middle of an hour is spread over two blocks. A
// few steps a day are not a leak, wherever they fall.
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
