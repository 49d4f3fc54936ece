package trend

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fleet is the samples of a few instances over minutes.
type fleet struct {
	names   []string
	samples [][]Sample // by instance, one a minute
}

// leaky makes instances of a service with a daily cycle. From a given minute on, each of them leaks
// a given number of goroutines per hour.
func leaky(n, minutes, onset int, rate float64) fleet {
	r := rand.New(rand.NewPCG(7, 7))
	var f fleet
	for i := range n {
		f.names = append(f.names, fmt.Sprintf("pod-%d", i))
		var xs []Sample
		for m := range minutes {
			load := 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64()
			leaked := max(0, float64(m-onset)) * rate / 60
			xs = append(xs, Sample{T: t0.UnixMilli() + int64(m)*60_000, Count: math.Round(80 + 60*load + 4*r.NormFloat64() + leaked), Load: load, Start: float64(t0.Unix() - 86400)})
		}
		f.samples = append(f.samples, xs)
	}
	return f
}

// run feeds all samples. It returns the status of each evaluation, and the last verdict.
func (f fleet) run(from, to int) (statuses []Status, v Verdict) {
	s := NewService(Options{})
	shift := int64(0)
	for m := from; m < to; m++ {
		for i, xs := range f.samples {
			if m < len(xs) {
				s.Observe(f.names[i], xs[m])
				shift = xs[m].T
			}
		}
		v = s.Judge(time.UnixMilli(shift))
		statuses = append(statuses, v.Status)
	}
	return statuses, v
}

func first(statuses []Status, want Status) int {
	for i, s := range statuses {
		if s == want {
			return i
		}
	}
	return -1
}

const horizon = 3 * 1440

func TestVerdictDoesNotDependOn(t *testing.T) {
	plain := leaky(3, horizon, 1700, 40)
	want, verdict := plain.run(0, horizon)
	at := first(want, Leaking)
	require.Greater(t, at, 1700)
	require.Less(t, at, 1700+24*60)
	require.Len(t, verdict.Instances, 3)
	require.InDelta(t, 120, verdict.Rate.Value, 15)
	require.LessOrEqual(t, verdict.Rate.Low, 120.0)
	require.GreaterOrEqual(t, verdict.Rate.High, 120.0)
	require.WithinDuration(t, t0.Add(1700*time.Minute), verdict.Onset, 3*time.Hour)

	t.Run("the time", func(t *testing.T) {
		f := leaky(3, horizon, 1700, 40)
		for _, xs := range f.samples {
			for i := range xs {
				xs[i].T += 11 * 86_400_000
				xs[i].Start += 11 * 86_400
			}
		}
		got, _ := f.run(0, horizon)
		require.Equal(t, want, got)
	})
	t.Run("the names", func(t *testing.T) {
		f := leaky(3, horizon, 1700, 40)
		f.names[0], f.names[2] = f.names[2], "another"
		got, _ := f.run(0, horizon)
		require.Equal(t, want, got)
	})
	t.Run("the unit of the load", func(t *testing.T) {
		f := leaky(3, horizon, 1700, 40)
		for _, xs := range f.samples {
			for i := range xs {
				xs[i].Load *= 1024
			}
		}
		got, _ := f.run(0, horizon)
		require.InDelta(t, at, first(got, Leaking), 15)
	})
	t.Run("the future", func(t *testing.T) {
		for _, end := range []int{at, at + 1, horizon / 2} {
			got, _ := plain.run(0, end)
			require.Equal(t, want[:end], got)
		}
	})
	t.Run("a restart in place or under another name", func(t *testing.T) {
		const restart = 3000
		same, other := leaky(1, horizon, 1000, 60), leaky(1, horizon, 1000, 60)
		for i := restart; i < horizon; i++ {
			same.samples[0][i].Start += 86400
			same.samples[0][i].Count -= float64(restart-1000) * 1
		}
		other.names = append(other.names, "renamed")
		other.samples = append(other.samples, make([]Sample, horizon))
		copy(other.samples[1][restart:], same.samples[0][restart:])
		for i := restart; i < horizon; i++ {
			other.samples[0][i].Count = math.NaN() // gone
		}
		a, _ := same.run(0, horizon)
		b, _ := other.run(0, horizon)
		require.Equal(t, first(a, Leaking), first(b, Leaking))
		require.Equal(t, a[horizon-1], b[horizon-1])
	})
}

func TestMoreLeakIsNotFoundMuchLater(t *testing.T) {
	last := horizon
	for _, rate := range []float64{10, 30, 100, 400, 2000} {
		got, _ := leaky(1, horizon, 1700, rate).run(0, horizon)
		at := first(got, Leaking)
		require.Positive(t, at, "rate %v", rate)
		require.LessOrEqual(t, at, last+60, "rate %v", rate)
		last = at
	}
}

