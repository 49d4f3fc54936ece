package profiling

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// noon is when the stories below begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func instance(name string) labels.Labels { return labels.FromStrings("job", "shop", "instance", name) }

// finderFunc and fetcherFunc are a target's discovery and its profile.
type finderFunc func(ctx context.Context, now time.Time, instance labels.Labels) (collector.Target, error)

func (f finderFunc) Find(ctx context.Context, now time.Time, instance labels.Labels) (collector.Target, error) {
	return f(ctx, now, instance)
}

type fetcherFunc func(ctx context.Context, u *url.URL) (*collector.Profile, error)

func (f fetcherFunc) Fetch(ctx context.Context, _ *http.Client, u *url.URL, _ collector.ProfileKind, _ int) (*collector.Profile, error) {
	return f(ctx, u)
}

// everywhere finds every instance at its name.
func everywhere(_ context.Context, _ time.Time, instance labels.Labels) (collector.Target, error) {
	u := &url.URL{Scheme: "http", Host: instance.Get("instance"), Path: "/debug/pprof/goroutine", User: url.UserPassword("u", "hunter2")}
	return collector.Target{URL: u, Client: &http.Client{}}, nil
}

// profileOf is a profile of so many goroutines.
func profileOf(goroutines int64) fetcherFunc {
	return func(context.Context, *url.URL) (*collector.Profile, error) {
		return &collector.Profile{Total: goroutines, Raw: []byte("12345678"), Size: 8}, nil
	}
}

func newPuller(t *testing.T, find finderFunc, fetch fetcherFunc) (*Puller, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	p, err := New(Options{Finder: find, Fetcher: fetch, Registerer: reg})
	require.NoError(t, err)
	return p, reg
}

// pulls is the counter of a result.
func (p *Puller) pulls(result string) float64 {
	return testutil.ToFloat64(p.metrics.pulls.WithLabelValues(result))
}

func TestPullerNeedsFinderAndFetcher(t *testing.T) {
	_, err := New(Options{Finder: finderFunc(everywhere)})
	require.ErrorContains(t, err, "required")
	_, err = New(Options{Fetcher: profileOf(1)})
	require.ErrorContains(t, err, "required")
}

// Whoever asks as often as he likes gets, in the long run, what a thousandth of
// the target's CPU pays for, besides the one burst at the beginning.
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

// At noon a target with 300 000 goroutines (3 s of its CPU) may be pulled once,
// since it has rested; then not until that is paid off: the debt of 2 s and the
// burst of 1 s take 3000 s.
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

// The estimate was a hundred goroutines, the profile had 200 000: the truth is
// what is paid. The other way round the difference is given back.
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

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mtx sync.Mutex
		running, most := 0, 0
		p, err := New(Options{Finder: finderFunc(everywhere), Concurrency: 3, Fetcher: fetcherFunc(func(context.Context, *url.URL) (*collector.Profile, error) {
			mtx.Lock()
			running++
			most = max(most, running)
			mtx.Unlock()
			time.Sleep(time.Second)
			mtx.Lock()
			running--
			mtx.Unlock()
			return &collector.Profile{Total: 10}, nil
		})})
		require.NoError(t, err)
		began := time.Now()
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			wg.Go(func() {
				_, err := p.Pull(t.Context(), began, instance(name), 10)
				require.NoError(t, err)
			})
		}
		synctest.Wait()
		mtx.Lock()
		require.Equal(t, 3, running)
		mtx.Unlock()
		// A reload in the middle that leaves the number alone adds none.
		require.NoError(t, p.Apply(p.o))
		wg.Go(func() { _, _ = p.Pull(t.Context(), began, instance("h"), 10) })
		wg.Wait()
		require.Equal(t, 3, most)
		require.Equal(t, 3*time.Second, time.Since(began))
		for _, s := range p.Targets() {
			require.Equal(t, time.Second, s.Duration)
		}
	})
}

func TestPullWaitingForASlotIsCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p, err := New(Options{Finder: finderFunc(everywhere), Concurrency: 1, Fetcher: fetcherFunc(func(ctx context.Context, _ *url.URL) (*collector.Profile, error) {
			<-release
			return &collector.Profile{Total: 10}, nil
		})})
		require.NoError(t, err)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = p.Pull(t.Context(), noon, instance("a"), 10) })
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			_, err := p.Pull(ctx, noon, instance("b"), 10)
			require.Equal(t, collector.ReasonCanceled, collector.ReasonOf(err))
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		require.Equal(t, 1.0, p.pulls("canceled"))
		close(release)
		wg.Wait()
		require.Len(t, p.Targets(), 1, "b was never asked")
	})
}

