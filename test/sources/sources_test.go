package sources

import (
	"fmt"
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/collector/tsdb"
	"github.com/gorowatch/gorowatch/test/promtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// process is an instance under the names of its library. It has a changing load, and restarts
// after 40 minutes.
type process struct {
	count, load, start string
	labels             labels.Labels
}

// at returns the values of its three metrics.
func (p *process) at(i int) (count, load, start float64) {
	up := float64(i)*15 + 3600
	if i >= 160 {
		up = float64(i-160)*15 + 4
	}
	began := float64(begin.Unix()) + float64(i)*15 - up
	start = began
	if p.start == "process_uptime_seconds" {
		start = up
	}
	return 100 + float64(i), 0.3*up + 20*math.Sin(up/200), start
}

var fleet = []process{
	{"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds", labels.FromStrings("instance", "a", "job", "go")},
	{"go_goroutine_count", "process_cpu_time_seconds_total", "process_uptime_seconds", labels.FromStrings("instance", "b", "job", "otel")},
	{"process_runtime_go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds", labels.FromStrings("instance", "c", "job", "old")},
}

// The samples of all sources are the same: counts, loads and starts.
func TestAllSourcesSayTheSame(t *testing.T) {
	srv := promtest.Start(t)
	memory := scrape.NewMemory()
	embedded, err := tsdb.OpenStore(tsdb.StoreOptions{Dir: t.TempDir()})
	require.NoError(t, err)
	defer func() { require.NoError(t, embedded.Close()) }()
	for i := range 321 {
		if i > 80 && i < 84 || i == 250 {
			continue // scrapes that failed
		}
		at := begin.Add(time.Duration(i) * 15 * time.Second)
		samples := map[string]float64{}
		for _, p := range fleet {
			count, load, start := p.at(i)
			for name, v := range map[string]float64{p.count: count, p.load: load, p.start: start} {
				samples[name+p.labels.String()] = v
			}
			if p.labels.Get("job") == "go" { // and another name, of another value
				samples["go_sched_goroutines_goroutines"+p.labels.String()] = count + 3
			}
			for _, store := range []scrape.Store{memory, embedded} {
				require.NoError(t, store.Append(p.labels, collector.Scrape{T: at.UnixMilli(), Count: count, CPU: load, Start: start, Names: [3]string{p.count, p.load, p.start}}))
			}
		}
		srv.Append(t, at, samples)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	prom, err := promapi.New(promapi.Options{URL: srv.URL, Client: &http.Client{Transport: transport}, Step: 15 * time.Second})
	require.NoError(t, err)
	disk, err := tsdb.Open(tsdb.Options{Dir: srv.Dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, disk.Close()) }()

	sources := map[string]interface {
		collector.SeriesSource
		Signals() []signals.Use
	}{"prometheus": prom, "disk": disk, "memory": memory, "embedded": embedded}
	read := map[string]map[string]collector.Sample{}
	known := 0
	for name, s := range sources {
		w, err := s.Window(t.Context(), begin.Add(-time.Second), begin.Add(80*time.Minute))
		require.NoError(t, err, name)
		require.Len(t, w.Series, len(fleet), name)
		read[name] = map[string]collector.Sample{}
		for _, series := range w.Series {
			for _, x := range series.Samples {
				read[name][fmt.Sprint(series.Labels, x.T)] = x
			}
		}
		require.Len(t, s.Signals(), 3+2+2, name)
	}
	// At the times of failed scrapes, Prometheus has the samples before.
	require.Len(t, read["disk"], len(fleet)*317)
	for key, want := range read["disk"] {
		for name, samples := range read {
			got, ok := samples[key]
			require.True(t, ok, "%s: %s", name, key)
			require.Equal(t, want.Count, got.Count, "%s: %s", name, key)
			require.InDelta(t, want.Start, got.Start, 1e-3, "%s: %s", name, key)
			require.InDelta(t, want.Load, got.Load, 1e-9, "%s: %s", name, key)
		}
		if !math.IsNaN(want.Load) {
			known++
		}
	}
	require.Greater(t, known, len(fleet)*290, "the rest is the start of the data and the five minutes after the restart")
}
