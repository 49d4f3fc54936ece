package promapi

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/test/promtest"
)

// hostile are values with a meaning in a regular expression, in a quoted text or in a URL, and
// missing values.
var hostile = []string{
	"", "a", "b", "a|b", ".*", ".+", "a.b", "aXb", `a"b`, `a\b`, `a\\b`, "a\nb", "(", "[", "{}", "^$", "a b", "a,b", "%7C", "é", "日本語", "\x7f", `","job="a`, "(?i)A", "A",
	strings.Repeat("long-", 300), strings.Repeat("long-", 300) + "er",
}

// anyOwner shares services among n by a hash, like --shard.
func anyOwner(i, n int) func(labels.Labels) bool {
	return func(service labels.Labels) bool { return int(labels.StableHash(service)%uint64(n)) == i }
}

// hostileFleet appends half an hour of instances whose services have hostile labels, or lack
// some.
func hostileFleet(t *testing.T, srv *promtest.Server, groupBy []string) {
	r := rand.New(rand.NewPCG(7, uint64(len(groupBy))))
	type instance struct {
		ls     [][2]string
		lives  [2]int // minutes
		metric string
	}
	var all []instance
	for i := range 150 {
		in := instance{ls: [][2]string{{"instance", fmt.Sprintf("i-%d", i)}}, lives: [2]int{0, 31}, metric: "go_goroutines"}
		for _, name := range groupBy {
			if v := hostile[r.IntN(len(hostile))]; v != "" {
				in.ls = append(in.ls, [2]string{name, v})
			}
		}
		if r.IntN(4) == 0 {
			in.lives[0] = r.IntN(28)
			in.lives[1] = in.lives[0] + 1 + r.IntN(10)
		}
		if r.IntN(5) == 0 {
			in.metric = "go_goroutine_count"
		}
		all = append(all, in)
	}
	name := func(metric string, pairs [][2]string) string {
		b := labels.NewScratchBuilder(4)
		b.Add(labels.MetricName, metric)
		for _, p := range pairs {
			b.Add(p[0], p[1])
		}
		b.Sort()
		return b.Labels().String()
	}
	for minute := range 31 {
		samples := map[string]float64{}
		put := func(metric string, pairs [][2]string, v float64) { samples[name(metric, pairs)] = v }
		for i, in := range all {
			if minute < in.lives[0] || minute >= in.lives[1] {
				continue
			}
			put(in.metric, in.ls, float64(i))
			if i%7 > 0 {
				put("process_cpu_seconds_total", in.ls, float64(i*minute))
			}
			if i%3 > 0 {
				put("process_start_time_seconds", in.ls, float64(t0.Unix()-10_000))
			} else {
				put("process_uptime_seconds", in.ls, float64(10_000+60*minute))
			}
		}
		// A load for all services with a label, whatever their others are.
		put("process_cpu_seconds_total", [][2]string{{groupBy[0], "a"}}, float64(60*minute))
		if n := len(groupBy); n > 1 {
			put("process_cpu_seconds_total", [][2]string{{groupBy[0], "a|b"}, {groupBy[n-1], ".*"}}, float64(120*minute))
		}
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), samples)
	}
}

// flat writes a window as text, one line for each sample.
func flat(t *testing.T, w collector.Window) map[string]bool {
	out := map[string]bool{}
	for _, s := range w.Series {
		for _, x := range s.Samples {
			line := fmt.Sprintf("%q %d %v %.6f %.0f", s.Labels.String(), x.T, x.Count, x.Load, x.Start)
			require.False(t, out[line], "%s is there twice", line)
			out[line] = true
		}
	}
	return out
}

