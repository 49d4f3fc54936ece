package trend

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Clients connect through the morning, stay, and leave in the evening. They rarely read, so the
// CPU does not show them. Once the service has been watched for a day, the next mornings are not
// a leak, and not even likely to be one.
func TestMorningsThatCameBack(t *testing.T) {
	s := NewService(Options{})
	r := rand.New(rand.NewPCG(4, 4))
	for m := range 6 * 1440 {
		hour := float64(m%1440) / 60
		clients := 600 * math.Min(1, math.Max(0, hour-6)/8) * math.Min(1, math.Max(0, 22-hour)/4)
		now := t0.Add(time.Duration(m) * time.Minute)
		s.Observe("a", Sample{T: now.UnixMilli(), Count: math.Round(40 + clients + 3*r.ExpFloat64()), Load: 1 + 0.05*r.NormFloat64(), Start: 1})
		v := s.Judge(now)
		require.NotEqual(t, Leaking, v.Status, "minute %d: %+v", m, v)
		if m > 2*1440 {
			require.Less(t, v.Confidence, 0.5, "minute %d: %+v", m, v)
		}
	}
}

// The same growth after each start counts as a warm-up from the second start on. Growth that goes
// on beyond where the others stopped does not.
func TestWarmUpsAfterDeploys(t *testing.T) {
	const life = 8 * 60
	run := func(leaks bool) (worst float64, leaking bool) {
		s := NewService(Options{})
		r := rand.New(rand.NewPCG(4, 4))
		for m := range 9 * life {
			age := m % life
			now := t0.Add(time.Duration(m) * time.Minute)
			warm := 300 * (1 - math.Exp(-float64(age)/40))
			if leaks && m >= 6*life {
				warm += float64(age) * 2
			}
			start := t0.Add(time.Duration(m-age) * time.Minute)
			s.Observe("a", Sample{T: now.UnixMilli(), Count: math.Round(60 + warm + 3*r.ExpFloat64()), Load: 1, Start: float64(start.Unix())})
			v := s.Judge(now)
			if m >= life && m < 6*life {
				worst = max(worst, v.Confidence)
			}
			leaking = leaking || v.Status == Leaking
		}
		return worst, leaking
	}
	worst, leaking := run(false)
	require.Less(t, worst, 0.5)
	require.False(t, leaking)
	_, leaking = run(true)
	require.True(t, leaking)
}
