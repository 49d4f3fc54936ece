package pulling

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

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

// An instance with changed labels is the same target: it is listed once, with its cost and what
// is left of its budget.
func TestKeepKnowsLabelsThatChange(t *testing.T) {
	p, _ := newPuller(t, everywhere, profileOf(100_000))
	zoned := func(in labels.Labels) labels.Labels { return labels.NewBuilder(in).Set("zone", "b").Labels() }
	a, b := instance("a"), instance("b")
	for _, in := range []labels.Labels{a, b} {
		_, err := p.Pull(t.Context(), noon, in, 100_000)
		require.NoError(t, err)
	}
	// One was already wanted and pulled under its new labels: a pull does not wait for Keep.
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

// A target's own names go into errors, and these into logs and pages.
func TestErrorsAreShort(t *testing.T) {
	long := collector.Errorf(collector.ReasonNoTarget, "no target for %s", strings.Repeat("ü", 100_000))
	p, _ := newPuller(t, func(context.Context, time.Time, labels.Labels) (collector.Target, error) {
		return collector.Target{}, long
	}, profileOf(1))
	_, err := p.Pull(t.Context(), noon, instance("a:80"), 10)
	require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
	require.LessOrEqual(t, len(err.Error()), collector.MaxErrorBytes)
	require.True(t, utf8.ValidString(err.Error()))
	require.Equal(t, err.Error(), p.Targets()[0].Error)

	p, _ = newPuller(t, func(ctx context.Context, now time.Time, instance labels.Labels) (collector.Target, error) {
		target, err := everywhere(ctx, now, instance)
		target.URL.Path = "/" + strings.Repeat("x", 100_000)
		return target, err
	}, profileOf(1))
	_, err = p.Pull(t.Context(), noon, instance("a:80"), 10)
	require.NoError(t, err)
	require.LessOrEqual(t, len(p.Targets()[0].URL), collector.MaxErrorBytes)
}

// manyTargets makes a Puller that knows n instances.
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
