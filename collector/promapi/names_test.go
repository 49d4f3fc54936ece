package promapi

import (
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	promvalue "github.com/prometheus/prometheus/model/value"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/test/promtest"
)

// real makes a source that reads from a real database and engine.
func real(t *testing.T, change func(*Options)) (*promtest.Server, *Source) {
	t.Helper()
	srv := promtest.Start(t)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	o := Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute}
	if change != nil {
		change(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	return srv, s
}

// fleet appends an hour of instances with mixed names, every 30 seconds.
func fleet(t *testing.T, srv *promtest.Server) {
	t.Helper()
	began := float64(t0.Add(-time.Hour).Unix())
	for i := range 121 {
		at := t0.Add(time.Duration(i) * 30 * time.Second)
		up := float64(at.Unix()) - began
		srv.Append(t, at, map[string]float64{
			// Go's client library.
			`go_goroutines{job="plain",instance="a"}`:              10,
			`process_cpu_seconds_total{job="plain",instance="a"}`:  0.5 * up,
			`process_start_time_seconds{job="plain",instance="a"}`: began,
			// The same with the metrics of the scheduler: two names for the goroutines.
			`go_goroutines{job="both",instance="b"}`:                  20,
			`go_sched_goroutines_goroutines{job="both",instance="b"}`: 22,
			`process_cpu_seconds_total{job="both",instance="b"}`:      0.5 * up,
			`process_start_time_seconds{job="both",instance="b"}`:     began,
			// OpenTelemetry, where each metric names its measuring library.
			`go_goroutine_count{job="otel",instance="c",otel_scope_name="runtime",otel_scope_version="0.60"}`: 30,
			`process_cpu_time_seconds_total{job="otel",instance="c",otel_scope_name="host",state="user"}`:     0.2 * up,
			`process_cpu_time_seconds_total{job="otel",instance="c",otel_scope_name="host",state="system"}`:   0.1 * up,
			`process_uptime_seconds{job="otel",instance="c",otel_scope_name="host"}`:                          up,
			// An older version of it, with cAdvisor for the rest.
			`process_runtime_go_goroutines{job="old",instance="d",namespace="shop",pod="d-1"}`:                    40,
			`container_cpu_usage_seconds_total{job="kubelet",namespace="shop",pod="d-1",container="app",cpu="0"}`: 0.3 * up,
			`container_cpu_usage_seconds_total{job="kubelet",namespace="shop",pod="d-1",container="app",cpu="1"}`: 0.1 * up,
			`container_cpu_usage_seconds_total{job="kubelet",namespace="shop",pod="d-1",container=""}`:            0.4 * up,
			`container_cpu_usage_seconds_total{job="kubelet",namespace="shop",pod="d-1",container="POD"}`:         7 * up,
			`container_start_time_seconds{job="kubelet",namespace="shop",pod="d-1",container="app"}`:              began,
			`container_cpu_usage_seconds_total{job="kubelet",namespace="else",pod="x",container="app"}`:           9 * up,
		})
	}
}

// An instance is found by any name that it exports, and counted once.
func TestNamesAreTriedForEachInstance(t *testing.T) {
	srv, s := real(t, nil)
	fleet(t, srv)
	for name, read := range map[string]func() (collector.Window, error){
		"windows": func() (collector.Window, error) {
			return s.Window(t.Context(), t0.Add(30*time.Minute), t0.Add(50*time.Minute))
		},
		"instant": func() (collector.Window, error) {
			return s.Window(t.Context(), t0.Add(30*time.Minute), t0.Add(31*time.Minute))
		},
		"instants": func() (w collector.Window, err error) { // first with narrowed lists, then with whole ones
			for minute := 31; minute < 44 && err == nil; minute++ {
				w, err = s.Window(t.Context(), t0.Add(time.Duration(minute)*time.Minute), t0.Add(time.Duration(minute+1)*time.Minute))
			}
			return w, err
		},
		"blocks": func() (collector.Window, error) {
			return s.Blocks(t.Context(), t0.Add(30*time.Minute), t0.Add(50*time.Minute), 5*time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := read()
			require.NoError(t, err)
			require.Empty(t, w.Warnings)
			require.Len(t, w.Series, 4)
			byJob := map[string]collector.Series{}
			for _, x := range w.Series {
				byJob[x.Labels.Get("job")] = x
			}
			for job, want := range map[string]collector.Sample{
				"plain": {Count: 10, Load: 0.5}, "both": {Count: 20, Load: 0.5}, "otel": {Count: 30, Load: 0.3}, "old": {Count: 40, Load: 0.4},
			} {
				require.NotEmpty(t, byJob[job].Samples, job)
				for _, x := range byJob[job].Samples {
					require.Equal(t, want.Count, x.Count, job)
					require.InDelta(t, want.Load, x.Load, 1e-9, job)
					require.Equal(t, float64(t0.Add(-time.Hour).Unix()), x.Start, job)
				}
			}
			require.Equal(t, `{instance="c", job="otel"}`, byJob["otel"].Labels.String())
			require.ElementsMatch(t, []signals.Use{
				{Signal: "goroutines", Name: "go_goroutines", Instances: 2},
				{Signal: "goroutines", Name: "go_goroutine_count", Instances: 1},
				{Signal: "goroutines", Name: "process_runtime_go_goroutines", Instances: 1},
				{Signal: "load", Name: "process_cpu_seconds_total", Instances: 2},
				{Signal: "load", Name: "process_cpu_time_seconds_total", Instances: 1},
				{Signal: "load", Name: "container_cpu_usage_seconds_total", Instances: 1},
				{Signal: "start_time", Name: "process_start_time_seconds", Instances: 2},
				{Signal: "start_time", Name: "process_uptime_seconds", Instances: 1},
				{Signal: "start_time", Name: "container_start_time_seconds", Instances: 1},
			}, s.Signals())
		})
	}
}

// An evaluation sends one query for each signal. Containers are read where needed, and from the
// second time on together with the rest.
func TestOneQueryForEachSignal(t *testing.T) {
	srv, s := real(t, func(o *Options) { o.Selector = `{job=~"plain|both|otel|old"}` })
	fleet(t, srv)
	for minute := 30; minute < 33; minute++ {
		_, err := s.Window(t.Context(), t0.Add(time.Duration(minute)*time.Minute), t0.Add(time.Duration(minute+1)*time.Minute))
		require.NoError(t, err)
		asked := srv.Queries()
		if minute > 30 {
			require.Len(t, asked, 3, strings.Join(asked, "\n"))
		}
		require.True(t, slices.Contains(asked, `{__name__=~"go_goroutines|go_goroutine_count|process_runtime_go_goroutines|go_sched_goroutines_goroutines",job=~"plain|both|otel|old"}`), asked)
		if minute > 30 {
			require.True(t, slices.ContainsFunc(asked, func(q string) bool {
				return strings.Contains(q, `container_cpu_usage_seconds_total{container!~"|POD",namespace=~"shop"}`)
			}), asked)
		}
	}
}

// A configured list replaces the default, with names and expressions.
func TestConfiguredNames(t *testing.T) {
	set, err := signals.Parse(signals.Names{
		Goroutines: []string{"vault_runtime_num_goroutines", `sum without (kind) (app_goroutines{kind!="idle"})`, "go_goroutines"},
		Load:       []string{"requests_total", "rate(process_cpu_seconds_total[5m])"},
	})
	require.NoError(t, err)
	srv, s := real(t, func(o *Options) { o.Signals = set })
	for i := range 61 {
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), map[string]float64{
			`vault_runtime_num_goroutines{instance="a"}`: 1,
			`go_goroutines{instance="a"}`:                2,
			`app_goroutines{instance="b",kind="worker"}`: 3,
			`app_goroutines{instance="b",kind="idle"}`:   100,
			`go_goroutines{instance="b"}`:                5,
			`go_goroutines{instance="c"}`:                6,
			`requests_total{instance="a"}`:               60 * float64(i),
			`process_cpu_seconds_total{instance="a"}`:    6 * float64(i),
			`process_cpu_seconds_total{instance="c"}`:    6 * float64(i),
		})
	}
	w, err := s.Window(t.Context(), t0.Add(30*time.Minute), t0.Add(32*time.Minute))
	require.NoError(t, err)
	counts, loads := map[string]float64{}, map[string]float64{}
	for _, x := range w.Series {
		counts[x.Labels.Get("instance")], loads[x.Labels.Get("instance")] = x.Samples[0].Count, x.Samples[0].Load
	}
	require.Equal(t, map[string]float64{"a": 1, "b": 3, "c": 6}, counts)
	require.InDelta(t, 1, loads["a"], 1e-9)
	require.InDelta(t, 0.1, loads["c"], 1e-9)
	require.True(t, math.IsNaN(loads["b"]))
	require.Contains(t, s.Signals(), signals.Use{Signal: "goroutines", Name: `sum without (kind) (app_goroutines{kind!="idle"})`, Instances: 1})
	require.Contains(t, s.Signals(), signals.Use{Signal: "load", Instances: 1})
}

