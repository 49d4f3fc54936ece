package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// The counts show a leak. If the service has profiles, and no stack in them explains the
// growth, the alert waits for more; without profiles it does not.
func TestTheCountsWaitForProfilesThatCome(t *testing.T) {
	for name, c := range map[string]struct {
		process
		held     string
		evidence leak.Evidence
	}{
		"no stack explains it":  {process{unseen: true}, "the profiles do not show the growth of the counts", ""},
		"none are to be had":    {process{pprof: collector.Errorf(collector.ReasonNotFound, "404 Not Found")}, "", leak.Growth},
		"the stack explains it": {process{}, "", leak.Aged},
		"as idle workers wait":  {process{op: "chan receive"}, "", leak.Aged}, // for which their age is no proof
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := c.process
			p.onset, p.perHour, p.fn = w.now.Add(2*time.Hour), 300, handler
			w.add("checkout", "a", p)
			w.run(4 * time.Hour)
			only := w.monitor.Services()[0]
			require.Equal(t, trend.Leaking, only.Verdict.Status)
			require.Equal(t, c.held, only.SuppressedReason)
			if c.evidence == "" {
				require.Empty(t, w.firing())
				return
			}
			require.Len(t, w.firing(), 1)
			require.Equal(t, c.evidence, w.firing()[0].Evidence)
			require.Less(t, w.firing()[0].DetectedAt.Sub(p.onset), 2*time.Hour)
		})
	}
}

// A service without pprof does not wait, until it has profiles.
func TestAServiceWithoutProfiles(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 60, fn: handler, pprof: collector.Errorf(collector.ReasonNotFound, "404 Not Found")})
	only := func() (out *watch.Service) {
		for s := range w.monitor.services.All() {
			out = s
		}
		return out
	}
	w.run(3 * time.Hour)
	require.GreaterOrEqual(t, only().Profiles.EmptyPulls(), profiling.MaxEmptyPulls)
	require.True(t, only().Growing())
	require.False(t, only().Profiles.Available(only().Need().Suspects))
	p.pprof = collector.Errorf(collector.ReasonBudget, "not now")
	dry := only().Profiles.EmptyPulls()
	w.run(3 * time.Hour)
	require.Equal(t, dry, only().Profiles.EmptyPulls(), "there may be one later")
	p.pprof = nil
	w.run(3 * time.Hour)
	require.Zero(t, only().Profiles.EmptyPulls())
	require.True(t, only().Profiles.Available(only().Need().Suspects))
}
