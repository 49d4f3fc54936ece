package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

// How soon a leak of a small service fires at default settings: by its stacks, long before the counts would
// be enough, and at whatever second of a minute it begins.
func TestQuickAtDefaultSettings(t *testing.T) {
	for name, c := range map[string]struct {
		process
		within   time.Duration
		evidence leak.Evidence
	}{
		"100 a minute":                   {process{perHour: 6000}, 5 * time.Minute, leak.Aged},
		"8 a minute":                     {process{perHour: 480}, 12 * time.Minute, leak.Aged},
		"100 a minute and goroutineleak": {process{perHour: 6000, gc: true}, 3 * time.Minute, leak.Proven},
		"8 a minute and goroutineleak":   {process{perHour: 480, gc: true}, 8 * time.Minute, leak.Proven},
	} {
		t.Run(name, func(t *testing.T) {
			for after := time.Duration(0); after < time.Minute; after += 7 * time.Second {
				w := newWorld(t)
				p := c.process
				p.steady, p.fn, p.onset = 14, handler, t0.Add(time.Hour+after)
				w.add("cart", "a:1", p)
				w.run(time.Hour)
				require.Empty(t, w.firing())
				pulls := w.pulls["cart/a:1"]
				for len(w.firing()) == 0 && w.now.Sub(p.onset) < time.Hour {
					w.run(time.Minute)
				}
				require.Len(t, w.firing(), 1)
				l := w.firing()[0]
				t.Logf("begun %s after the minute: %s, %s, %.3f, %v, %d pulls", after, l.DetectedAt.Sub(p.onset), l.Evidence, l.Confidence, l.Parts, w.pulls["cart/a:1"]-pulls)
				require.LessOrEqual(t, l.DetectedAt.Sub(p.onset), c.within)
				require.Equal(t, c.evidence, l.Evidence)
			}
		})
	}
}

// Goroutines that wait as idle ones do must stay for 45 minutes, and outnumber all others. The profiles
// that show how many there are by then come in time, although profiles are rare after a while.
func TestIdleLeaksFireSoonAfterTheyHaveStayed(t *testing.T) {
	for _, c := range []struct {
		steady  int
		perHour float64
		within  time.Duration
	}{
		{14, 60, 52 * time.Minute},
		{40, 160, 52 * time.Minute},
		{40, 120, 65 * time.Minute}, // it takes an hour to outnumber all others three to one
		{40, 100, 75 * time.Minute},
	} {
		w := newWorld(t)
		onset := t0.Add(time.Hour)
		w.add("cart", "a:1", process{perHour: c.perHour, op: "select", steady: c.steady, fn: handler, onset: onset})
		for len(w.firing()) == 0 && w.now.Sub(onset) < 3*time.Hour {
			w.run(time.Minute)
		}
		require.Len(t, w.firing(), 1)
		l := w.firing()[0]
		require.LessOrEqual(t, l.DetectedAt.Sub(onset), c.within, "%g an hour beside %d: %s %v", c.perHour, c.steady, l.Evidence, l.Parts)
		require.Less(t, w.pulls["cart/a:1"], 40)
	}
}

// Healthy programs may look like a leak for some minutes, with goroutines blocked where healthy ones do not
// wait for long. They do not fire.
func TestQuickIsNotHasty(t *testing.T) {
	onset := t0.Add(time.Hour + 20*time.Second)
	for name, p := range map[string]process{
		// A job starts goroutines that wait for a semaphore: each gets its turn.
		"a queue that grows and moves": {perHour: 6000, leave: 1200, op: "chan send", end: onset.Add(20 * time.Minute)},
		"a slow queue":                 {perHour: 480, leave: 240, op: "chan send", end: onset.Add(20 * time.Minute)},
		// Requests wait for a dependency that hangs.
		"an outage of 12 minutes":        {perHour: 6000, op: "sync.WaitGroup.Wait", hangs: true, end: onset.Add(12 * time.Minute)},
		"an outage that comes on slowly": {perHour: 480, op: "sync.Mutex.Lock", hangs: true, end: onset.Add(20 * time.Minute)},
		// Goroutines that wait like idle ones have to grow for longer.
		"clients that come":        {perHour: 2000, op: "IO wait", end: onset.Add(8 * time.Minute)},
		"workers that are started": {perHour: 3000, op: "select", end: onset.Add(8 * time.Minute)},
		"workers of a short job":   {perHour: 6000, op: "chan receive", end: onset.Add(8 * time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p.steady, p.fn, p.onset = 14, handler, onset
			w.add("cart", "a:1", p)
			w.run(2 * time.Hour)
			require.Greater(t, w.pulls["cart/a:1"], 4, "it was looked at")
			for _, leaks := range w.updates {
				for _, l := range leaks {
					require.NotEqual(t, leak.Firing, l.State, "%s: %v %v", l.Evidence, l.Parts, l.Transitions)
				}
			}
		})
	}
}

// An outage that does not end is finally reported, and so is a deadlock in which all work has
// stopped.
func TestDeadlockFires(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{steady: 14, perHour: 6000, op: "sync.Mutex.Lock", hangs: true, fn: handler, onset: t0.Add(time.Hour)})
	w.run(time.Hour + 45*time.Minute)
	require.Len(t, w.firing(), 1)
}

// While Prometheus cannot be read, nothing fires between two evaluations either.
func TestFollowDoesNothingWhileBlind(t *testing.T) {
	w := newWorld(t)
	w.add("cart", "a:1", process{steady: 14, perHour: 6000, fn: handler, onset: t0.Add(time.Hour)})
	w.run(time.Hour + 2*time.Minute)
	w.down = errors.New("503")
	pulls := w.pulls["cart/a:1"]
	w.run(10 * time.Minute)
	require.Empty(t, w.firing())
	require.True(t, w.monitor.NextFollow().IsZero())
	require.LessOrEqual(t, w.pulls["cart/a:1"]-pulls, 2, "what was due at once")
	w.down = nil
	w.run(10 * time.Minute)
	require.Len(t, w.firing(), 1)
}

// A burst of traffic does not count as growth of a plateaued leak.
func TestBurstDoesNotReviveAPlateau(t *testing.T) {
	w := newWorld(t)
	stops := t0.Add(3 * time.Hour)
	p := w.add("cart", "a:1", process{steady: 14, perHour: 300, fn: handler, onset: t0.Add(time.Hour), stops: stops})
	plateaued := func() time.Time {
		require.Len(t, w.firing(), 1)
		return w.firing()[0].PlateauedAt
	}
	for w.run(4 * time.Hour); plateaued().IsZero() && w.now.Sub(stops) < 40*time.Hour; {
		w.run(time.Hour)
	}
	since := plateaued()
	require.False(t, since.IsZero())
	p.burst = w.now.Add(time.Minute)
	pulls := w.pulls["cart/a:1"]
	w.run(10 * time.Minute)
	require.Greater(t, w.pulls["cart/a:1"], pulls, "it was looked at")
	require.Equal(t, since, plateaued())
}
