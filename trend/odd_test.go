package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// run feeds one instance minute by minute. It returns the first minute of Leaking, or -1 if there
// is none, and the last verdict.
func run(t *testing.T, minutes int, sample func(m int, r *rand.Rand) (x Sample, ok bool)) (alarm int, v Verdict) {
	t.Helper()
	s := NewService(Options{})
	r := rand.New(rand.NewPCG(9, 9))
	alarm = -1
	for m := range minutes {
		now := t0.Add(time.Duration(m) * time.Minute)
		if x, ok := sample(m, r); ok {
			if x.T == 0 {
				x.T = now.UnixMilli()
			}
			s.Observe("a", x)
		}
		v = s.Judge(now)
		for _, y := range []float64{v.Rate.Value, v.Rate.Low, v.Rate.High, v.Leaked, v.Z} {
			require.False(t, math.IsNaN(y) || math.IsInf(y, 0), "%+v", v)
		}
		if v.Status == Leaking && alarm < 0 {
			alarm = m
		}
	}
	return alarm, v
}

// busy returns a healthy sample of a service with a daily load.
func busy(m int, r *rand.Rand) Sample {
	l := 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64()
	return Sample{Count: math.Round(60 + 120*l + 4*r.NormFloat64()), Load: l, Start: 1}
}

func TestOddInputIsNoLeak(t *testing.T) {
	for name, sample := range map[string]func(m int, r *rand.Rand) (Sample, bool){
		"one sample":       func(m int, r *rand.Rand) (Sample, bool) { return busy(m, r), m == 5 },
		"a million":        func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Count += 1e6; return x, true },
		"start unknown":    func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Start = math.NaN(); return x, true },
		"start in 2090":    func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Start = 3.8e9; return x, true },
		"start that jumps": func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Start = float64(m); return x, true },
		"negative load":    func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Load = -x.Load; return x, true },
		"infinite load":    func(m int, r *rand.Rand) (Sample, bool) { x := busy(m, r); x.Load = math.Inf(1); return x, true },
		"load now and then": func(m int, r *rand.Rand) (Sample, bool) {
			x := busy(m, r)
			if m%3 > 0 {
				x.Load = math.NaN()
			}
			return x, true
		},
		"every ten minutes": func(m int, r *rand.Rand) (Sample, bool) { return busy(m, r), m%10 == 0 },
		"half is missing":   func(m int, r *rand.Rand) (Sample, bool) { return busy(m, r), r.IntN(2) == 0 },
		"a gap of a day":    func(m int, r *rand.Rand) (Sample, bool) { return busy(m, r), m < 2000 || m > 3440 },
		"a gap of 20 years": func(m int, r *rand.Rand) (Sample, bool) {
			x := busy(m, r)
			if x.T = t0.UnixMilli() + int64(m)*60_000; m > 2000 {
				x.T += 20 * 365 * 86_400_000
			}
			return x, true
		},
		"an hour twice, in October": func(m int, r *rand.Rand) (Sample, bool) {
			if m > 2880 {
				return busy(m-60, r), true // the same day an hour later
			}
			return busy(m, r), true
		},
		"an hour left out, in March": func(m int, r *rand.Rand) (Sample, bool) {
			if m > 2880 {
				return busy(m+60, r), true
			}
			return busy(m, r), true
		},
		"a restart every hour": func(m int, r *rand.Rand) (Sample, bool) {
			x := busy(m, r)
			x.Start = float64(m / 60 * 3600)
			return x, true
		},
		// Requests pile up for an hour while nothing gets done, and then drain.
		"an outage that drains slowly": func(m int, r *rand.Rand) (Sample, bool) {
			x := busy(m, r)
			if since := float64(m - 3000); since > 0 {
				if since < 60 {
					x.Load *= 0.4
				}
				x.Count += 600 * min(1, since/60) * math.Exp(-max(0, since-60)/240)
			}
			return x, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			alarm, v := run(t, 4*1440, sample)
			require.Negative(t, alarm, "%+v", v)
		})
	}
}

// A deploy starts a leak when the load is at its lowest. What the load meant before the deploy
// distinguishes the leak from the morning's growth.
func TestHistoryOutlivesARestart(t *testing.T) {
	const deploy = 2*1440 + 1080
	leak := func(m int, r *rand.Rand) (Sample, bool) {
		x := busy(m, r)
		if m >= deploy {
			x.Start = deploy * 60
			x.Count += float64(m-deploy) * 20 / 60
		}
		return x, true
	}
	alarm, _ := run(t, 5*1440, leak)
	require.Greater(t, alarm, deploy)
	require.Less(t, alarm, deploy+24*60)

	later, _ := run(t, 5*1440, func(m int, r *rand.Rand) (Sample, bool) {
		x, _ := leak(m, r)
		return x, m >= deploy // without samples from before the deploy
	})
	require.Greater(t, later, alarm)
}
