package view

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

var at = time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)

// backend is a Backend made of its fields. The tests use no others.
type backend struct {
	Backend
	leaks     []leak.Leak
	services  []Service
	targets   []Target
	instances []Instance
}

func (b *backend) Leaks() []leak.Leak                    { return b.leaks }
func (b *backend) Services() []Service                   { return b.services }
func (b *backend) Targets() []Target                     { return b.targets }
func (b *backend) Instances(labels.Labels) []Instance    { return b.instances }
func (b *backend) RenderOptions() alerting.RenderOptions { return alerting.RenderOptions{} }

func job(name string) labels.Labels { return labels.FromStrings("job", name) }

// filter makes the filter of a request.
func filter(q, match string) query.Filter {
	return query.NewFilter(url.Values{"q": {q}, "match": {match}})
}

// growing returns a leak of a service that fires.
func growing(id, service string, rate float64, instances ...string) leak.Leak {
	return leak.Leak{
		ID: id, Service: job(service), State: leak.Firing, Onset: at.Add(-time.Hour), UpdatedAt: at,
		Rate: trend.Interval{Value: rate, Low: rate, High: rate}, Leaked: 100, Instances: instances,
	}
}

func TestLeaks(t *testing.T) {
	leaks := []leak.Leak{
		{ID: "resolved-early", Service: job("a"), State: leak.Resolved, ResolvedAt: at.Add(-2 * time.Hour)},
		{ID: "resolved-late", Service: job("a"), State: leak.Resolved, ResolvedAt: at.Add(-time.Hour), Version: "v1.42.0"},
		{ID: "ignored", Service: job("a"), State: leak.Ignored},
		{ID: "suspected", Service: job("b"), State: leak.Suspected, Rate: trend.Interval{Value: 1e6}},
		growing("slow", "a", 10, "a-0"),
		growing("wide", "b", 50, "b-0", "b-1", "b-2"),
		growing("fast", "a", 60, "a-0"),
		{ID: "flat", Service: job("b"), State: leak.Firing, Leaked: 3},
		{ID: "flat-large", Service: job("b"), State: leak.Firing, Leaked: 300},
	}
	leaks[6].Stacks = []leak.StackGrowth{{Op: "chan send", Key: collector.Frame{Func: "main.logHandler", File: "/src/handler.go", Line: 29}}}
	order := []string{"fast", "wide", "slow", "flat-large", "flat", "suspected", "ignored", "resolved-late", "resolved-early"}
	ids := func(leaks []leak.Leak) (ids []string) {
		for _, l := range leaks {
			ids = append(ids, l.ID)
		}
		return ids
	}
	b := &backend{leaks: slices.Clone(leaks)}
	r := New(Options{Backend: b})
	require.Equal(t, order, ids(r.Leaks(query.Filter{})))
	require.Equal(t, leaks, b.leaks, "what the backend has is not changed")
	slices.Reverse(b.leaks)
	require.Equal(t, order, ids(r.Leaks(query.Filter{})), "whatever order they come in")

	for _, c := range []struct {
		q, match string
		want     []string
	}{
		{q: "wide", want: []string{"wide"}},
		{q: "b-1", want: []string{"wide"}},
		{q: "v1.42", want: []string{"resolved-late"}},
		{q: "loghandler", want: []string{"fast"}},
		{q: "handler.go:29 chan", want: []string{"fast"}},
		{match: `job="b"`, want: []string{"wide", "flat-large", "flat", "suspected"}},
		{match: "namespace="},
		{match: "job=b,wide", want: []string{"wide"}},
	} {
		require.Equal(t, c.want, ids(r.Leaks(filter(c.q, c.match))), "%+v", c)
	}
	require.Equal(t, []string{"wide", "flat-large", "flat", "suspected"}, ids(r.LeaksOf(job("b"))))
	firing := r.FiringLeaks()
	require.Equal(t, []string{"fast", "slow"}, ids(firing.Of(job("a"))))
	require.Empty(t, firing.Of(job("nosuch")))
}

