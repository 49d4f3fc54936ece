package pulling

import (
	"context"
	"math"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// A caller that pulls all the time gets, in the long run, what a thousandth of the target's CPU pays for, and
// one burst at the beginning.
func TestLongRunShareIsNeverExceeded(t *testing.T) {
	const goroutines = 2000 // 20 ms a profile: one every 20 s
	p, _ := newPuller(t, everywhere, profileOf(goroutines))
	pulled, skipped := 0, 0
	for s := range 3 * 3600 {
		now := noon.Add(time.Duration(s) * time.Second)
		switch _, err := p.Pull(t.Context(), now, instance("a:80"), goroutines); {
		case err == nil:
			pulled++
		default:
			require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
			skipped++
		}
		cost := p.Targets()[0].Cost
		require.LessOrEqual(t, cost, burstShare+float64(s)*defaultShare+1e-9, "after %d s", s)
		require.InDelta(t, float64(pulled)*goroutines*kindProfile.perGoroutine, cost, 1e-6)
	}
	require.InDelta(t, 1/0.02+3*3600/20, pulled, 1, "nor is less pulled than may be")
	require.Equal(t, float64(pulled), p.pulls("ok"))
	require.Equal(t, float64(skipped), p.pulls("budget"))
	require.InDelta(t, p.Targets()[0].Cost, testutil.ToFloat64(p.metrics.cost), 1e-6)
}

// At noon a target with 300 000 goroutines (3 s of its CPU) may be pulled once, because its budget is full.
// It may not be pulled again until that is paid off: the debt of 2 s and the burst of 1 s take 3000 s.
func TestBigPullAfterARestIsPaidOff(t *testing.T) {
	const goroutines = 300_000
	p, _ := newPuller(t, everywhere, profileOf(goroutines))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), goroutines)
	require.NoError(t, err)

	_, err = p.Pull(t.Context(), noon.Add(2999*time.Second), instance("a:80"), goroutines)
	require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
	require.ErrorContains(t, err, "to spare the target")
	require.Equal(t, err.Error(), p.Targets()[0].Skipped)
	require.Empty(t, p.Targets()[0].Reason, "the pull before went well")
	require.Equal(t, noon, p.Targets()[0].LastPull)

	_, err = p.Pull(t.Context(), noon.Add(2999*time.Second), instance("b:80"), 100)
	require.NoError(t, err, "each instance has its own")

	_, err = p.Pull(t.Context(), noon.Add(3001*time.Second), instance("a:80"), goroutines)
	require.NoError(t, err)
	require.Empty(t, p.Targets()[0].Skipped)
}

// The estimate was a hundred goroutines, the profile had 200 000: the actual number is charged.
// The other way round the difference is given back.
func TestCostIsSettledByTheProfile(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(200_000))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), math.NaN())
	require.NoError(t, err)
	require.InDelta(t, 2.0, p.Targets()[0].Cost, 1e-9)
	_, err = p.Pull(t.Context(), noon.Add(time.Second), instance("a:80"), math.NaN())
	require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))

	p, _ = newPuller(t, everywhere, profileOf(100))
	_, err = p.Pull(t.Context(), noon, instance("a:80"), 200_000)
	require.NoError(t, err)
	_, err = p.Pull(t.Context(), noon.Add(time.Second), instance("a:80"), 100)
	require.NoError(t, err)
}

func TestClockSetBackEarnsNothing(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(100_000))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), 100_000)
	require.NoError(t, err)
	for _, d := range []time.Duration{-time.Hour, 0, -time.Hour, 0} {
		_, err = p.Pull(t.Context(), noon.Add(d), instance("a:80"), 100_000)
		require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
	}
}

func TestWithoutATargetNothingIsSpent(t *testing.T) {
	p, _ := newPuller(t, func(context.Context, time.Time, labels.Labels) (collector.Target, error) {
		return collector.Target{}, collector.Errorf(collector.ReasonNoTarget, "nobody knows it")
	}, nil)
	require.NoError(t, p.Apply(Options{Finder: p.o.Finder, Fetcher: profileOf(1)}))
	for range 100 {
		_, err := p.Pull(t.Context(), noon, instance("a:80"), 50_000)
		require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
	}
	s := p.Targets()[0]
	require.Equal(t, TargetStatus{Labels: instance("a:80"), LastPull: noon, Reason: collector.ReasonNoTarget, Error: "nobody knows it"}, s)
	require.Zero(t, testutil.ToFloat64(p.metrics.cost))
}