// Together N shards read what one process reads, and no two read the same: at one step, over
// several, over many and in blocks.
func TestSharesAreTheWhole(t *testing.T) {
	for _, groupBy := range [][]string{{"job"}, {"namespace", "job"}, {"k8s.namespace", "namespace", "job"}} {
		srv := promtest.Start(t)
		hostileFleet(t, srv, groupBy)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		read := func(share *Share) (out []map[string]bool) {
			s, err := New(Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute, Share: share})
			require.NoError(t, err)
			for _, span := range [][2]int{{9, 10}, {10, 13}, {11, 30}} {
				w, err := s.Window(t.Context(), t0.Add(time.Duration(span[0])*time.Minute), t0.Add(time.Duration(span[1])*time.Minute))
				require.NoError(t, err)
				require.Empty(t, w.Warnings)
				out = append(out, flat(t, w))
			}
			w, err := s.Blocks(t.Context(), t0.Add(5*time.Minute), t0.Add(30*time.Minute), 5*time.Minute)
			require.NoError(t, err)
			out = append(out, flat(t, w))
			for _, q := range srv.Queries() {
				require.LessOrEqual(t, len(url.QueryEscape(q)), 8<<10)
			}
			return out
		}
		whole := read(nil)
		for i := range whole {
			require.NotEmpty(t, whole[i])
		}
		for n := 1; n <= 5; n++ {
			t.Run(fmt.Sprintf("%d labels, %d shards", len(groupBy), n), func(t *testing.T) {
				union := make([]map[string]bool, len(whole))
				for shard := range n {
					for i, lines := range read(&Share{GroupBy: groupBy, Owns: anyOwner(shard, n)}) {
						if union[i] == nil {
							union[i] = map[string]bool{}
						}
						for line := range lines {
							require.False(t, union[i][line], "%s is read by two shards", line)
							union[i][line] = true
						}
					}
				}
				for i := range whole {
					require.Equal(t, slices.Sorted(maps.Keys(whole[i])), slices.Sorted(maps.Keys(union[i])), "window %d", i)
				}
			})
		}
	}
}

// Shards read the metrics that their own instances have, which may be fewer. The result is the
// same.
func TestSharesOfMixedNames(t *testing.T) {
	srv := promtest.Start(t)
	for minute := range 40 {
		samples := map[string]float64{}
		for i := range 60 {
			of := fmt.Sprintf(`{namespace="n",job="j-%d",instance="i-%d"}`, i%12, i)
			counter := 60 * float64(minute*(i+1))
			samples["go_goroutines"+of] = float64(i)
			switch i % 4 {
			case 0:
				samples["process_cpu_seconds_total"+of] = counter
				samples["process_start_time_seconds"+of] = float64(t0.Unix() - 10_000)
			case 1:
				samples["go_sched_goroutines_created_goroutines_total"+of] = counter
				samples["process_uptime_seconds"+of] = float64(10_000 + 60*minute)
			case 2:
				samples["go_memory_allocations_total"+of] = counter
				samples["process_cpu_seconds_total"+of] = counter / 2
			}
		}
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), samples)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	read := func(share *Share) map[string]bool {
		s, err := New(Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute, Share: share})
		require.NoError(t, err)
		out := map[string]bool{}
		for minute := 10; minute < 24; minute++ {
			w, err := s.Window(t.Context(), t0.Add(time.Duration(minute-1)*time.Minute), t0.Add(time.Duration(minute)*time.Minute))
			require.NoError(t, err)
			require.Empty(t, w.Warnings)
			maps.Copy(out, flat(t, w))
		}
		return out
	}
	whole := read(nil)
	require.Len(t, whole, 60*14)
	known := 0
	for line := range whole {
		if !strings.Contains(line, "NaN") {
			known++
		}
	}
	require.Equal(t, 30*14, known, "half of the instances have a load and a start")
	for n := 2; n <= 4; n++ {
		union := map[string]bool{}
		for shard := range n {
			for line := range read(&Share{GroupBy: []string{"namespace", "job"}, Owns: anyOwner(shard, n), Shares: n}) {
				require.False(t, union[line], "%s is read by two shards", line)
				union[line] = true
			}
		}
		require.Equal(t, slices.Sorted(maps.Keys(whole)), slices.Sorted(maps.Keys(union)), "%d shards", n)
	}
}

