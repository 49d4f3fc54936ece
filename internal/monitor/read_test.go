package monitor

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/reading"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// condensing is a world that can return the minima of blocks, as Prometheus does.
type condensing struct {
	*world
	blocks []collector.Window
	fail   map[int]error // of the n-th call
	calls  int
}

func (c *condensing) Blocks(ctx context.Context, from, to time.Time, length time.Duration) (collector.Window, error) {
	c.calls++
	if err := c.fail[c.calls]; err != nil {
		return collector.Window{}, err
	}
	w, err := c.Window(ctx, from.Add(-1), to.Add(-1))
	if err != nil {
		return w, err
	}
	c.windows = c.windows[:len(c.windows)-1]
	for i := range w.Series {
		var out []collector.Sample
		fine := w.Series[i].Samples
		for len(fine) > 0 {
			n := 1
			for n < len(fine) && fine[n].T/length.Milliseconds() == fine[0].T/length.Milliseconds() {
				n++
			}
			x := fine[n-1]
			whole := x.T%length.Milliseconds() == length.Milliseconds()-time.Minute.Milliseconds() && n == int(length/time.Minute)
			sum := 0.0
			for _, y := range fine[:n] {
				x.Count = min(x.Count, y.Count)
				sum += y.Load
				whole = whole && y.Start == x.Start
			}
			x.Load = sum / float64(n)
			if whole {
				out = append(out, x)
			}
			fine = fine[n:]
		}
		w.Series[i].Samples = out
	}
	w.From, w.To = from, to
	c.blocks = append(c.blocks, w)
	return w, nil
}

const (
	progressMetric = "gorowatch_backfill_progress_ratio"
	lagMetric      = "gorowatch_series_lag_seconds"
)

// gauge returns the value of a gauge.
func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "no such metric", name)
	return 0
}

// A gorowatch that begins with the minima of blocks judges as one that has read all samples.
func TestBlocksOfTheHistorySayTheSame(t *testing.T) {
	w := newWorld(t)
	w.add("steady", "a", process{})
	w.add("leaks", "a", process{onset: t0.Add(20 * time.Hour), perHour: 40})
	w.add("leaks", "b", process{onset: t0.Add(30 * time.Hour), perHour: 4, started: t0.Add(7*time.Hour + 33*time.Minute + 10*time.Second)})
	w.add("young", "a", process{started: t0.Add(69*time.Hour + 2*time.Minute), onset: t0.Add(69 * time.Hour), perHour: 100})
	w.now = t0.Add(72*time.Hour + 13*time.Minute)

	judge := func(src collector.SeriesSource) (*prometheus.Registry, map[string]Service) {
		reg := prometheus.NewRegistry()
		m, err := New(t.Context(), Options{Source: src, History: 70 * time.Hour, Registerer: reg})
		require.NoError(t, err)
		require.NoError(t, m.Cycle(t.Context(), w.now))
		for m.Behind() {
			require.NoError(t, m.Cycle(t.Context(), w.now))
		}
		out := map[string]Service{}
		for _, s := range m.Services() {
			out[s.Labels.Get("job")] = s
		}
		return reg, out
	}
	_, fine := judge(w)
	c := &condensing{world: w}
	w.windows = nil
	metrics, coarse := judge(c)
	require.Len(t, coarse, 3)
	require.Greater(t, c.calls, 3, "in pieces")
	require.Len(t, w.windows, 1, "and the last hour as it is")
	require.Equal(t, 1.0, gauge(t, metrics, progressMetric))
	require.Zero(t, gauge(t, metrics, lagMetric))
	for job, want := range fine {
		got := coarse[job]
		require.Equal(t, want.Verdict.Status, got.Verdict.Status, job)
		require.Len(t, got.Instances, len(want.Instances))
		for i, in := range want.Instances {
			require.Equal(t, in.Started, got.Instances[i].Started, job)
			require.Equal(t, in.LastSeen, got.Instances[i].LastSeen, job)
			require.Equal(t, in.Floor, got.Instances[i].Floor, job)
		}
		if want.Verdict.Status != trend.Quiet {
			require.InDelta(t, want.Verdict.Rate.Value, got.Verdict.Rate.Value, 0.02*want.Verdict.Rate.Value, job)
			require.WithinDuration(t, want.Verdict.Onset, got.Verdict.Onset, 15*time.Minute, job)
		}
	}
	require.Equal(t, trend.Leaking, fine["leaks"].Verdict.Status)
}