// A caller that pulls all the time gets no more bytes than the bandwidth pays for, from one target and from
// all. Only the last profile may exceed the burst.
func TestBandwidth(t *testing.T) {
	const size = 1 << 20
	big := fetcherFunc(func(context.Context, *url.URL) (*collector.Profile, error) {
		return &collector.Profile{Total: 100, Size: size}, nil
	})
	p, err := New(Options{Finder: finderFunc(everywhere), Fetcher: big, TargetBandwidth: 10 << 10, Bandwidth: 50 << 10, CPU: 1})
	require.NoError(t, err)
	bytes := map[string]int{}
	for s := range 3600 {
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			if _, err := p.Pull(t.Context(), noon.Add(time.Duration(s)*time.Second), instance(name), 100); err == nil {
				bytes[name] += size
			} else {
				require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
			}
		}
	}
	sum := 0
	for name, n := range bytes {
		require.LessOrEqual(t, n, 10<<10*(3600+600)+size, name)
		sum += n
	}
	require.LessOrEqual(t, sum, 50<<10*(3600+60)+size)
	require.Greater(t, sum, 50<<10*3600-8*size, "nor is less pulled than may be")
}

// The estimates are never below the measured costs of real programs (docs/costs.md), and not far above them.
func TestEstimatesAreAboveWhatWasMeasured(t *testing.T) {
	for _, c := range []struct {
		kind       pullKind
		goroutines float64
		measured   float64 // seconds of CPU
	}{
		{kindProfile, 1_000, 0.0088},
		{kindProfile, 10_000, 0.031},
		{kindProfile, 100_000, 0.31},
		{kindDump, 1_000, 0.012},
		{kindDump, 10_000, 0.326},
		{kindDump, 100_000, 4.1},
		{kindLeakProfile, 100, 0.006},
		{kindLeakProfile, 1_000, 0.010},
		{kindLeakProfile, 10_000, 0.061},
		{kindLeakProfile, 20_000, 0.152},
		{kindLeakProfile, 50_000, 0.934},
		{kindLeakProfile, 100_000, 4.4},
	} {
		estimate := c.kind.cost(c.goroutines)
		require.GreaterOrEqual(t, estimate, c.measured, "%+v", c)
		require.LessOrEqual(t, estimate, 10*c.measured, "%+v", c)
	}
}

// A target with an impossible count is not blocked by the cost of such a profile, whether the
// count or the profile is wrong.
func TestImpossibleCountIsNoDebt(t *testing.T) {
	for _, count := range []float64{math.MaxInt64, math.Inf(1), math.NaN(), math.MaxFloat64} {
		fetch := fetcherFunc(func(context.Context, *url.URL) (*collector.Profile, error) {
			return nil, collector.Errorf(collector.ReasonBadData, "the number of goroutines overflows")
		})
		p, _ := newPuller(t, everywhere, fetch)
		_, err := p.Pull(t.Context(), noon, instance("a:80"), count)
		require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err))
		_, err = p.Pull(t.Context(), noon.Add(time.Hour), instance("a:80"), count)
		require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err), "count %g: %v", count, err)
		require.Less(t, p.Targets()[0].Cost, 0.1)
	}
	p, _ := newPuller(t, everywhere, profileOf(math.MaxInt64))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), 10)
	require.NoError(t, err)
	_, err = p.Pull(t.Context(), noon.Add(time.Hour), instance("a:80"), 10)
	require.NoError(t, err)
}

// The most expensive pull is paid off after a week.
func TestDebtHasAnEnd(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(collector.MaxGoroutines))
	_, err := p.Leaked(t.Context(), noon, instance("a:80"), collector.MaxGoroutines) // 4,000,000 s by estimate
	require.NoError(t, err)
	const paidOff = maxDebt + time.Duration(burstShare/defaultShare)*time.Second
	_, err = p.Pull(t.Context(), noon.Add(paidOff-time.Minute), instance("a:80"), collector.MaxGoroutines)
	require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
	_, err = p.Pull(t.Context(), noon.Add(paidOff+time.Minute), instance("a:80"), collector.MaxGoroutines)
	require.NoError(t, err)
}
