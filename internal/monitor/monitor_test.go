package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

const handler = "example.org/shop.handle.func1"

func TestLeakIsFoundNamedAndResolved(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler})
	w.add("checkout", "b", process{})
	w.add("search", "a", process{})

	w.run(3 * time.Hour)
	require.Empty(t, w.monitor.Leaks())
	require.LessOrEqual(t, w.pulls["checkout/a"], 4, "a baseline at first, then one an hour")
	require.GreaterOrEqual(t, w.pulls["checkout/a"], 1)

	w.run(2 * time.Hour)
	fire := w.firing()
	require.Len(t, fire, 1)
	l := fire[0]
	require.Equal(t, labels.FromStrings("job", "checkout", "namespace", "shop"), l.Service)
	require.Equal(t, leak.Aged, l.Evidence)
	require.Equal(t, handler, l.Stacks[0].Key.Func)
	require.Equal(t, []string{"a"}, l.Instances)
	require.Equal(t, 2, l.InstancesTotal)
	require.Greater(t, l.Share, 0.9)
	require.WithinDuration(t, p.onset, l.Onset, 30*time.Minute)
	require.Less(t, l.DetectedAt.Sub(p.onset), time.Hour)
	require.InDelta(t, 200, l.Rate.Value, 60)
	require.True(t, l.Base.Time.Before(p.onset), "the comparison reaches back to before the onset")
	require.LessOrEqual(t, w.pulls["search/a"], 6, "only the suspect is asked more often")
	require.LessOrEqual(t, w.pulls["checkout/b"], 6)
	require.Equal(t, l.ID, w.saved[l.ID].ID)

	// The other service was never mentioned.
	for _, update := range w.updates {
		for _, l := range update {
			require.Equal(t, "checkout", l.Service.Get("job"))
		}
	}

	// It is rolled out without the leak.
	p.started, p.onset = w.now, time.Time{}
	w.run(6 * time.Hour)
	require.Empty(t, w.firing())
	require.Equal(t, leak.Resolved, w.saved[l.ID].State)
	require.Less(t, w.written, 60, "a leak is not written at every cycle")
}

func TestMissingDataNeitherFiresNorResolves(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)
	before := w.firing()[0]

	w.down = collector.Errorf(collector.ReasonStatus, "503 Service Unavailable")
	updates := len(w.updates)
	w.run(10 * time.Hour)
	require.Equal(t, before, w.firing()[0])
	require.Len(t, w.updates, updates+600, "alerts are kept up meanwhile")
	require.Equal(t, "503 Service Unavailable", w.monitor.State().Error)
	require.Equal(t, 1, w.lines("Cannot read series"), "said once, not six hundred times")

	w.down = errors.New("of another kind")
	w.run(time.Minute)
	require.Equal(t, 2, w.lines("Cannot read series"))

	w.down = nil
	w.run(time.Minute)
	require.Equal(t, 1, w.lines("Series can be read again"))
	last := w.windows[len(w.windows)-1]
	require.Equal(t, 10*time.Hour+2*time.Minute, last.To.Sub(last.From), "what was missed is read")
	require.Equal(t, before.ID, w.firing()[0].ID)
}

func TestEmptyAnswerResolvesNothing(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)
	processes := w.processes
	w.processes = nil
	w.run(6 * time.Hour)
	require.Len(t, w.firing(), 1, "Prometheus answers, but has lost everything")
	require.Equal(t, 1, w.lines("No go_goroutines series found"))
	w.processes = processes
	w.run(time.Minute)
	require.Equal(t, 1, w.lines("Found series to watch"))
}

// Service discovery loses every target for a minute, and for an hour: firing leaks stay the
// same leak with the same stack.
func TestForgottenTargetsResolveNothing(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)
	before := w.firing()[0]
	for _, gone := range []time.Duration{time.Minute, time.Hour} {
		p.pprof = collector.Errorf(collector.ReasonNoTarget, "service discovery finds no target")
		for end := w.now.Add(gone); w.now.Before(end); {
			w.run(time.Minute)
			require.Len(t, w.firing(), 1)
			require.Equal(t, before.ID, w.firing()[0].ID)
			require.Equal(t, before.Signature, w.firing()[0].Signature)
		}
		p.pprof = nil
		w.run(10 * time.Minute)
		require.Len(t, w.firing(), 1)
		require.Equal(t, before.ID, w.firing()[0].ID)
	}
}