// Only a piece that fails is read again.
func TestHistoryGoesOnAfterAFailure(t *testing.T) {
	w := newWorld(t)
	w.add("steady", "a", process{})
	w.now = t0.Add(48 * time.Hour)
	c := &condensing{world: w, fail: map[int]error{2: collector.Errorf(collector.ReasonTimeout, "too slow"), 4: collector.Errorf(collector.ReasonStatus, "503")}}
	metrics := prometheus.NewRegistry()
	m, err := New(t.Context(), Options{Source: c, History: 36 * time.Hour, Registerer: metrics})
	require.NoError(t, err)
	failures := 0
	progress := -1.0
	for {
		if err := m.Cycle(t.Context(), w.now); err != nil {
			failures++
			w.now = w.now.Add(time.Minute)
		} else {
			now := gauge(t, metrics, progressMetric)
			require.Greater(t, now, progress)
			progress = now
		}
		if !m.Behind() {
			break
		}
		require.Positive(t, gauge(t, metrics, lagMetric))
	}
	require.Equal(t, 2, failures)
	for i, b := range c.blocks {
		if i > 0 {
			require.Equal(t, c.blocks[i-1].To, b.From, "each block once, in order")
		}
		require.LessOrEqual(t, len(b.Series[0].Samples), reading.PieceSamples)
	}
	last := c.blocks[len(c.blocks)-1].To
	require.Equal(t, last.Add(-time.Minute), w.windows[0].From)
	require.WithinDuration(t, w.now.Add(-time.Hour), last, 6*time.Minute)
	require.Equal(t, w.now, w.windows[len(w.windows)-1].To)
}

// Neither the services of another shard nor its leaks are watched.
func TestOnlyWhatIsOwned(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.add("cart", "a", process{onset: t0.Add(time.Hour), perHour: 500, fn: handler})
	w.run(3 * time.Hour)
	require.Len(t, w.firing(), 2)
	m, err := New(t.Context(), Options{
		Source: w, Archive: w, History: time.Hour,
		Owns: func(service labels.Labels) bool { return service.Get("job") == "cart" },
	})
	require.NoError(t, err)
	require.Len(t, m.Leaks(), 1)
	require.NoError(t, m.Cycle(t.Context(), w.now))
	for m.Behind() {
		require.NoError(t, m.Cycle(t.Context(), w.now))
	}
	require.Len(t, m.Services(), 1)
	require.Equal(t, "cart", m.Services()[0].Labels.Get("job"))
}

// Two processes with the same shard and bucket report the same leaks under the same IDs, even if one starts
// later.
func TestReplicasAreAlike(t *testing.T) {
	w := newWorld(t)
	w.add("checkout", "a", process{onset: t0.Add(time.Hour), perHour: 300, fn: handler})
	w.add("cart", "a", process{})
	other, err := New(t.Context(), Options{
		Source: w, Puller: w, Archive: w, History: 24 * time.Hour, DumpLimit: 1000, Owns: func(labels.Labels) bool { return true },
	})
	require.NoError(t, err)
	for range 8 * 60 {
		w.run(time.Minute)
		if w.now.Sub(t0) > 2*time.Hour {
			for {
				require.NoError(t, other.Cycle(t.Context(), w.now))
				other.Wait()
				if !other.Behind() {
					break
				}
			}
		}
	}
	firing := func(m *Monitor) (out []leak.Leak) {
		for _, l := range m.Leaks() {
			if l.State == leak.Firing {
				out = append(out, l)
			}
		}
		return out
	}
	one, two := firing(w.monitor), firing(other)
	require.Len(t, one, 1)
	require.Len(t, two, 1)
	require.Equal(t, one[0].ID, two[0].ID)
	require.Equal(t, one[0].Service, two[0].Service)
	require.Equal(t, one[0].Signature, two[0].Signature)
}