func TestStatusOfTargets(t *testing.T) {
	answer := profileOf(42)
	p, _ := newPuller(t, everywhere, func(ctx context.Context, u *url.URL) (*collector.Profile, error) { return answer(ctx, u) })
	_, err := p.Pull(t.Context(), noon, instance("b:80"), 42)
	require.NoError(t, err)
	_, err = p.Pull(t.Context(), noon, instance("a:80"), 42)
	require.NoError(t, err)

	all := p.Targets()
	require.Len(t, all, 2)
	require.Equal(t, "a:80", all[0].Labels.Get("instance"), "sorted")
	s := all[0]
	s.Duration = 0
	require.Equal(t, TargetStatus{
		Labels: instance("a:80"), URL: "http://a:80/debug/pprof/goroutine", LastPull: noon,
		Bytes: 8, Goroutines: 42, Cost: 3e-3,
	}, s)
	require.Equal(t, 16.0, testutil.ToFloat64(p.metrics.bytes))

	answer = func(context.Context, *url.URL) (*collector.Profile, error) {
		return nil, collector.Errorf(collector.ReasonUnauthorized, "401: it wants a login")
	}
	later := noon.Add(time.Minute)
	_, err = p.Pull(t.Context(), later, instance("a:80"), 42)
	require.Equal(t, collector.ReasonUnauthorized, collector.ReasonOf(err))
	s = p.Targets()[0]
	s.Duration = 0
	require.Equal(t, TargetStatus{
		Labels: instance("a:80"), URL: "http://a:80/debug/pprof/goroutine", LastPull: later,
		Reason: collector.ReasonUnauthorized, Error: "401: it wants a login", Cost: 6e-3,
	}, s)
}

// Whatever goes wrong, the label is one of the known ones, all there from the
// start.
func TestResultsAreAClosedSet(t *testing.T) {
	var fail error
	p, reg := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) { return nil, fail })
	known := 1 + len(collector.Reasons)
	n, err := testutil.GatherAndCount(reg, "gorowatch_profile_pulls_total")
	require.NoError(t, err)
	require.Equal(t, known, n)

	failures := []error{errors.New("boom"), context.DeadlineExceeded, http.ErrHandlerTimeout}
	for _, r := range collector.Reasons {
		failures = append(failures, collector.Errorf(r, "it is %s", r))
	}
	for i := range failures {
		fail = failures[i]
		_, err := p.Pull(t.Context(), noon, instance(fmt.Sprint(i)), 1)
		require.Equal(t, fail, err)
	}
	n, err = testutil.GatherAndCount(reg, "gorowatch_profile_pulls_total")
	require.NoError(t, err)
	require.Equal(t, known, n)
	require.Equal(t, 1.0, p.pulls("tls"))
	require.Equal(t, 4.0, p.pulls("other"))
}

func TestKeepForgets(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(1))
	for _, name := range []string{"a", "b", "c"} {
		_, err := p.Pull(t.Context(), noon, instance(name), 1)
		require.NoError(t, err)
	}
	p.Keep(func(in labels.Labels) (labels.Labels, bool) { return in, in.Get("instance") == "b" })
	require.Len(t, p.Targets(), 1)
	require.Equal(t, instance("b"), p.Targets()[0].Labels)
}

// An instance that has other labels now is the same target: it is there once,
// with what it has cost and what it has left.
func TestKeepKnowsLabelsThatChange(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(100_000))
	zoned := func(in labels.Labels) labels.Labels { return labels.NewBuilder(in).Set("zone", "b").Labels() }
	a, b := instance("a"), instance("b")
	for _, in := range []labels.Labels{a, b} {
		_, err := p.Pull(t.Context(), noon, in, 100_000)
		require.NoError(t, err)
	}
	// One was wanted under its new labels already, and was pulled: who asks does
	// not wait for Keep.
	_, err := p.Pull(t.Context(), noon.Add(time.Minute), zoned(b), 100_000)
	require.NoError(t, err)
	before := p.Targets()
	require.Len(t, before, 3)
	for range 2 {
		p.Keep(func(in labels.Labels) (labels.Labels, bool) { return zoned(in), true })
		after := p.Targets()
		require.Len(t, after, 2)
		require.Equal(t, zoned(a), after[0].Labels)
		require.Equal(t, noon, after[0].LastPull)
		require.Equal(t, before[0].Cost, after[0].Cost)
		require.Equal(t, zoned(b), after[1].Labels)
		require.Equal(t, noon.Add(time.Minute), after[1].LastPull)
		require.InDelta(t, before[1].Cost+before[2].Cost, after[1].Cost, 1e-9)
	}
	for _, in := range []labels.Labels{a, b} {
		_, err = p.Pull(t.Context(), noon.Add(2*time.Minute), zoned(in), 100_000)
		require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err), "other labels pay no debts")
	}
}

