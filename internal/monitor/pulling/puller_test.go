package pulling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// noon is when these tests begin.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func instance(name string) labels.Labels { return labels.FromStrings("job", "shop", "instance", name) }

// finderFunc and fetcherFunc implement the discovery of a target and its profile.
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

// profileOf returns a profile with n goroutines.
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

// pulls returns the counter of a result.
func (p *Puller) pulls(result string) float64 {
	return testutil.ToFloat64(p.metrics.pulls.WithLabelValues(result))
}

func TestPullerNeedsFinderAndFetcher(t *testing.T) {
	_, err := New(Options{Finder: finderFunc(everywhere)})
	require.ErrorContains(t, err, "required")
	_, err = New(Options{Fetcher: profileOf(1)})
	require.ErrorContains(t, err, "required")
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
		// A reload that keeps the number of slots does not add any.
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
		require.Zero(t, p.Targets()[1].LastPull, "b was never asked")
	})
}

// Whatever fails, the label is one of the known ones, which all exist from the start.
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

// Few targets have the profile of unreachable goroutines. If one does not have it, or must not be asked, that
// is not a failure of the target.
func TestLeakProfileNeedsConsent(t *testing.T) {
	consent := true
	asked := 0
	p, _ := newPuller(t, func(ctx context.Context, now time.Time, in labels.Labels) (collector.Target, error) {
		target, err := everywhere(ctx, now, in)
		target.NoLeakProfile, target.NoHeapProfile = !consent, !consent
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

	_, err = p.Heap(t.Context(), noon, instance("a:80"))
	require.Equal(t, collector.ReasonNotFound, collector.ReasonOf(err))
	asked--
	require.Empty(t, p.Targets()[0].Error, "few have everything: it is no failure")

	consent = false
	cost := p.Targets()[0].Cost
	_, err = p.Heap(t.Context(), noon, instance("a:80"))
	require.Equal(t, collector.ReasonNoConsent, collector.ReasonOf(err))
	_, err = p.Leaked(t.Context(), noon, instance("a:80"), 42)
	require.Equal(t, collector.ReasonNoConsent, collector.ReasonOf(err))
	require.Equal(t, 2, asked)
	require.Equal(t, cost, p.Targets()[0].Cost)
}

// A target has one pull at a time. A second one waits for it, gets its profile, and does not wait for
// minutes.
func TestPullsOfATargetQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		running, most := 0, 0
		p, _ := newPuller(t, everywhere, func(context.Context, *url.URL) (*collector.Profile, error) {
			running++
			most = max(most, running)
			time.Sleep(time.Second)
			running--
			return &collector.Profile{Total: 100}, nil
		})
		began := time.Now()
		var wg sync.WaitGroup
		for _, pull := range []func() error{
			func() error { _, err := pullAt(t, p, 0); return err },
			func() error { _, err := p.Dump(t.Context(), noon, instance("a:80"), 100); return err },
			func() error { _, err := p.Leaked(t.Context(), noon, instance("a:80"), 100); return err },
		} {
			wg.Go(func() { require.NoError(t, pull()) })
		}
		wg.Wait()
		require.Equal(t, 1, most)
		require.Equal(t, 3*time.Second, time.Since(began))
		require.Equal(t, float64(3), p.pulls("ok"))
	})
}

// The queue of a target that hangs is bounded, and does not block other targets.
func TestQueueOfATargetIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		p, _ := newPuller(t, everywhere, func(_ context.Context, u *url.URL) (*collector.Profile, error) {
			if u.Host == "a:80" {
				<-hang
			}
			return &collector.Profile{Total: 100}, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 1 + maxWaiting {
			wg.Go(func() { _, _ = p.Pull(ctx, noon, instance("a:80"), 100) })
		}
		synctest.Wait()
		_, err := p.Pull(t.Context(), noon, instance("a:80"), 100)
		require.Equal(t, collector.ReasonBudget, collector.ReasonOf(err))
		require.ErrorContains(t, err, "8 of its profiles are waiting already")
		_, err = p.Pull(t.Context(), noon, instance("b:80"), 100)
		require.NoError(t, err, "it has a slot")
		cancel()
		synctest.Wait()
		require.Equal(t, float64(maxWaiting), p.pulls("canceled"))
		close(hang)
		wg.Wait()
		_, err = p.Pull(t.Context(), noon, instance("a:80"), 100)
		require.NoError(t, err)
	})
}
