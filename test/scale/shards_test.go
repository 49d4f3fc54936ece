package scale

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/internal/shard"
	"github.com/gorowatch/gorowatch/test/e2e"
)

// remember writes what Prometheus would have scraped of the fleet into the log of a data
// directory. A started Prometheus has it in memory, like recent samples.
func remember(t *testing.T, f *Fleet, dir string, from, to time.Time) {
	t.Helper()
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	db.DisableCompactions()
	names := []string{"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds"}
	all := make([][3]labels.Labels, f.n)
	refs := make([][3]storage.SeriesRef, f.n)
	for i := range all {
		for k, name := range names {
			b := labels.NewBuilder(labels.EmptyLabels()).Set(labels.MetricName, name)
			for _, p := range f.names[i] {
				b.Set(p[0], p[1])
			}
			all[i][k] = b.Labels()
		}
	}
	for at := from.Truncate(scraped); at.Before(to); at = at.Add(scraped) {
		app := db.Appender(context.Background())
		for i, s := range all {
			for k, v := range []float64{f.Goroutines(i, at.Unix()), f.CPU(at.Unix()), f.Start(i)} {
				ref, err := app.Append(refs[i][k], s[k], at.UnixMilli(), v)
				if err != nil {
					t.Fatal(err)
				}
				refs[i][k] = ref
			}
		}
		require.NoError(t, app.Commit())
	}
}

// Four shards read a quarter each, and together they cost Prometheus little more than one
// process that reads all. docs/series.md has the figures.
func TestShards(t *testing.T) {
	if *instances == 0 {
		t.Skip("make bench-scale")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f := NewFleet(*instances, l.Addr())
	dir, to := t.TempDir(), time.Now().Truncate(time.Minute).Add(-time.Minute)
	remember(t, f, dir, to.Add(-12*time.Minute), to.Add(time.Minute))
	p := e2e.StartPrometheusOn(t, dir, "")
	u, err := url.Parse(p.URL)
	require.NoError(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	sources := func(n int) (all []*promapi.Source) {
		for i := range n {
			s, err := shard.Parse(fmt.Sprintf("%d/%d", i, n))
			require.NoError(t, err)
			o := promapi.Options{URL: u, Client: &http.Client{Transport: transport}, SeriesLimit: *instances, Timeout: 5 * time.Minute}
			if n > 1 {
				o.Share = &promapi.Share{GroupBy: []string{"namespace", "job"}, Owns: s.Owns, Shares: n}
			}
			src, err := promapi.New(o)
			require.NoError(t, err)
			all = append(all, src)
		}
		return all
	}
	// evaluate returns how many instances each has read, and the CPU time of Prometheus.
	evaluate := func(all []*promapi.Source) (series []int, seconds float64) {
		before := cpu(t, p.PID())
		for _, s := range all {
			w, err := s.Window(t.Context(), to.Add(-time.Minute), to)
			require.NoError(t, err)
			require.Empty(t, w.Warnings)
			series = append(series, len(w.Series))
		}
		return series, cpu(t, p.PID()) - before
	}
	const shards, rounds = 4, 16
	one, all := sources(1), sources(shards)
	_, _ = evaluate(one) // the first time queries more than later ones
	_, _ = evaluate(all)
	var ofOne, ofAll float64
	var parts []int
	for range rounds { // in turns, because other programs use the machine too
		whole, seconds := evaluate(one)
		require.Equal(t, []int{*instances}, whole)
		ofOne += seconds / rounds
		parts, seconds = evaluate(all)
		ofAll += seconds / rounds
	}
	t.Logf("%d instances: %.2f s of Prometheus' CPU an evaluation for one process, %.2f s for %d shards together, %.2f times as much; they read %v", *instances, ofOne, ofAll, shards, ofAll/ofOne, parts)
	for _, n := range parts {
		require.InEpsilon(t, *instances/shards, n, 0.1)
	}
	require.LessOrEqual(t, ofAll, 1.3*ofOne)
}