// A service that changes its metrics stays the same instance: the better metric counts from its
// first sample to its last, the other one before and after.
func TestMetricChangesMidway(t *testing.T) {
	srv, s := real(t, nil)
	for i := range 61 {
		samples := map[string]float64{`go_sched_goroutines_goroutines{instance="a",job="x"}`: 7}
		if i >= 20 && i < 40 && i != 30 {
			samples[`go_goroutines{instance="a",job="x"}`] = 5
		}
		if i == 40 {
			samples[`go_goroutines{instance="a",job="x"}`] = math.Float64frombits(promvalue.StaleNaN)
		}
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), samples)
	}
	w, err := s.Window(t.Context(), t0, t0.Add(60*time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 1)
	got := map[float64]int{}
	for i, x := range w.Series[0].Samples {
		got[x.Count]++
		if i > 0 {
			require.Greater(t, x.T, w.Series[0].Samples[i-1].T)
		}
	}
	require.Equal(t, map[float64]int{7: 40, 5: 20}, got, slices.Sorted(maps.Keys(got)))
}

// An instance whose load vanishes continues with that of its container, which has the same
// unit: without a jump, at the latest when all metrics are read again.
func TestLoadVanishesMidway(t *testing.T) {
	srv, s := real(t, nil)
	for i := range 61 {
		at := t0.Add(time.Duration(i) * time.Minute)
		samples := map[string]float64{
			`go_goroutines{instance="a",namespace="n",pod="p"}`:                                1,
			`container_cpu_usage_seconds_total{namespace="n",pod="p",container="app",job="k"}`: 30 * float64(i),
		}
		if i < 30 {
			samples[`process_cpu_seconds_total{instance="a",namespace="n",pod="p"}`] = 30 * float64(i)
		}
		srv.Append(t, at, samples)
	}
	for i := 10; i < 60; i++ {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(i-1)*time.Minute), t0.Add(time.Duration(i)*time.Minute))
		require.NoError(t, err)
		load := w.Series[0].Samples[0].Load
		require.False(t, load > 0.56, "minute %d", i)
		if i < 30 || i >= 34+fullInterval { // a rate fades out over its range
			require.InDelta(t, 0.5, load, 0.06, "minute %d", i)
		}
	}
	require.Contains(t, s.Signals(), signals.Use{Signal: "load", Name: "container_cpu_usage_seconds_total", Instances: 1})
}

