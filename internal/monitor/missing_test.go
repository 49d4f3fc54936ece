package monitor

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
)

// The series of the leaking instance are missing for hours, while its sibling has some. That
// does not end the leak. A process that returns with the same start is the same leak.
func TestMissingSeriesResolveNothing(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
	w.add("checkout", "b", process{})
	w.run(4 * time.Hour)
	require.Len(t, w.firing(), 1)
	before := w.firing()[0]

	delete(w.processes, "checkout/a")
	for range 8 * 60 {
		w.run(time.Minute)
		require.Len(t, w.firing(), 1, "missing since %s", w.now)
		require.NotEqual(t, leak.Plateaued, w.firing()[0].Phase())
	}
	require.Equal(t, before.ID, w.firing()[0].ID)

	w.processes["checkout/a"] = p
	for range 60 {
		w.run(time.Minute)
		require.Len(t, w.firing(), 1)
	}
	after := w.firing()[0]
	require.Equal(t, before.ID, after.ID)
	require.Equal(t, before.Onset, after.Onset)
	require.Equal(t, before.DetectedAt, after.DetectedAt)
	require.Equal(t, []string{"a"}, after.Instances)
	require.InDelta(t, float64(p.leaked(w.now)), after.Leaked, 30)
}

// targets knows the presence of instances, and counts the questions.
type targets struct {
	known map[string]collector.Presence // by instance label
	asked map[string]int
}

func (t *targets) Presence(_ context.Context, _ time.Time, instance labels.Labels) collector.Presence {
	t.asked[instance.Get("instance")]++
	return t.known[instance.Get("instance")]
}

// watching starts a gorowatch that can ask for targets.
func (w *world) watching() *targets {
	list := &targets{known: map[string]collector.Presence{}, asked: map[string]int{}}
	o := w.monitor.o
	o.Targets = list
	require.NoError(w.t, w.monitor.Apply(o))
	return list
}

func TestTargetsThatAreGoneResolve(t *testing.T) {
	for name, c := range map[string]struct {
		before, after collector.Presence
		resolved      bool
	}{
		"dropped":                   {collector.PresencePresent, collector.PresenceUnlisted, true},
		"its pod is deleted":        {collector.PresenceUnknown, collector.PresenceGone, true},
		"of a Prometheus elsewhere": {collector.PresenceUnlisted, collector.PresenceUnlisted, false},
		"still a target":            {collector.PresencePresent, collector.PresencePresent, false},
		"no answer any more":        {collector.PresencePresent, collector.PresenceUnknown, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			list := w.watching()
			list.known["a"] = c.before
			w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
			w.add("checkout", "b", process{})
			w.run(4 * time.Hour)
			require.Len(t, w.firing(), 1)
			require.Zero(t, list.asked["b"], "it has no leak")
			delete(w.processes, "checkout/a")
			list.known["a"] = c.after
			w.run(30 * time.Minute)
			if !c.resolved {
				require.False(t, w.firing()[0].NoDataSince.IsZero())
			}
			w.run(150 * time.Minute)
			require.Equal(t, !c.resolved, len(w.firing()) == 1)
			if c.resolved {
				require.Equal(t, "its instances are gone", w.monitor.Leaks()[0].Resolution)
			}
			require.Less(t, list.asked["a"], 7*60/fleet.PresenceEvery)
		})
	}
}

// A gorowatch that starts while the instance is missing only knows its name: it asks by that
// and does not resolve.
func TestStartWhileAnInstanceIsMissing(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
	w.add("checkout", "b", process{})
	w.run(4 * time.Hour)
	before := w.firing()[0]
	delete(w.processes, "checkout/a")
	w.run(time.Minute)
	w.start()
	list := w.watching()
	list.known["a"] = collector.PresenceUnlisted
	w.run(6 * time.Hour)
	require.Positive(t, list.asked["a"])
	require.Len(t, w.firing(), 1)
	list.known["a"] = collector.PresencePresent
	w.run(time.Hour)
	require.Len(t, w.firing(), 1)
	w.processes["checkout/a"] = p
	w.run(2 * time.Minute)
	require.Equal(t, before.Onset, w.firing()[0].Onset)
	require.InDelta(t, float64(p.leaked(w.now)), w.firing()[0].Leaked, 30)
}

// A leak that resolved because its process seemed gone is the same leak from the first sample
// on.
func TestProcessThatWasTakenForGone(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t)
		list := w.watching()
		list.known["a"] = collector.PresencePresent
		p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
		w.add("checkout", "b", process{})
		w.run(4 * time.Hour)
		before := w.firing()[0]
		delete(w.processes, "checkout/a")
		list.known["a"] = collector.PresenceUnlisted
		w.run(3 * time.Hour)
		require.Empty(t, w.firing())
		if restart {
			w.start()
		}
		w.run(4 * time.Hour)
		require.Empty(t, w.firing())

		w.processes["checkout/a"] = p
		w.run(time.Minute)
		require.Len(t, w.firing(), 1, "at once")
		after := w.firing()[0]
		require.Equal(t, before.ID, after.ID)
		require.Equal(t, before.Onset, after.Onset)
		require.Equal(t, before.Signature, after.Signature)
		for range 3 * 60 {
			w.run(time.Minute)
			require.Len(t, w.firing(), 1)
		}
	}
}