func TestNoProfileCanBeHad(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{
		onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler,
		pprof: collector.Errorf(collector.ReasonUnauthorized, "401 Unauthorized: the profile wants a login"),
	})
	w.run(14 * time.Hour)
	fire := w.firing()
	require.Len(t, fire, 1)
	require.Equal(t, leak.Growth, fire[0].Evidence)
	require.Equal(t, "401 Unauthorized: the profile wants a login", fire[0].Missing)
	require.Less(t, w.pulls["checkout/a"], 40, "a target that refuses is asked less and less")
}

func TestFullBucketStopsNothing(t *testing.T) {
	w := newWorld(t)
	w.full = errors.New("no space left on device")
	w.add("checkout", "a", process{onset: t0.Add(2 * time.Hour), perHour: 300, fn: handler})
	w.run(5 * time.Hour)
	fire := w.firing()
	require.Len(t, fire, 1)
	require.Equal(t, leak.Aged, fire[0].Evidence)
	require.Equal(t, 1, w.lines("Cannot write to the archive"))
	require.Equal(t, "no space left on device", w.monitor.State().Archive)
	w.full = nil
	w.run(2 * time.Minute)
	require.Contains(t, w.saved, fire[0].ID)
	require.Equal(t, 1, w.lines("Archive can be written again"))
	require.Empty(t, w.monitor.State().Archive)
}

func TestRestartOfGorowatchGoesOn(t *testing.T) {
	w := newWorld(t)
	p := w.add("checkout", "a", process{onset: t0.Add(3 * time.Hour), perHour: 200, fn: handler})
	w.run(5 * time.Hour)
	before := w.firing()
	require.Len(t, before, 1)

	w.start()
	require.Equal(t, before[0].ID, w.firing()[0].ID, "known before the first cycle")
	w.run(time.Hour)
	after := w.firing()
	require.Len(t, after, 1)
	require.Equal(t, before[0].ID, after[0].ID)
	require.Equal(t, before[0].DetectedAt, after[0].DetectedAt)
	require.True(t, after[0].Base.Time.Before(p.onset), "the earlier base is found again")
}

func TestApplyKeepsWhatIsKnown(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 1)

	o := w.monitor.o
	o.SuspicionInterval = time.Minute
	require.NoError(t, w.monitor.Apply(o))
	require.NotEmpty(t, w.monitor.Services())

	o.GroupBy = []string{"job"}
	require.NoError(t, w.monitor.Apply(o))
	require.Empty(t, w.monitor.Services(), "other services: read again")
	w.run(time.Minute)
	require.Equal(t, "{job=\"checkout\"}", w.monitor.Services()[0].Labels.String())

	o.Source = nil
	require.Error(t, w.monitor.Apply(o))
}

func TestInstancesWithTheSameLabel(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{})
	w.add("checkout", "same", process{}).labels = labels.FromStrings("namespace", "shop", "job", "checkout", "instance", "a", "shard", "2")
	w.add("nameless", "x", process{}).labels = labels.FromStrings("job", "nameless")
	w.run(time.Minute)
	names := map[string]bool{}
	for _, s := range w.monitor.Services() {
		for _, in := range s.Instances {
			names[in.Name] = true
			require.Equal(t, trend.Quiet, s.Verdict.Status)
		}
	}
	require.Len(t, names, 3)
}

// A slow leak in a service whose counts go up and down by a hundred times as much each hour:
// nothing is suspicious. Its stack is obvious in the baselines.
func TestLeakThatTheCountsHideIsFoundInTheArchive(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{daily: 900, onset: t0.Add(6 * time.Hour), perHour: 2, fn: handler, op: "chan receive"})
	w.add("cart", "a", process{daily: 900})
	w.run(24 * time.Hour)
	require.Empty(t, w.firing(), "a day has not passed since it began")
	w.run(24 * time.Hour)
	require.Len(t, w.firing(), 1)
	l := w.firing()[0]
	require.Equal(t, "checkout", l.Service.Get("job"))
	require.Equal(t, handler, l.Stacks[0].Key.Func)
	require.InDelta(t, 2, l.Rate.Value, 0.3)
	require.InDelta(t, 6, l.Onset.Sub(t0).Hours(), 2)
}
