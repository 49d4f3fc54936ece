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
		"as idle workers wait":  {process{op: "chan receive"}, "", leak.Aged}, // which their age is no proof of
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
			require.Less(t, w.firing()[0].DetectedAt.Sub(p.onset), time.Hour)
		})
	}
}

// A service without pprof has nothing to wait for, until it has.
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

// Where no profile is to be had, the counts need not leave it open for longer
// whether a pool fills up: an alarm comes when it comes without any pulls.
func TestTheCountsKnowThatThereAreNoProfiles(t *testing.T) {
	told := map[string]time.Time{}
	for _, name := range []string{"none are pulled", "none come", "they come"} {
		w := newWorld(t)
		p := w.add("checkout", "a", process{onset: t0.Add(4 * time.Hour), perHour: 9, steady: 100, fn: handler, op: "chan receive"})
		switch name {
		case "none are pulled":
			w.monitor.o.Puller = nil
		case "none come":
			p.pprof = collector.Errorf(collector.ReasonNotFound, "404 Not Found")
		}
		for w.monitor.services.Len() == 0 || w.monitor.Services()[0].Verdict.Status != trend.Leaking {
			w.run(time.Minute)
			require.Less(t, w.now.Sub(t0), 48*time.Hour)
		}
		told[name] = w.now
	}
	t.Log(told)
	require.Equal(t, told["none are pulled"], told["none come"])
	require.True(t, told["none come"].Before(told["they come"]))
}
