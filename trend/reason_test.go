package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reason is the status of a verdict, and the gate that kept it from being higher.
type reason struct {
	Status
	Gate
}

// For each reason that a verdict may have there is a story in which it comes up. No story brings up
// any other reason.
func TestEveryReasonIsReached(t *testing.T) {
	quiet := func(r *rand.Rand) float64 { return 100 + 2*r.ExpFloat64() }
	load := func(m int, r *rand.Rand) float64 { return 1 + 0.5*day(float64(m)) + 0.03*r.NormFloat64() }
	stories := map[string]struct {
		minutes int
		sample  func(m int, r *rand.Rand) Sample
		want    []reason
	}{
		"flat":  {600, func(_ int, r *rand.Rand) Sample { return Sample{Count: 100, Load: 1, Start: 1} }, []reason{{Quiet, GateTooLittle}, {Quiet, GateTooSmall}}},
		"noise": {3 * 1440, func(_ int, r *rand.Rand) Sample { return Sample{Count: 100 + 30*r.ExpFloat64(), Load: 1, Start: 1} }, []reason{{Quiet, GateNoTrend}}},
		"daily load": {3 * 1440, func(m int, r *rand.Rand) Sample {
			l := load(m, r)
			return Sample{Count: 60 + 200*l + 10*r.ExpFloat64(), Load: l, Start: 1}
		}, []reason{{Quiet, GateFollowsLoad}}},
		"busier": {1440, func(m int, r *rand.Rand) Sample {
			l := 1 + 2*min(1, max(0, float64(m-600))/240)
			return Sample{Count: 60 + 60*l*l + 2*r.ExpFloat64(), Load: l, Start: 1}
		}, []reason{{Suspicious, GateFollowsLoad}}},
		"one step": {2880, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + 200*math.Floor(min(1, float64(m)/2000)), Load: 1, Start: 1}
		}, []reason{{Quiet, GateOneStep}}},
		"up and down": {2880, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + 100*math.Max(0, math.Sin(float64(m)/120)) + float64(m)/60, Load: 1, Start: 1}
		}, []reason{{Quiet, GateCameBack}}},
		"in doubt": {5 * 1440, func(m int, r *rand.Rand) Sample {
			return Sample{Count: 100 + 60*r.ExpFloat64() + max(0, float64(m-2880))/60, Load: 1, Start: 1}
		}, []reason{{Suspicious, GateUncertain}}},
		"a leak": {2880, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + max(0, float64(m-1440))*30/60, Load: 1, Start: 1}
		}, []reason{{Provisional, GateSaturating}, {Suspicious, GateTooShort}, {Leaking, GateNone}}},
		"a job": {1500, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + max(0, float64(m-1440)), Load: 1, Start: 1}
		}, []reason{{Suspicious, GateTransient}}},
		"the first morning": {900, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + max(0, float64(m-400))*20/60, Load: 1, Start: 1}
		}, []reason{{Suspicious, GateDailyCycle}}},
		"a warm-up": {600, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + 100*(1-math.Exp(-float64(m)/60)), Load: 1, Start: float64(t0.Unix())}
		}, []reason{{Provisional, GateWarmingUp}}},
		"a hang": {1700, func(m int, r *rand.Rand) Sample {
			x := Sample{Count: quiet(r) + 12*max(0, float64(m-1600)), Load: 1, Start: 1}
			if m > 1600 {
				x.Load = 0.4
			}
			return x
		}, []reason{{Suspicious, GatePileUp}}},
		"a pool": {3700, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + 300*(1-math.Exp(-max(0, float64(m-2880))/360)), Load: 1, Start: 1}
		}, []reason{{Provisional, GateSaturating}}},
		"a leak that ends": {4 * 1440, func(m int, r *rand.Rand) Sample {
			return Sample{Count: quiet(r) + min(600, max(0, float64(m-1440))), Load: 1, Start: 1}
		}, []reason{{Leaking, GateNone}, {Plateaued, GateNoTrend}}},
		"a leak that goes": {3 * 1440, func(m int, r *rand.Rand) Sample {
			x := Sample{Count: quiet(r) + max(0, float64(m-1600)), Load: 1, Start: 1}
			if m > 2600 {
				x.Count, x.Start = quiet(r), 1000 // a restart
			}
			return x
		}, []reason{{Leaking, GateNone}, {Suspicious, GateCameBack}}},
	}
	known := []reason{
		{Quiet, GateTooLittle}, {Quiet, GateTooSmall}, {Quiet, GateNoTrend}, {Quiet, GateFollowsLoad}, {Quiet, GateOneStep}, {Quiet, GateCameBack},
		{Suspicious, GateTooShort}, {Suspicious, GateUncertain}, {Suspicious, GateFollowsLoad}, {Suspicious, GateCameBack},
		{Suspicious, GateTransient}, {Suspicious, GatePileUp}, {Suspicious, GateDailyCycle},
		{Provisional, GateSaturating}, {Provisional, GateWarmingUp}, {Leaking, GateNone},
	}
	reached := map[reason]bool{}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			s := NewService(Options{})
			r := rand.New(rand.NewPCG(1, 2))
			seen := map[reason]bool{}
			for m := range story.minutes {
				now := t0.Add(time.Duration(m) * time.Minute)
				x := story.sample(m, r)
				x.T = now.UnixMilli()
				s.Observe("a", x)
				v := s.Judge(now)
				got := reason{v.Status, v.Gate}
				seen[got] = true
				if v.Status != Plateaued { // else the gate is about growth besides the leak
					require.Contains(t, known, got, "minute %d", m)
				}
				require.GreaterOrEqual(t, v.Wait, time.Duration(0))
				switch got {
				case reason{Quiet, GateTooLittle}:
					require.InDelta(t, enough-m, v.Wait.Minutes(), 1, "minute %d", m)
				case reason{Suspicious, GateUncertain}:
					require.Less(t, v.Confidence, DefaultMinConfidence)
				default:
					if v.Status == Suspicious || v.Status == Provisional {
						require.Less(t, v.Confidence, DefaultMinConfidence, "minute %d", m)
						break
					}
					require.Zero(t, v.Wait, "minute %d: %+v", m, v)
				}
			}
			for _, want := range story.want {
				require.Contains(t, seen, want)
			}
			for got := range seen {
				reached[got] = true
			}
		})
	}
	for _, want := range known {
		require.Contains(t, reached, want)
	}
}

