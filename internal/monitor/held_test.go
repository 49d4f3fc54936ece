package monitor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// The counts of a service say that it leaks. Where its profiles come, and no stack
// in them explains that, they are waited for; where none come, they are not.
func TestTheCountsWaitForProfilesThatCome(t *testing.T) {
	for name, c := range map[string]struct {
		process
		held     string
		evidence leak.Evidence
	}{
		"no stack explains it":  {process{unseen: true}, "the profiles do not show the growth of the counts", ""},
		"none are to be had":    {process{pprof: collector.Errorf(collector.ReasonNotFound, "404 Not Found")}, "", leak.Growth},
		"the stack explains it": {process{}, "", leak.Aged},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := c.process
			p.onset, p.perHour, p.fn = w.now.Add(2*time.Hour), 300, handler
			w.add("checkout", "a", p)
			w.run(4 * time.Hour)
			only := w.monitor.Services()[0]
			require.Equal(t, trend.Leaking, only.Verdict.Status)
			require.Equal(t, c.held, only.Held)
			if c.evidence == "" {
				require.Empty(t, w.firing())
				return
			}
			require.Len(t, w.firing(), 1)
			require.Equal(t, c.evidence, w.firing()[0].Evidence)
			require.Less(t, w.firing()[0].DetectedAt.Sub(p.onset), time.Hour)
		})
	}
}

// A service without pprof has nothing to wait for, until it has.
func TestAServiceWithoutProfiles(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 60, fn: handler, pprof: collector.Errorf(collector.ReasonNotFound, "404 Not Found")})
	only := func() (out *service) {
		for _, s := range w.monitor.services {
			out = s
		}
		return out
	}
	w.run(3 * time.Hour)
	require.GreaterOrEqual(t, only().dry, maxDry)
	require.False(t, only().profiled())
	p.pprof = collector.Errorf(collector.ReasonBudget, "not now")
	dry := only().dry
	w.run(3 * time.Hour)
	require.Equal(t, dry, only().dry, "there may be one later")
	p.pprof = nil
	w.run(3 * time.Hour)
	require.Zero(t, only().dry)
	require.True(t, only().profiled())

	w.add("checkout", "a", process{started: w.now, onset: w.now, perHour: 300, fn: handler})
	w.run(time.Minute)
	require.False(t, only().profiled(), "what another process did says nothing of this one")
}
