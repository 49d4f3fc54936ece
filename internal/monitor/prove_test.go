package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// evidence returns the evidence of the only firing leak, three hours after its onset.
func evidence(t *testing.T, w *world, p process) leak.Leak {
	t.Helper()
	p.onset, p.fn = t0.Add(2*time.Hour), handler
	if p.perHour == 0 {
		p.perHour = 100
	}
	w.add("checkout", "a", p)
	w.run(5 * time.Hour)
	require.Len(t, w.firing(), 1)
	return w.firing()[0]
}

func TestGoroutinesThatStayAreAged(t *testing.T) {
	w := newWorld(t)
	l := evidence(t, w, process{})
	require.Equal(t, leak.Aged, l.Evidence)
	require.Equal(t, 2, w.dumps["checkout/a"], "two dumps and no more")
	require.Len(t, l.Dumps, 2, "both are archived")
	for _, ref := range l.Dumps {
		require.Equal(t, "a", ref.Instance)
		require.Contains(t, w.bucket, ref.Key)
	}
	require.True(t, l.Dumps[0].Time.Before(l.Dumps[1].Time))
	require.Equal(t, 17*time.Minute, l.Stacks[0].Wait)
	require.Equal(t, "example.org/shop.handle", l.Stacks[0].CreatedBy.Func)
	require.Equal(t, 1, w.leakPulls["checkout/a"], "a 404 is remembered")
	require.Contains(t, l.Missing, "no /debug/pprof/goroutineleak")
}

func TestGoroutinesThatComeAndGoAreNot(t *testing.T) {
	w := newWorld(t)
	l := evidence(t, w, process{comeAndGo: true})
	require.Equal(t, leak.Stack, l.Evidence)
	require.Regexp(t, `^only 0 of \d+ goroutines were still there \d+ (s|min) later$`, l.Missing)
}

func TestTooManyGoroutinesForADump(t *testing.T) {
	w := newWorld(t)
	l := evidence(t, w, process{steady: 1500, perHour: 2000})
	require.Equal(t, leak.Stack, l.Evidence)
	require.Zero(t, w.dumps["checkout/a"])
	require.Contains(t, l.Missing, "exceed profiles.dump_limit (1,000)")
}

func TestGarbageCollectorProves(t *testing.T) {
	w := newWorld(t)
	l := evidence(t, w, process{gc: true})
	require.Equal(t, leak.Proven, l.Evidence)
	require.Empty(t, l.Missing)
	require.Equal(t, 1, w.leakPulls["checkout/a"])
	w.run(3 * time.Hour)
	require.Equal(t, 1, w.leakPulls["checkout/a"], "what is proven is not proven again")
}

func TestGarbageCollectorProvesWithoutADump(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, leak.Proven, evidence(t, w, process{gc: true, steady: 1500}).Evidence)
}

func TestEvidenceStaysWhenAProcessGoes(t *testing.T) {
	w := newWorld(t)
	evidence(t, w, process{})
	p := w.processes["checkout/a"]
	p.started, p.onset = w.now, w.now
	w.run(2 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence, "it only climbs")
}

// A subscription that is made again and again and keeps itself alive: the load grows with the
// leak, so the counts are no evidence, and its goroutines wait as idle workers do.
func TestLeakThatWorksFiresWhenNoneOfItEverEnds(t *testing.T) {
	leaky := process{onset: t0.Add(2 * time.Hour), perHour: 200, fn: handler, busy: true, op: "chan receive"}
	w := newWorld(t)
	w.add("checkout", "a", leaky)
	w.run(2*time.Hour + 25*time.Minute)
	require.Empty(t, w.firing(), "it does not outnumber the rest, nor is it old enough")
	w.run(35 * time.Minute)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence)
	require.Equal(t, 2, w.dumps["checkout/a"], "it outnumbers all else by then: a third would show nothing new")

	// Connections that come and go look similar.
	healthy := leaky
	healthy.comeAndGo = true
	w = newWorld(t)
	w.add("checkout", "a", healthy)
	w.run(3 * time.Hour)
	require.Empty(t, w.firing())

	// A leak that is a small part of a large service is not reported so soon either.
	large := leaky
	large.steady, large.perHour = 400, 60
	w = newWorld(t)
	w.add("checkout", "a", large)
	w.run(3 * time.Hour)
	require.Empty(t, w.firing())
}

// A bucket that cannot be written takes away no evidence.
func TestAgedWithoutRoomForTheDumps(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 100, fn: handler})
	w.run(2*time.Hour + 5*time.Minute) // there are earlier profiles
	w.full = errors.New("no space left on device")
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Aged, w.firing()[0].Evidence)
	require.Empty(t, w.firing()[0].Dumps)
}

// One goroutineleak profile may miss some goroutines (golang/go#79452). It is pulled once more, and an
// empty one does not resolve the leak.
func TestSmallerAnswerOfTheGarbageCollector(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, leak.Proven, evidence(t, w, process{gc: true, missed: 1}).Evidence)
	require.Equal(t, 2, w.leakPulls["checkout/a"])
	w.processes["checkout/a"].missed = 1000
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)
	require.Equal(t, leak.Proven, w.firing()[0].Evidence)

	w = newWorld(t)
	l := evidence(t, w, process{gc: true, missed: 1000})
	require.Equal(t, leak.Aged, l.Evidence, "it says nothing against the leak")
	require.Equal(t, 2, w.leakPulls["checkout/a"], "it is not asked for ever")
	require.Contains(t, l.Missing, "can still reach them")
}