// Wait is never longer than the time that it really takes.
func TestWaitIsAboutRight(t *testing.T) {
	for _, perHour := range []float64{10, 30, 100, 300} {
		s := NewService(Options{})
		r := rand.New(rand.NewPCG(3, 4))
		claims := map[int]time.Duration{}
		alarm := 0
		for m := range 3 * 1440 {
			now := t0.Add(time.Duration(m) * time.Minute)
			s.Observe("a", Sample{T: now.UnixMilli(), Count: 100 + 2*r.ExpFloat64() + max(0, float64(m-1440))*perHour/60, Load: 1, Start: 1})
			v := s.Judge(now)
			if v.Status == Suspicious && v.Gate == GateTooShort && v.Wait > 0 {
				claims[m] = v.Wait
			}
			if v.Status == Leaking {
				alarm = m
				break
			}
		}
		require.NotZero(t, alarm, "%g an hour", perHour)
		require.NotEmpty(t, claims, "%g an hour", perHour)
		for m, wait := range claims {
			require.LessOrEqual(t, wait, time.Duration(alarm-m)*time.Minute+5*time.Minute, "%g an hour, minute %d", perHour, m)
		}
	}
}

// Goroutines that have gone without a restart are no plateau: it would say that they are
// still there.
func TestLeakThatGoesWithoutARestart(t *testing.T) {
	for _, left := range []float64{0, 0.3} {
		s := NewService(Options{})
		r := rand.New(rand.NewPCG(1, 2))
		for m := range 2 * 1440 {
			now := t0.Add(time.Duration(m) * time.Minute)
			leaked := max(0, float64(m-600))
			if m > 1800 {
				leaked = 1200 * left
			}
			s.Observe("a", Sample{T: now.UnixMilli(), Count: 100 + math.Round(2*r.ExpFloat64()+leaked), Load: 1, Start: 1})
			v := s.Judge(now)
			if m == 1800 {
				require.Equal(t, Leaking, v.Status)
			}
			if m > 1800+180 { // hours that had the leak at their start are over
				require.NotContains(t, []Status{Leaking, Plateaued}, v.Status, "minute %d, %v left", m, left)
			}
		}
	}
}