func TestApplyKeepsWhatIsKnown(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(100_000))
	_, err := p.Pull(t.Context(), noon, instance("a"), 100_000)
	require.NoError(t, err)
	before := p.Targets()

	require.ErrorContains(t, p.Apply(Options{}), "required")
	_, err = p.Pull(t.Context(), noon.Add(2*time.Hour), instance("b"), 1)
	require.NoError(t, err, "what was refused has changed nothing")

	require.NoError(t, p.Apply(Options{Finder: finderFunc(everywhere), Fetcher: profileOf(7), Concurrency: 1}))
	require.Equal(t, before, p.Targets()[:1])
	_, err = p.Pull(t.Context(), noon.Add(time.Minute), instance("a"), 100_000)
	require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err), "a reload pays no debts")
	profile, err := p.Pull(t.Context(), noon.Add(time.Hour), instance("a"), 1)
	require.NoError(t, err)
	require.Equal(t, int64(7), profile.Total, "by the new fetcher")
}

// The profile of unreachable goroutines is had by few targets: that one has
// none, or is not to be asked, is no failure of the target's.
func TestLeakProfileNeedsConsent(t *testing.T) {
	consent := true
	asked := 0
	p, _ := newPuller(t, func(ctx context.Context, now time.Time, in labels.Labels) (collector.Target, error) {
		target, err := everywhere(ctx, now, in)
		target.NoLeakProfile = !consent
		return target, err
	}, func(context.Context, *url.URL) (*collector.Profile, error) {
		asked++
		if asked > 1 {
			return nil, collector.Errorf(collector.ReasonNotFound, "404: no such profile")
		}
		return &collector.Profile{Total: 42}, nil
	})
	_, err := p.Pull(t.Context(), noon, instance("a:80"), 42)
	require.NoError(t, err)
	before := p.Targets()[0]

	_, err = p.Leaked(t.Context(), noon, instance("a:80"), 42)
	require.Equal(t, collector.ReasonNotFound, collector.ReasonOf(err))
	after := p.Targets()[0]
	require.Greater(t, after.Cost, before.Cost, "it was asked")
	after.Cost = before.Cost
	require.Equal(t, before, after)

	consent = false
	cost := p.Targets()[0].Cost
	_, err = p.Leaked(t.Context(), noon, instance("a:80"), 42)
	require.Equal(t, collector.ReasonNoConsent, collector.ReasonOf(err))
	require.Equal(t, 2, asked)
	require.Equal(t, cost, p.Targets()[0].Cost)
}

// pullAt pulls a profile of a:80 so long after noon.
func pullAt(t *testing.T, p *Puller, after time.Duration) (collector.Reason, error) {
	t.Helper()
	_, err := p.Pull(t.Context(), noon.Add(after), instance("a:80"), 100)
	if err == nil {
		return "", nil
	}
	return collector.ReasonOf(err), err
}

// A target that answers 503 is asked again after half a minute, a minute, two,
// up to once an hour; and as before when it has recovered.
func TestStormIsBackedOff(t *testing.T) {
	var fail error
	asked := 0
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		asked++
		return &collector.Profile{Total: 100}, fail
	})
	fail = collector.Errorf(collector.ReasonStatus, "503 Service Unavailable")
	var gaps []time.Duration
	last := time.Duration(0)
	for s := range 5 * 3600 {
		before := asked
		at := time.Duration(s) * time.Second
		reason, err := pullAt(t, p, at)
		if asked == before {
			require.Equal(t, collector.ReasonBackOff, reason)
			require.ErrorContains(t, err, "left alone until ")
			require.ErrorContains(t, err, ": the last answer was: 503 Service Unavailable")
			continue
		}
		gaps = append(gaps, at-last)
		last = at
	}
	require.Len(t, gaps, 11, "in five hours of wishes at every second")
	for i := 2; i < 8; i++ {
		require.InEpsilon(t, 2, float64(gaps[i])/float64(gaps[i-1]), 0.3, "%v", gaps)
	}
	require.GreaterOrEqual(t, gaps[1], firstBackoff)
	require.LessOrEqual(t, gaps[10], maxBackoff+maxBackoff/4)

	fail = nil
	reason, _ := pullAt(t, p, last+2*time.Hour)
	require.Empty(t, reason)
	reason, _ = pullAt(t, p, last+2*time.Hour+time.Second)
	require.Empty(t, reason, "all is well again")
}

