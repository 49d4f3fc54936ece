package monitor

import (
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// watchedInstances returns the instances that pages show, without those that have ended.
func (w *world) watchedInstances() (out []string) {
	w.monitor.Each(func(instance labels.Labels, gone bool) {
		if !gone {
			out = append(out, instance.Get("job")+"/"+instance.Get("instance"))
		}
	})
	return out
}

// A leaking target without series is found by the totals of its profiles, whether or not there
// are other series.
func TestLeakOfATargetWithoutSeries(t *testing.T) {
	for _, others := range []bool{false, true} {
		w := newWorld(t)
		if others {
			w.add("search", "b:80", process{})
		}
		w.add("batch", "a:80", process{silent: true, onset: t0.Add(6 * time.Hour), perHour: 120, fn: "example.org/shop.work"})
		w.run(6 * time.Hour)
		require.Empty(t, w.firing())
		calm := w.pulls["batch/a:80"]
		require.InDelta(t, 7, calm, 2, "the first one, and a baseline an hour")
		begin := w.now
		for w.now.Sub(begin) < 24*time.Hour && len(w.firing()) == 0 {
			w.run(10 * time.Minute)
		}
		require.Len(t, w.firing(), 1, "others: %v", others)
		l := w.firing()[0]
		t.Logf("others: %v; found after %s with %d pulls", others, w.now.Sub(begin), w.pulls["batch/a:80"]-calm)
		require.Equal(t, "batch", l.Service.Get("job"))
		require.Equal(t, "example.org/shop.work", l.Stacks[0].Key.Func)
		require.True(t, l.Evidence.Above(leak.Growth))
		require.Greater(t, w.pulls["batch/a:80"], calm+5, "faster under suspicion")
	}
}

// One that does not leak stays quiet, whatever its traffic, and costs a profile an hour.
func TestQuietTargetWithoutSeries(t *testing.T) {
	w := newWorld(t)
	w.add("batch", "a:80", process{silent: true, daily: 200})
	w.add("flat", "c:80", process{silent: true})
	w.run(72 * time.Hour)
	require.Empty(t, w.firing())
	require.InDelta(t, 73, w.pulls["flat/c:80"], 3)
}

// A target that has series is not asked, and one whose series begin later is no longer counted
// twice.
func TestTargetThatHasSeries(t *testing.T) {
	w := newWorld(t)
	w.add("search", "b:80", process{})
	p := w.add("batch", "a:80", process{silent: true})
	w.run(2 * time.Minute)
	require.Zero(t, w.pulls["batch/a:80"], "its series may be on their way")
	w.run(10 * time.Minute)
	require.ElementsMatch(t, []string{"search/b:80", "batch/a:80"}, w.watchedInstances())

	p.silent = false
	w.run(2 * time.Minute)
	require.False(t, w.monitor.totals.Has(p.labels))
	require.Empty(t, w.monitor.totals.Window(w.now, w.monitor.o.totals()).Series)
	before := w.pulls["batch/a:80"]
	w.run(10 * time.Hour)
	require.LessOrEqual(t, w.pulls["batch/a:80"], before+11, "baselines of the service, no others")
}

// A target that comes, goes and returns, and one that cannot be reached.
func TestTargetWithoutSeriesThatGoes(t *testing.T) {
	w := newWorld(t)
	p := w.add("batch", "a:80", process{silent: true})
	down := w.add("down", "d:80", process{silent: true, pprof: collector.Errorf(collector.ReasonRefused, "connection refused")})
	w.run(10 * time.Minute)
	require.Equal(t, []string{"batch/a:80"}, w.watchedInstances())

	// It is asked less and less.
	w.run(12 * time.Hour)
	require.InDelta(t, 15, w.pulls["down/d:80"], 3)
	down.pprof = nil
	w.run(70 * time.Minute)
	require.ElementsMatch(t, []string{"batch/a:80", "down/d:80"}, w.watchedInstances())

	p.hidden = true
	w.run(5 * time.Minute)
	require.Equal(t, []string{"down/d:80"}, w.watchedInstances())
	before := w.pulls["batch/a:80"]
	w.run(30 * time.Minute)
	require.Equal(t, before, w.pulls["batch/a:80"])
	p.hidden = false
	w.run(10 * time.Minute)
	require.ElementsMatch(t, []string{"batch/a:80", "down/d:80"}, w.watchedInstances())
}

// While the source fails, or has lost its series, nothing new is watched and no leak ends.
func TestTargetsWithoutSeriesDuringAnOutage(t *testing.T) {
	w := newWorld(t)
	w.add("search", "b:80", process{onset: t0.Add(-6 * time.Hour), perHour: 120, fn: "example.org/shop.work"})
	w.run(12 * time.Hour)
	require.Len(t, w.firing(), 1)
	w.add("batch", "a:80", process{silent: true})
	w.down = collector.Errorf(collector.ReasonRefused, "connection refused")
	w.run(30 * time.Minute)
	require.Zero(t, w.pulls["batch/a:80"])
	w.down = nil
	w.processes["search/b:80"].silent, w.processes["search/b:80"].hidden = true, true
	w.run(6 * time.Hour)
	require.Len(t, w.firing(), 1, "an answer without any series says nothing")
	require.Contains(t, w.watchedInstances(), "search/b:80", "nothing is judged")
}

// Services of other shards are not asked.
func TestTargetsWithoutSeriesOfOthers(t *testing.T) {
	w := newWorld(t)
	w.monitor.o.Owns = func(service labels.Labels) bool { return service.Get("job") != "batch" }
	w.add("batch", "a:80", process{silent: true})
	w.run(30 * time.Minute)
	require.Zero(t, w.pulls["batch/a:80"])
}

// A target without series that begins to push is counted by its pushes, not by pulls. A leak of
// it is found, and it is pulled again when its pushes stop.
func TestTargetWithoutSeriesThatPushes(t *testing.T) {
	w := newWorld(t)
	w.add("batch", "a:80", process{silent: true, onset: t0.Add(3 * time.Hour), perHour: 120, fn: "example.org/shop.work"})
	w.run(10 * time.Minute)
	pulled := w.pulls["batch/a:80"]
	require.Positive(t, pulled, "before it pushes")
	used := w.pushing(150*time.Minute, never)
	require.Equal(t, pulled, w.pulls["batch/a:80"])
	require.InDelta(t, 3, used, 1, "one baseline an hour")
	w.pushing(24*time.Hour, func() bool { return len(w.firing()) > 0 })
	require.Len(t, w.firing(), 1)
	require.Equal(t, w.dumps["batch/a:80"], w.pulls["batch/a:80"]-pulled, "dumps alone are pulled")
	require.NotEmpty(t, w.monitor.totals.Window(w.now, w.monitor.o.totals()).Series)
	before := w.pulls["batch/a:80"]
	w.run(2 * time.Hour)
	require.Greater(t, w.pulls["batch/a:80"], before)
}

// One that could not be pulled last is counted at once when it pushes.
func TestFailedTargetWithoutSeriesThatPushes(t *testing.T) {
	w := newWorld(t)
	p := w.add("batch", "a:80", process{silent: true})
	w.run(10 * time.Minute)
	// It can push, but no longer be pulled.
	w.monitor.totals.Fail(p.labels, w.now, collector.ReasonRefused, w.monitor.o.totals())
	require.Empty(t, w.monitor.totals.Window(w.now, w.monitor.o.totals()).Series)
	before := w.pulls["batch/a:80"]
	w.pushing(3*time.Minute, never)
	require.Len(t, w.monitor.totals.Window(w.now, w.monitor.o.totals()).Series, 1)
	w.pushing(30*time.Minute, never)
	require.Equal(t, before, w.pulls["batch/a:80"])
}
