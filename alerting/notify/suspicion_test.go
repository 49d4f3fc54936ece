package notify

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// suspected returns a leak that does not fire yet.
func suspected(id string) leak.Leak {
	l := firing(id, time.Now())
	l.State, l.DetectedAt = leak.Suspected, time.Time{}
	return l
}

// A suspicion has its own alert. It resolves when the leak fires or is no longer suspected.
// Without the option there is none.
func TestSuspicions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var am receiver
		config := Config{Alertmanagers: []alerting.Alertmanager{am.at("http://am")}, NotifySuspected: true}
		w := start(t, Options{Config: config})
		defer w.stop()
		tell := func(id string, leaks ...leak.Leak) map[alerting.Severity]alerting.Alert {
			t.Helper()
			w.Update(leaks, time.Now())
			synctest.Wait()
			got := map[alerting.Severity]alerting.Alert{}
			for _, a := range am.got()[id] {
				got[alerting.Severity(a.Labels.Get("severity"))] = a
			}
			time.Sleep(time.Minute)
			return got
		}
		since := time.Now()
		got := tell("a", suspected("a"))
		require.Len(t, got, 1)
		require.True(t, got[alerting.Info].StartsAt.Equal(since))
		require.True(t, got[alerting.Info].EndsAt.After(since))
		require.Contains(t, got[alerting.Info].Annotations["summary"], "may leak")
		name := got[alerting.Info].Labels

		l := firing("a", time.Now())
		fired := time.Now()
		got = tell("a", l)
		require.Equal(t, name, got[alerting.Info].Labels, "the labels never change")
		require.True(t, got[alerting.Info].StartsAt.Equal(since))
		require.True(t, got[alerting.Info].EndsAt.Equal(fired), "its own alert is over")
		require.True(t, got[alerting.Warning].EndsAt.After(fired))
		require.Contains(t, got[alerting.Warning].Annotations["summary"], "leaks")

		require.Len(t, tell("b", suspected("b")), 1)
		gone := time.Now()
		got = tell("b")
		require.True(t, got[alerting.Info].EndsAt.Equal(gone), "it vanished")
		time.Sleep(20 * time.Minute)
		tell("b")
		require.Empty(t, w.suspicions.byLeak)

		got = tell("b", suspected("b"))
		require.True(t, got[alerting.Info].EndsAt.After(time.Now()), "it is suspected again")
		config.NotifySuspected = false
		require.NoError(t, w.ApplyConfig(config))
		off := time.Now()
		got = tell("b", suspected("b"))
		require.True(t, got[alerting.Info].EndsAt.Equal(off), "it was turned off")
		require.Empty(t, tell("c", suspected("c")))
	})
}