// Series that only differ in the measuring library are one instance, and the others are counted
// as dropped.
func TestCollidingLabels(t *testing.T) {
	srv, s := real(t, nil)
	for i := range 10 {
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), map[string]float64{
			`go_goroutine_count{instance="a",otel_scope_name="x",otel_scope_version="1"}`: 5,
			`go_goroutine_count{instance="a",otel_scope_name="x",otel_scope_version="2"}`: 9,
		})
	}
	w, err := s.Window(t.Context(), t0, t0.Add(5*time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 1)
	for _, x := range w.Series[0].Samples {
		require.Equal(t, 5.0, x.Count)
	}
}

// A process whose load vanishes continues without one. A load in another unit would look like a
// jump to the judge. The next process has the next metric.
func TestLoadKeepsItsUnit(t *testing.T) {
	srv, s := real(t, nil)
	const created = "go_sched_goroutines_created_goroutines_total"
	for i := range 121 {
		began := t0.Unix() - 3600
		if i >= 80 {
			began = t0.Unix() + 80*60 - 30
		}
		samples := map[string]float64{
			`go_goroutines{instance="a"}`:              1,
			`process_start_time_seconds{instance="a"}`: float64(began),
			`process_cpu_seconds_total{instance="a"}`:  30 * float64(i),
		}
		if i < 40 || i >= 60 && i < 70 {
			samples[created+`{instance="a"}`] = 6000 * float64(i)
		}
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), samples)
	}
	load := func(i int) float64 {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(i-1)*time.Minute), t0.Add(time.Duration(i)*time.Minute))
		require.NoError(t, err)
		require.Len(t, w.Series, 1)
		return w.Series[0].Samples[0].Load
	}
	known := map[string]int{}
	for i := 10; i < 120; i++ {
		v := load(i)
		switch {
		case i < 40:
			require.InDelta(t, 100, v, 1, "minute %d", i)
		case i >= 46 && i < 60, i >= 76 && i < 85:
			require.True(t, math.IsNaN(v), "minute %d: %v", i, v)
		case i >= 90:
			require.InDelta(t, 0.5, v, 0.01, "minute %d", i)
			known["cpu"]++
		case i >= 60 && i < 76 && !math.IsNaN(v):
			require.Greater(t, v, 1.0, "minute %d: not the CPU time", i)
			known["created again"]++
		}
	}
	require.Equal(t, 30, known["cpu"])
	require.Positive(t, known["created again"])

	// A history that is read in one piece has the same units.
	_, s2 := real(t, func(o *Options) { o.URL = srv.URL })
	w, err := s2.Window(t.Context(), t0.Add(10*time.Minute), t0.Add(119*time.Minute))
	require.NoError(t, err)
	for _, x := range w.Series[0].Samples {
		i := int(time.UnixMilli(x.T).Sub(t0) / time.Minute)
		switch {
		case i < 40:
			require.InDelta(t, 100, x.Load, 1, "minute %d", i)
		case i >= 90:
			require.InDelta(t, 0.5, x.Load, 0.01, "minute %d", i)
		case i < 85:
			require.False(t, x.Load < 1, "minute %d: %v", i, x.Load)
		}
	}
}