func TestHealthyIsNeverLeaking(t *testing.T) {
	for name, f := range map[string]func(m int, r *rand.Rand) Sample{
		"daily cycle": func(m int, r *rand.Rand) Sample {
			l := 1 + 0.8*day(float64(m))
			return Sample{Count: 50 + 300*l + 10*r.NormFloat64(), Load: l}
		},
		"daily cycle without a load": func(m int, r *rand.Rand) Sample {
			return Sample{Count: 400 + 300*day(float64(m)) + 10*r.NormFloat64(), Load: math.NaN()}
		},
		"constant": func(int, *rand.Rand) Sample { return Sample{Count: 12, Load: 0} },
		"a step":   func(m int, _ *rand.Rand) Sample { return Sample{Count: 100 + 900*float64(min(1, m/2000)), Load: 1} },
		"warm-up": func(m int, _ *rand.Rand) Sample {
			return Sample{Count: 100 + 300*(1-math.Exp(-float64(m)/300)), Load: 1}
		},
		"changing step": func(m int, r *rand.Rand) Sample { return Sample{Count: 100 + 20*r.Float64(), Load: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			s := NewService(Options{})
			r := rand.New(rand.NewPCG(3, 3))
			for m := range 4 * 1440 {
				if name == "changing step" && m > 1440 && m%5 != 0 {
					continue
				}
				x := f(m, r)
				x.T = t0.UnixMilli() + int64(m)*60_000
				s.Observe("a", x)
				v := s.Judge(time.UnixMilli(x.T))
				require.NotEqual(t, Leaking, v.Status, "minute %d: %+v", m, v)
			}
		})
	}
}

func TestEndOfALeak(t *testing.T) {
	// It leaks from minute 1700; at minute 3000 a rollout fixes it.
	f := leaky(1, 4*1440, 1700, 200)
	for i := 3000; i < len(f.samples[0]); i++ {
		x := &f.samples[0][i]
		x.Count -= float64(i-1700) * 200 / 60
		x.Start += 86400
	}
	got, v := f.run(0, 4*1440)
	require.Contains(t, got[:3000], Leaking)
	require.Equal(t, Quiet, v.Status)
	require.NotContains(t, got[3000+1:], Leaking, "only what is gone is left to tell of")

	// At minute 3000 it stops growing, but its leaked goroutines stay.
	f = leaky(1, 4*1440, 1700, 200)
	for i := 3000; i < len(f.samples[0]); i++ {
		f.samples[0][i].Count -= float64(i-3000) * 200 / 60
	}
	got, _ = f.run(0, 4*1440)
	require.Contains(t, got, Plateaued)
}

func TestBadSamplesAreDropped(t *testing.T) {
	s := NewService(Options{})
	good := Sample{T: t0.UnixMilli(), Count: 10, Load: 1, Start: 1}
	s.Observe("a", good)
	for _, bad := range []Sample{
		{T: good.T, Count: 11},
		{T: good.T - 1, Count: 11},
		{T: good.T + 1, Count: -1},
		{T: good.T + 1, Count: math.NaN()},
		{T: good.T + 1, Count: math.Inf(1)},
		{T: good.T + 1, Count: 1e12},
		{T: -5, Count: 11},
	} {
		s.Observe("a", bad)
	}
	in := s.Instances()
	require.Len(t, in, 1)
	require.EqualValues(t, 10, in[0].Count)
	require.Equal(t, t0, in[0].LastSeen)

	s.Judge(t0.Add(2 * time.Hour))
	require.Empty(t, s.Instances(), "forgotten")
}

// FuzzService feeds anything in any order, and checks that verdicts are finite and that the state
// is bounded.
func FuzzService(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(make([]byte, 400))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := NewService(Options{Base: time.Duration(len(b)%3) * time.Second})
		at := t0.UnixMilli()
		for len(b) >= 8 {
			word := binary.LittleEndian.Uint64(b)
			b = b[8:]
			x := Sample{T: at, Count: float64(word >> 8 & 0xffff), Load: float64(word >> 24 & 0xff), Start: float64(word >> 32 & 3)}
			switch word % 16 {
			case 0:
				x.Count = math.Float64frombits(word)
			case 1:
				x.Load = math.Float64frombits(word)
			case 2:
				x.Start = math.Float64frombits(word)
			case 3:
				at += int64(word % (1 << 44)) // years
			}
			for range word >> 40 & 63 {
				x.T = at
				x.Count += float64(word >> 48 & 7)
				s.Observe(string(rune('a'+word>>36&3)), x)
				at += int64(word >> 16 & 0xffff)
				v := s.Judge(time.UnixMilli(at))
				for _, y := range []float64{v.Rate.Value, v.Rate.Low, v.Rate.High, v.Leaked, v.Z} {
					if math.IsNaN(y) || math.IsInf(y, 0) {
						t.Fatalf("%+v", v)
					}
				}
				if v.Rate.Low > v.Rate.Value || v.Rate.High < v.Rate.Value {
					t.Fatalf("%+v", v.Rate)
				}
			}
		}
		if len(s.lives) > maxLives || len(s.instances) > 4 {
			t.Fatal("state grows")
		}
	})
}