func TestServices(t *testing.T) {
	b := &backend{
		services: []Service{
			{Labels: job("quiet"), Status: trend.Quiet, Gate: trend.GateFollowsLoad},
			{Labels: job("provisional"), Status: trend.Provisional},
			{Labels: job("leaking-2"), Status: trend.Leaking},
			{Labels: job("leaking-1"), Status: trend.Leaking},
			{Labels: job("fires"), Status: trend.Quiet},
			{Labels: job("suspicious"), Status: trend.Suspicious},
			{Labels: job("plateaued"), Status: trend.Plateaued},
		},
		leaks: []leak.Leak{growing("x", "fires", 1), growing("y", "gone", 1)},
	}
	r := New(Options{Backend: b})
	jobs := func(services []Service) (jobs []string) {
		for _, s := range services {
			jobs = append(jobs, s.Labels.Get("job"))
		}
		return jobs
	}
	all, total := r.Services(query.Filter{}, r.FiringLeaks())
	require.Equal(t, []string{"fires", "leaking-1", "leaking-2", "plateaued", "suspicious", "provisional", "quiet"}, jobs(all))
	require.Equal(t, 7, total)
	some, total := r.Services(filter("follows", ""), r.FiringLeaks())
	require.Equal(t, []string{"quiet"}, jobs(some), "found by its gate")
	require.Equal(t, 7, total, "whatever the filter")

	s, watched, ok := r.Service(ServiceID(job("quiet")))
	require.True(t, ok && watched)
	require.Equal(t, b.services[0], s)
	s, watched, ok = r.Service(ServiceID(job("gone")))
	require.True(t, ok)
	require.False(t, watched, "only its leak is known")
	require.Equal(t, job("gone"), s.Labels)
	_, _, ok = r.Service("nosuch")
	require.False(t, ok)
}

func TestWhy(t *testing.T) {
	s := Service{Status: trend.Leaking}
	require.Equal(t, "it grows and does not come back", s.Why())
	s.SuppressedReason = "2 of 3 required profiles\ncollected"
	require.Equal(t, "it grows and does not come back; no alert yet: 2 of 3 required profiles collected", s.Why())
}

func TestTargets(t *testing.T) {
	target := func(name string, s TargetState, gone time.Time) Target {
		return Target{Labels: labels.FromStrings("instance", name), State: s, Gone: gone}
	}
	b := &backend{targets: []Target{
		target("unknown", TargetUnknown, time.Time{}),
		target("up-2", TargetUp, time.Time{}),
		target("gone-early", TargetGone, at.Add(-time.Hour)),
		target("unmatched", TargetUnmatched, time.Time{}),
		target("up-1", TargetUp, time.Time{}),
		target("gone-late", TargetGone, at),
		target("down", TargetDown, time.Time{}),
	}}
	names := func(targets []Target) (names []string) {
		for _, x := range targets {
			names = append(names, x.Labels.Get("instance"))
		}
		return names
	}
	targets, gone := New(Options{Backend: b}).Targets()
	require.Equal(t, []string{"down", "unmatched", "up-1", "up-2", "unknown"}, names(targets))
	require.Equal(t, []string{"gone-late", "gone-early"}, names(gone))
	require.Equal(t, "unknown", b.targets[0].Labels.Get("instance"), "what the backend has is not changed")
}

func TestChartSpan(t *testing.T) {
	for name, c := range map[string]struct {
		onset, resolved time.Duration // before now; 0: not known
		from, to        time.Duration
	}{
		"a third before the onset":   {onset: 3 * time.Hour, from: 4 * time.Hour},
		"five minutes at least":      {onset: 3 * time.Minute, from: 8 * time.Minute},
		"without an onset":           {from: 5 * time.Minute},
		"an onset to come":           {onset: -time.Hour, from: 5 * time.Minute},
		"an hour after it is over":   {onset: 5 * time.Hour, resolved: 3 * time.Hour, from: 6 * time.Hour, to: 2 * time.Hour},
		"it is over since a moment":  {onset: 3 * time.Hour, resolved: time.Minute, from: 4 * time.Hour},
		"it is over since just that": {onset: 3 * time.Hour, resolved: time.Hour, from: 4 * time.Hour},
	} {
		l := leak.Leak{}
		if c.onset != 0 {
			l.Onset = at.Add(-c.onset)
		}
		if c.resolved != 0 {
			l.ResolvedAt = at.Add(-c.resolved)
		}
		from, to := ChartSpan(l, at)
		require.Equal(t, at.Add(-c.from), from, name)
		require.Equal(t, at.Add(-c.to), to, name)
	}
}