// Those that failed together are not asked again together.
func TestBackOffIsSpread(t *testing.T) {
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		return nil, collector.Errorf(collector.ReasonStatus, "503")
	})
	at := map[time.Duration]int{}
	for i := range 100 {
		in := instance(fmt.Sprint(i))
		_, _ = p.Pull(t.Context(), noon, in, 1)
		at[p.targets[in.Hash()].cooldown.until.Sub(noon).Truncate(time.Second)]++
	}
	require.Greater(t, len(at), 5)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		10 * time.Minute:    10 * time.Minute,
		time.Second:         firstBackoff,
		30 * 24 * time.Hour: maxRetryAfter,
	} {
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			return nil, collector.NetworkError(&url.URL{Scheme: "http", Host: "a"}, &collector.Error{Reason: collector.ReasonRateLimited, Err: errors.New("429"), RetryAfter: after})
		})
		reason, _ := pullAt(t, p, 0)
		require.Equal(t, collector.ReasonRateLimited, reason)
		reason, _ = pullAt(t, p, want-time.Second)
		require.Equal(t, collector.ReasonBackOff, reason)
		reason, _ = pullAt(t, p, want+want/4)
		require.Equal(t, collector.ReasonRateLimited, reason, "%s: asked again", after)
	}
}

// A target that takes 5 s for its profile has other things to do: it is asked
// again after 500 s, and not in a hurry after 50 ms.
func TestSlowTargetIsAskedLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes := 5 * time.Second
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			time.Sleep(takes)
			return &collector.Profile{Total: 100}, nil
		})
		reason, _ := pullAt(t, p, 0)
		require.Empty(t, reason)
		reason, err := pullAt(t, p, 499*time.Second)
		require.Equal(t, collector.ReasonSlow, reason)
		require.EqualError(t, err, "left alone until 12:08:20: it took 5s to answer")
		require.Equal(t, err.Error(), p.Targets()[0].Skipped)
		takes = 50 * time.Millisecond
		reason, _ = pullAt(t, p, 500*time.Second)
		require.Empty(t, reason)
		reason, _ = pullAt(t, p, 501*time.Second)
		require.Empty(t, reason)
	})
}

// Of one target there is one pull at a time, whoever wants another.
func TestOnePullATarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			time.Sleep(time.Second)
			return &collector.Profile{Total: 100}, nil
		})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = pullAt(t, p, 0) })
		synctest.Wait()
		_, err := p.Dump(t.Context(), noon, instance("a:80"), 100)
		require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
		require.ErrorContains(t, err, "another of its profiles is being pulled")
		wg.Wait()
		_, err = p.Dump(t.Context(), noon, instance("a:80"), 100)
		require.NoError(t, err)
	})
}

// Whoever asks as often as he likes gets no more bytes than the bandwidth pays
// for, of one target and of all; beyond the burst the last profile may be over.
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

// The estimates are never below what was measured on real programs (docs/costs.md),
// and not far above.
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

// A target whose count is impossible is not blocked by what its profile would
// cost then, whether the count or the profile is wrong.
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

// The most expensive pull there is is paid off after a week.
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

