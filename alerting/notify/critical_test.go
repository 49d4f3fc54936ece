package notify

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// near returns a leak of one instance that reaches 10,000 goroutines in the given number of hours.
func near(id string, hours float64) leak.Leak {
	l := firing(id, time.Now())
	l.Instances, l.Head, l.Leaked, l.Rate.Value = l.Instances[:1], nil, 9000, 1000/hours
	return l
}

// TestCritical: the critical alert is separate from the warning, and its labels never change.
func TestCritical(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		c := Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}, Render: alerting.RenderOptions{Limit: 10_000, CriticalWithin: 4 * time.Hour}}
		w := start(t, Options{Config: c})
		defer w.stop()
		tell := func(l leak.Leak) map[alerting.Severity]alerting.Alert {
			t.Helper()
			w.Update([]leak.Leak{l}, time.Now())
			synctest.Wait()
			got := map[alerting.Severity]alerting.Alert{}
			for _, a := range am.got()["a"] {
				got[alerting.Severity(a.Labels.Get("severity"))] = a
			}
			time.Sleep(time.Minute)
			return got
		}
		begin := time.Now()
		l := near("a", 10)
		l.DetectedAt = begin
		got := tell(l)
		require.Len(t, got, 1)
		require.Contains(t, got, alerting.Warning)

		since := time.Now()
		l.Rate.Value = 1000 / 3.9
		got = tell(l)
		require.Len(t, got, 2, "both fire")
		require.True(t, got[alerting.Warning].StartsAt.Equal(begin))
		require.True(t, got[alerting.Critical].StartsAt.Equal(since))
		require.True(t, got[alerting.Critical].EndsAt.After(since))
		require.Equal(t, "prod/checkout: 10,000 goroutines in about 4 h, leaks 256 goroutines/h in main.logHandler.func1 (handler.go:29)", got[alerting.Critical].Annotations["summary"])

		l.Rate.Value = 1000 / 5.9
		got = tell(l)
		require.True(t, got[alerting.Critical].EndsAt.After(time.Now()), "an estimate that wavers ends nothing")

		over := time.Now()
		l.Rate.Value = 1000 / 6.1
		got = tell(l)
		require.True(t, got[alerting.Critical].EndsAt.Equal(over))
		require.Contains(t, got[alerting.Critical].Annotations["description"], "no limit is near any more, it leaks on")
		require.True(t, got[alerting.Warning].EndsAt.After(over), "it leaks on")

		l.Leaked = 10_001
		l.Rate.Value = 0
		got = tell(l)
		require.True(t, got[alerting.Critical].EndsAt.After(time.Now()), "past its limit is no better for standing still")

		over = time.Now()
		got = tell(ended(l, over))
		require.True(t, got[alerting.Warning].EndsAt.Equal(over))
		require.True(t, got[alerting.Critical].EndsAt.Equal(over))
		require.Empty(t, w.lines("level=ERROR"))
	})
}

// TestCriticalOverARestart: with an estimate between the two thresholds, a restart of gorowatch
// neither begins nor ends an alert.
func TestCriticalOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		var bucket bucket
		o := Options{Notes: &bucket, Config: Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}, Render: alerting.RenderOptions{Limit: 10_000, CriticalWithin: 4 * time.Hour}}}
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