// Metrics that no instance has are only read every few evaluations. The start of a new instance
// is read at once.
func TestListsAreNarrowedToWhatIsUsed(t *testing.T) {
	srv, s := real(t, nil)
	for i := range 30 {
		up := float64(i)*60 + 3600
		samples := map[string]float64{
			`go_goroutines{instance="a"}`: 1, `process_cpu_seconds_total{instance="a"}`: up, `process_start_time_seconds{instance="a"}`: 1000,
		}
		if i >= 10 {
			samples[`go_goroutine_count{instance="b"}`] = 2
			samples[`process_cpu_time_seconds_total{instance="b",state="user"}`] = up
			samples[`process_uptime_seconds{instance="b"}`] = up
		}
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), samples)
	}
	full := 0
	for minute := 5; minute < 30; minute++ {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(minute-1)*time.Minute), t0.Add(time.Duration(minute)*time.Minute))
		require.NoError(t, err)
		asked := srv.Queries()
		text := strings.Join(asked, "\n")
		all := strings.Contains(text, "runtime_uptime") && strings.Contains(text, "go_memory_allocations")
		if all {
			full++
		}
		switch {
		case minute == 11: // the instance has begun, and its start is read at once
			require.Len(t, asked, 3, text)
			require.Len(t, w.Series, 2)
		case minute > 5 && minute < 10 && !all:
			require.Len(t, asked, 3)
			require.Contains(t, asked, "rate(process_cpu_seconds_total[5m])")
			require.Contains(t, asked, "process_start_time_seconds")
		case minute > 20:
			require.Len(t, asked, 3)
			require.Contains(t, text, "process_uptime_seconds")
			require.InDelta(t, 1, w.Series[0].Samples[0].Load, 1e-9)
			require.InDelta(t, 1, w.Series[1].Samples[0].Load, 1e-9)
		}
		if minute >= 10 {
			require.Len(t, w.Series, 2)
			require.False(t, math.IsNaN(w.Series[1].Samples[0].Start), "minute %d", minute)
		}
	}
	require.Equal(t, 5, full, "every five evaluations")
}

// The chart of a service has the load of its containers, whether or not their namespace is a
// label of the service.
func TestChartHasTheLoadOfContainers(t *testing.T) {
	for _, names := range [][]string{{"namespace", "job"}, {"job"}} {
		srv, s := real(t, nil)
		fleet(t, srv)
		_, err := s.Window(t.Context(), t0.Add(50*time.Minute), t0.Add(51*time.Minute))
		require.NoError(t, err)
		of := labels.NewBuilder(labels.FromStrings("job", "old", "namespace", "shop")).Keep(names...).Labels()
		for _, step := range []time.Duration{time.Minute, 10 * time.Minute} {
			h, err := s.History(t.Context(), of, names, t0.Add(20*time.Minute), t0.Add(50*time.Minute), step)
			require.NoError(t, err)
			require.Len(t, h.Instances, 1)
			for i, load := range h.Instances[0].Load {
				require.InDelta(t, 0.4, load, 1e-9, "%v, step %d of %v", names, i, step)
			}
		}
	}
}