// A new service is read at the next evaluation, by the shard that owns it.
func TestNewServicesAreReadAtTheNextEvaluation(t *testing.T) {
	srv := promtest.Start(t)
	for minute := range 10 {
		samples := map[string]float64{`go_goroutines{job="old",instance="a"}`: 1}
		if minute >= 5 {
			samples[`go_goroutines{job="new",instance="b"}`] = 2
		}
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), samples)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var shards []*Source
	for i := range 3 {
		s, err := New(Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute, Share: &Share{GroupBy: []string{"job"}, Owns: anyOwner(i, 3)}})
		require.NoError(t, err)
		shards = append(shards, s)
	}
	for minute := 1; minute < 10; minute++ {
		found := map[string]int{}
		for _, s := range shards {
			w, err := s.Window(t.Context(), t0.Add(time.Duration(minute-1)*time.Minute), t0.Add(time.Duration(minute)*time.Minute))
			require.NoError(t, err)
			for _, x := range w.Series {
				found[x.Labels.Get("job")]++
			}
		}
		want := map[string]int{"old": 1}
		if minute >= 5 {
			want["new"] = 1
		}
		require.Equal(t, want, found, "minute %d", minute)
	}
}

// Expressions have no selector: each shard reads them whole and keeps its own.
func TestShareOfExpressions(t *testing.T) {
	set, err := signals.Parse(signals.Names{
		Goroutines: []string{"go_goroutines", `sum by (job, instance) (parts)`},
		Load:       []string{`sum by (job) (rate(requests_total[5m]))`},
	})
	require.NoError(t, err)
	srv := promtest.Start(t)
	for minute := range 20 {
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), map[string]float64{
			`go_goroutines{job="a",instance="1"}`:  1,
			`parts{job="b",instance="2",part="x"}`: 2,
			`parts{job="b",instance="2",part="y"}`: 3,
			`requests_total{job="a",code="200"}`:   60 * float64(minute),
			`requests_total{job="b",code="200"}`:   120 * float64(minute),
		})
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	for n := 1; n <= 3; n++ {
		got := map[string]string{}
		for i := range n {
			s, err := New(Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute, Signals: set, Share: &Share{GroupBy: []string{"job"}, Owns: anyOwner(i, n)}})
			require.NoError(t, err)
			w, err := s.Window(t.Context(), t0.Add(14*time.Minute), t0.Add(15*time.Minute))
			require.NoError(t, err)
			for _, x := range w.Series {
				require.Empty(t, got[x.Labels.Get("job")])
				got[x.Labels.Get("job")] = fmt.Sprintf("%v %.2f", x.Samples[0].Count, x.Samples[0].Load)
			}
		}
		require.Equal(t, map[string]string{"a": "1 1.00", "b": "5 2.00"}, got, "%d shards", n)
	}
}

// Loads that lack a label of the services are read only while they are needed.
func TestLooseLoads(t *testing.T) {
	srv := promtest.Start(t)
	for minute := range 30 {
		samples := map[string]float64{
			`go_goroutines{namespace="n",job="a",instance="1"}`: 1,
			`process_cpu_seconds_total{job="a"}`:                60 * float64(minute),
		}
		if minute >= 12 {
			samples[`process_cpu_seconds_total{namespace="n",job="a",instance="1"}`] = 120 * float64(minute)
		}
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), samples)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := New(Options{
		URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute,
		Share: &Share{GroupBy: []string{"namespace", "job"}, Owns: anyOwner(0, 1)},
	})
	require.NoError(t, err)
	for minute := 8; minute < 25; minute++ {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(minute-1)*time.Minute), t0.Add(time.Duration(minute)*time.Minute))
		require.NoError(t, err)
		load := w.Series[0].Samples[0].Load
		loose := slices.ContainsFunc(srv.Queries(), func(q string) bool { return strings.Contains(q, `rate(process_cpu_seconds_total{namespace=""}`) })
		switch {
		case minute < 12:
			require.InDelta(t, 1, load, 1e-9, "minute %d", minute)
			require.True(t, loose)
		case minute > 18:
			require.InDelta(t, 2, load, 1e-9, "minute %d", minute)
			require.False(t, loose, "minute %d", minute)
		}
		require.False(t, math.IsNaN(load))
	}
}