// TestChanges: the most grown come first, each with its share of all growth.
func TestChanges(t *testing.T) {
	profile := func(counts map[string]int64) *collector.Profile {
		p := &collector.Profile{}
		for name, n := range counts {
			p.Records = append(p.Records, collector.Record{Count: n, Labels: map[string]string{"route": name}, Frames: []*collector.Frame{{Func: "a." + name}}})
			p.Total += n
		}
		return p
	}
	two := Pair{Base: profile(map[string]int64{"grows": 1, "shrinks": 9}), Head: profile(map[string]int64{"grows": 31, "new": 10, "shrinks": 2})}
	base, head := two.Snapshots()
	changes, more := Changes(base, head)
	require.Zero(t, more)
	require.Len(t, changes, 3)
	for i, want := range []struct {
		name       string
		base, head int64
		share      float64
	}{{"grows", 1, 31, .75}, {"new", 0, 10, .25}, {"shrinks", 9, 2, 0}} {
		c := changes[i]
		require.Equal(t, "a."+want.name, c.Key.Func)
		require.Equal(t, want.base, c.Base)
		require.Equal(t, want.head, c.Head)
		require.InDelta(t, want.share, c.Share, 1e-9)
		require.Equal(t, map[string]string{"route": want.name}, c.Labels)
	}

	many := map[string]int64{}
	for i := range MaxStacks + 7 {
		many[string(rune('a'+i%26))+string(rune('a'+i/26))] = int64(i + 1)
	}
	base, head = Pair{Head: profile(many)}.Snapshots()
	require.Equal(t, &stack.Snapshot{}, base, "of no profile")
	changes, more = Changes(base, head)
	require.Len(t, changes, MaxStacks)
	require.Equal(t, 7, more)
	require.EqualValues(t, MaxStacks+7, changes[0].Head)
}

// TestLabelShares: of what changed, not of what there is; the largest share first.
func TestLabelShares(t *testing.T) {
	profile := func(counts map[string]int64) *collector.Profile {
		p := &collector.Profile{}
		for route, n := range counts {
			p.Records = append(p.Records, collector.Record{Count: n, Labels: map[string]string{"route": route, "app": "shop"}, Frames: []*collector.Frame{{Func: "a.handle"}}})
			p.Total += n
		}
		return p
	}
	shares := func(base, head map[string]int64) (out []string) {
		b, h := Pair{Base: profile(base), Head: profile(head)}.Snapshots()
		changes, _ := Changes(b, h)
		require.Len(t, changes, 1)
		for _, x := range changes[0].Shares {
			out = append(out, fmt.Sprintf("%s=%s %.2f", x.Key, x.Value, x.Share))
		}
		return out
	}
	usual := map[string]int64{"/home": 100, "/cart": 10}
	require.Equal(t, []string{"app=shop 1.00", "route=/cart 0.90", "route=/home 0.10"}, shares(usual, map[string]int64{"/home": 110, "/cart": 100}))
	require.Equal(t, []string{"app=shop 1.00", "route=/home 1.00"}, shares(usual, map[string]int64{"/home": 60, "/cart": 10}), "what went")
	many := map[string]int64{}
	for i := range 30 {
		many[fmt.Sprintf("/%d", i)] = 10
	}
	require.Len(t, shares(usual, many), 1, "none of many leads")
}

// puller takes profiles of instances, or fails.
type puller struct {
	pulled []string
	err    error
}

func (p *puller) Pull(ctx context.Context, _ labels.Labels, in Instance) (leak.ProfileRef, error) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > pullTimeout {
		return leak.ProfileRef{}, context.DeadlineExceeded
	}
	p.pulled = append(p.pulled, in.Name)
	return leak.ProfileRef{Instance: in.Name}, p.err
}

func TestTakeProfile(t *testing.T) {
	p := &puller{}
	b := &backend{instances: []Instance{{Instance: trend.Instance{Name: "a-0"}}, {Instance: trend.Instance{Name: "a-1"}}}}
	require.False(t, New(Options{Backend: b}).CanPull())
	r := New(Options{Backend: b, Puller: p})
	require.True(t, r.CanPull())

	ref, err := r.TakeProfile(t.Context(), httptest.NewRecorder(), job("a"), "a-1")
	require.NoError(t, err)
	require.Equal(t, "a-1", ref.Instance)
	_, err = r.TakeProfile(t.Context(), httptest.NewRecorder(), job("a"), "a\n2")
	require.EqualError(t, err, "a 2 is not watched now")
	require.Equal(t, http.StatusNotFound, PullStatus(err))
	require.Equal(t, []string{"a-1"}, p.pulled)

	for reason, code := range map[collector.Reason]int{
		collector.ReasonBudget:      http.StatusTooManyRequests,
		collector.ReasonRateLimited: http.StatusTooManyRequests,
		collector.ReasonGone:        http.StatusNotFound,
		collector.ReasonNoConsent:   http.StatusForbidden,
		collector.ReasonOther:       http.StatusBadGateway,
		collector.ReasonNotProfile:  http.StatusBadGateway,
	} {
		p.err = collector.Errorf(reason, "why")
		_, err := r.TakeProfile(t.Context(), httptest.NewRecorder(), job("a"), "a-0")
		require.Equal(t, code, PullStatus(err), reason)
	}
}