// A target whose profile the decoder cannot take is set aside for a day, for that
// kind of profile alone, or until it has become another.
func TestSetAside(t *testing.T) {
	for _, reason := range []collector.Reason{collector.ReasonTooLarge, collector.ReasonDecoder} {
		fetched := 0
		fail := collector.Errorf(reason, "it takes more than 128 bytes of memory to decode")
		p, reg := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			fetched++
			if fail != nil {
				return nil, fail
			}
			return &collector.Profile{Total: 400}, nil
		})
		_, err := p.Pull(t.Context(), noon, instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err))
		for _, later := range []time.Duration{time.Minute, 2 * time.Hour, quarantineTime - time.Second} {
			_, err = p.Pull(t.Context(), noon.Add(later), instance("a:80"), 1000)
			require.Equal(t, collector.ReasonSetAside, collector.ReasonOf(err))
			require.ErrorContains(t, err, "it takes more than 128 bytes of memory to decode")
		}
		require.Equal(t, 1, fetched)
		require.Equal(t, 3.0, p.pulls("set_aside"))
		n, err := testutil.GatherAndCount(reg, "gorowatch_profile_pulls_total")
		require.NoError(t, err)
		require.Positive(t, n)
		status := p.Targets()[0]
		require.Equal(t, reason, status.Reason)
		require.Contains(t, status.Skipped, "set aside until 2026-03-02 12:00:00")

		fail = nil
		_, err = p.Dump(t.Context(), noon.Add(2*time.Hour), instance("a:80"), 1000)
		require.NoError(t, err, "another kind")
		_, err = p.Pull(t.Context(), noon.Add(2*time.Hour), instance("a:80"), 400)
		require.NoError(t, err, "it has restarted")
		_, err = p.Pull(t.Context(), noon.Add(3*time.Hour), instance("a:80"), 1000)
		require.NoError(t, err, "that was once")

		fail = collector.Errorf(reason, "again")
		_, err = p.Pull(t.Context(), noon.Add(4*time.Hour), instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err))
		_, err = p.Pull(t.Context(), noon.Add(4*time.Hour+quarantineTime), instance("a:80"), 1000)
		require.Equal(t, reason, collector.ReasonOf(err), "asked again after a day")
	}
}

// A target is not left alone because there was no memory for its profile.
func TestNoMemoryIsNoFailure(t *testing.T) {
	p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
		return nil, collector.Errorf(collector.ReasonBudget, "not decoded in time")
	})
	for s := range 3 {
		_, err := p.Pull(t.Context(), noon.Add(time.Duration(s)*time.Second), instance("a:80"), 10)
		require.ErrorContains(t, err, "not decoded in time")
	}
}

// What a target calls itself goes into errors, and these into logs and pages.
func TestErrorsAreShort(t *testing.T) {
	long := collector.Errorf(collector.ReasonNoTarget, "no target for %s", strings.Repeat("ü", 100_000))
	p, _ := newPuller(t, func(context.Context, time.Time, labels.Labels) (collector.Target, error) {
		return collector.Target{}, long
	}, profileOf(1))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), 10)
	require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
	require.LessOrEqual(t, len(err.Error()), maxErrorBytes)
	require.True(t, utf8.ValidString(err.Error()))
	require.Equal(t, err.Error(), p.Targets()[0].Error)

	p, _ = newPuller(t, func(ctx context.Context, now time.Time, instance labels.Labels) (collector.Target, error) {
		target, err := everywhere(ctx, now, instance)
		target.URL.Path = "/" + strings.Repeat("x", 100_000)
		return target, err
	}, profileOf(1))
	_, err = p.Pull(t.Context(), noon, instance("a:80"), 10)
	require.NoError(t, err)
	require.LessOrEqual(t, len(p.Targets()[0].URL), maxErrorBytes)
}

// manyTargets is a Puller that knows n instances.
func manyTargets(t testing.TB, n int) *Puller {
	p, err := New(Options{Finder: finderFunc(everywhere), Fetcher: profileOf(1)})
	require.NoError(t, err)
	for i := range n {
		_, err := p.Pull(t.Context(), noon, labels.FromStrings("namespace", "shop", "job", "checkout", "pod", fmt.Sprintf("checkout-%d", i*7919%n)), 10)
		require.NoError(t, err)
	}
	return p
}

// The list is sorted without building a string for each comparison.
func TestTargetsAllocates(t *testing.T) {
	p := manyTargets(t, 100)
	list := p.Targets()
	require.True(t, slices.IsSortedFunc(list, func(a, b TargetStatus) int { return labels.Compare(a.Labels, b.Labels) }))
	require.LessOrEqual(t, testing.AllocsPerRun(10, func() { p.Targets() }), 2.0)
}

func BenchmarkTargets(b *testing.B) {
	p := manyTargets(b, 5000)
	b.ReportAllocs()
	for b.Loop() {
		p.Targets()
	}
}