// A part of an answer that fails is read again; those before it are not.
func TestPartIsReadAgain(t *testing.T) {
	name := func(i int) string { return fmt.Sprintf("a-service-with-a-long-name-%03d", i) }
	var mtx sync.Mutex
	asked := map[string]int{}
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, q string) {
		mtx.Lock()
		asked[q]++
		first := asked[q] == 1
		mtx.Unlock()
		var all []any
		for i := range 600 {
			if strings.HasPrefix(q, "count by") {
				all = append(all, stream(map[string]string{"job": name(i)}, at(t0, 1, "1")))
			} else if strings.Contains(q, name(i)) {
				all = append(all, stream(map[string]string{"job": name(i), "instance": "x"}, at(t0, 1, "7")))
			}
		}
		if first && strings.Contains(q, name(599)) {
			matrix(&half{ResponseWriter: w}, nil, all...)
			panic(http.ErrAbortHandler)
		}
		matrix(w, nil, all...)
	}, func(o *Options) {
		o.Share = &Share{GroupBy: []string{"job"}, Owns: func(labels.Labels) bool { return true }}
	})
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 600)
	for _, x := range w.Series {
		require.Len(t, x.Samples, 1)
		require.Equal(t, 7.0, x.Samples[0].Load)
	}
	require.Zero(t, testutil.ToFloat64(s.metrics.dropped.WithLabelValues(dropDuplicate)))
	twice, parts := 0, 0
	for q, n := range asked {
		if strings.HasPrefix(q, "{__name__=~\"go_goroutines") {
			parts++
			twice += n - 1
		}
	}
	require.Equal(t, 1, twice)
	require.Greater(t, parts, 2)
}

// half sends half of what is written.
type half struct{ http.ResponseWriter }

func (h *half) Write(b []byte) (int, error) {
	_, err := h.ResponseWriter.Write(b[:len(b)/2])
	return len(b), err
}

// New services are found in three ways: by a value that no service had, by a value that a
// service had before gorowatch began, and, a few evaluations later, if other services have all
// of its values.
func TestWaysToBeNew(t *testing.T) {
	srv := promtest.Start(t)
	share := &Share{GroupBy: []string{"namespace", "job"}, Owns: anyOwner(0, 1), Shares: 2}
	began := map[string]int{
		`go_goroutines{namespace="a",job="x",instance="1"}`: 0,
		`go_goroutines{namespace="b",job="y",instance="2"}`: 0,
		`go_goroutines{namespace="a",instance="3"}`:         21, // its value is known
		`go_goroutines{namespace="c",job="z",instance="4"}`: 22,
		`go_goroutines{job="w",instance="5"}`:               23,
		`go_goroutines{namespace="d",job="x",instance="6"}`: 24, // it was there before, too
	}
	for minute := range 40 {
		samples := map[string]float64{}
		for text, from := range began {
			if minute >= from {
				samples[text] = 1
			}
		}
		if minute == 0 {
			samples[`go_goroutines{namespace="d",job="x",instance="6"}`] = 1
		}
		srv.Append(t, t0.Add(time.Duration(minute)*time.Minute), samples)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s, err := New(Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: time.Minute, Share: share})
	require.NoError(t, err)
	found := map[string]int{}
	lists := 0
	for minute := 20; minute < 40; minute++ {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(minute-1)*time.Minute), t0.Add(time.Duration(minute)*time.Minute))
		require.NoError(t, err)
		for _, x := range w.Series {
			if i := x.Labels.Get("instance"); found[i] == 0 {
				found[i] = minute
			}
		}
		for _, q := range srv.Queries() {
			if strings.HasPrefix(q, "count by (namespace, job) ({__name__=~") && !strings.Contains(q, "namespace=") && !strings.Contains(q, "job=") {
				lists++
			}
		}
	}
	require.Equal(t, map[string]int{"1": 20, "2": 20, "3": 20 + share.every(), "4": 22, "5": 23, "6": 24}, found)
	require.Equal(t, 20/share.every(), lists)
}

// If a server does not list the values of labels, the services are listed each time.
func TestServerWithoutValuesOfLabels(t *testing.T) {
	lists := 0
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request, q string) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/label/") {
			http.NotFound(w, r)
			return
		}
		if strings.HasPrefix(q, "count by") {
			lists++
			matrix(w, nil, stream(map[string]string{"job": "a"}, at(t0, 1, "1")))
			return
		}
		matrix(w, nil, stream(map[string]string{"job": "a", "instance": "x"}, at(t0, 1, "7")))
	}, func(o *Options) {
		o.Share = &Share{GroupBy: []string{"job"}, Owns: anyOwner(0, 1)}
	})
	for range 3 {
		w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Empty(t, w.Warnings)
		require.Len(t, w.Series, 1)
	}
	require.Equal(t, 3, lists)
}
