package alerting

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// near is a leak of one instance that reaches 10,000 goroutines in so many
// hours.
func near(id string, hours float64) leak.Leak {
	l := firing(id, time.Now())
	l.Instances, l.Head, l.Leaked, l.Rate.Value = l.Instances[:1], nil, 9000, 1000/hours
	return l
}

// TestCritical: the critical alert is one of its own, beside the warning, and
// its labels never change.
func TestCritical(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		c := Config{Alertmanagers: []Alertmanager{am.at("http://am")}, Render: RenderOptions{Limit: 10_000, CriticalWithin: 4 * time.Hour}}
		w := start(t, Options{Config: c})
		defer w.stop()
		tell := func(l leak.Leak) map[Severity]Alert {
			t.Helper()
			w.Update([]leak.Leak{l}, time.Now())
			synctest.Wait()
			got := map[Severity]Alert{}
			for _, a := range am.got()["a"] {
				got[Severity(a.Labels.Get("severity"))] = a
			}
			time.Sleep(time.Minute)
			return got
		}
		begin := time.Now()
		l := near("a", 10)
		l.DetectedAt = begin
		got := tell(l)
		require.Len(t, got, 1)
		require.Contains(t, got, Warning)

		since := time.Now()
		l.Rate.Value = 1000 / 3.9
		got = tell(l)
		require.Len(t, got, 2, "both fire")
		require.True(t, got[Warning].StartsAt.Equal(begin))
		require.True(t, got[Critical].StartsAt.Equal(since))
		require.True(t, got[Critical].EndsAt.After(since))
		require.Equal(t, "prod/checkout: 10,000 goroutines in about 4 h, leaks 256 goroutines/h in main.logHandler.func1 (handler.go:29)", got[Critical].Annotations["summary"])

		l.Rate.Value = 1000 / 5.9
		got = tell(l)
		require.True(t, got[Critical].EndsAt.After(time.Now()), "an estimate that wavers ends nothing")

		over := time.Now()
		l.Rate.Value = 1000 / 6.1
		got = tell(l)
		require.True(t, got[Critical].EndsAt.Equal(over))
		require.Contains(t, got[Critical].Annotations["description"], "no limit is near any more, it leaks on")
		require.True(t, got[Warning].EndsAt.After(over), "it leaks on")

		l.Leaked = 10_001
		l.Rate.Value = 0
		got = tell(l)
		require.True(t, got[Critical].EndsAt.After(time.Now()), "past its limit is no better for standing still")

		over = time.Now()
		got = tell(ended(l, over))
		require.True(t, got[Warning].EndsAt.Equal(over))
		require.True(t, got[Critical].EndsAt.Equal(over))
		require.Empty(t, w.lines("level=ERROR"))
	})
}

// TestCriticalNeedsALimit: what nobody knows to be a limit wakes nobody up.
func TestCriticalNeedsALimit(t *testing.T) {
	l := near("a", 1)
	l.Leaked = 99_999
	require.False(t, RenderOptions{CriticalWithin: time.Hour}.IsCritical(l, false), "100,000 goroutines are a large number and no limit")
	require.False(t, RenderOptions{Limit: 100_000}.IsCritical(l, false), "not asked for")
	require.True(t, RenderOptions{Limit: 100_000, CriticalWithin: time.Hour}.IsCritical(l, false))
	l.Memory = &leak.Memory{Used: 300 << 20, Limit: 512 << 20, PerHour: 53 << 20}
	require.False(t, RenderOptions{CriticalWithin: 3 * time.Hour}.IsCritical(l, false))
	require.True(t, RenderOptions{CriticalWithin: 4 * time.Hour}.IsCritical(l, false), "the container's limit is one")
	l.Leaked = 100
	require.Equal(t, "memory limit of 512 MiB in about 4 h, 100,000 goroutines in about 4 days", Projection(l, RenderOptions{}))
	l.Memory.PerHour = 0
	require.Equal(t, "100,000 goroutines in about 4 days", Projection(l, RenderOptions{}))
	l.State = leak.Resolved
	require.Equal(t, "does not grow now", Projection(l, RenderOptions{}))
}

// TestCriticalOverARestart: an estimate between the two bars neither begins
// nor ends an alert because gorowatch was restarted.
func TestCriticalOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		var bucket bucket
		o := Options{Notes: &bucket, Config: Config{Alertmanagers: []Alertmanager{am.at("http://am")}, Render: RenderOptions{Limit: 10_000, CriticalWithin: 4 * time.Hour}}}
		w := start(t, o)
		w.Update([]leak.Leak{near("is", 3), near("is-not", 5)}, time.Now())
		synctest.Wait()
		w.stop()
		am.take()

		time.Sleep(time.Minute)
		w = start(t, o)
		defer w.stop()
		w.Update([]leak.Leak{near("is", 5), near("is-not", 5)}, time.Now())
		synctest.Wait()
		got := am.got()
		require.Len(t, got["is"], 2)
		require.Len(t, got["is-not"], 1)
		for _, a := range got["is"] {
			require.True(t, a.EndsAt.After(time.Now()))
		}
	})
}
