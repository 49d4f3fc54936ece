package monitor

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/tsdb"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/pulling"
	"github.com/gorowatch/gorowatch/trend"
)

// BenchmarkPulls counts the profiles that the daemon would pull of the healthy services of a labelled
// fleet, with default settings. The data are those of the leakbench kit in $LEAKBENCH_DATA. It reports the
// pulls per instance and day, their share of what a continuous profiler takes every 15 s, and their
// estimated share of a core. docs/costs.md has the figures.
func BenchmarkPulls(b *testing.B) {
	dir := os.Getenv("LEAKBENCH_DATA")
	if dir == "" {
		b.Skip("LEAKBENCH_DATA is not set")
	}
	text, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	require.NoError(b, err)
	var truth struct {
		Start, End time.Time
		Services   []struct {
			Job   string
			Leak  bool
			Class string
		}
	}
	require.NoError(b, json.Unmarshal(text, &truth))
	data, err := tsdb.Open(tsdb.Options{Dir: filepath.Join(dir, "tsdb")})
	require.NoError(b, err)
	w, err := data.Window(b.Context(), truth.Start, truth.End)
	require.NoError(b, err)
	require.NoError(b, data.Close())
	healthy := map[string]bool{}
	for _, s := range truth.Services {
		healthy[s.Job] = !s.Leak
	}
	w.Series = slices.DeleteFunc(w.Series, func(s collector.Series) bool { return !healthy[s.Labels.Get("job")] })

	for b.Loop() {
		targets := &countedTargets{pulls: map[string]int{}}
		puller, err := pulling.New(pulling.Options{Finder: targets, Fetcher: targets})
		require.NoError(b, err)
		m, err := New(b.Context(), Options{Source: &recording{series: w.Series}, Puller: targets.by(puller), DumpLimit: 1000, Trend: trend.Options{Base: time.Minute}})
		require.NoError(b, err)
		for now := truth.Start.Add(time.Minute); !now.After(truth.End); now = now.Add(time.Minute) {
			require.NoError(b, m.Cycle(b.Context(), now))
			m.Wait()
		}
		instanceDays, sum, most := 0.0, 0, 0
		for _, s := range w.Series {
			instanceDays += float64(len(s.Samples)) / (24 * 60)
		}
		for _, n := range targets.pulls {
			sum += n
			most = max(most, n)
		}
		cost := 0.0
		for _, t := range puller.Targets() {
			cost += t.Cost
		}
		b.ReportMetric(float64(sum)/instanceDays, "pulls/instance-day")
		b.ReportMetric(100*float64(sum)/instanceDays/5760, "%of-a-profiler")
		b.ReportMetric(float64(most), "most-pulls")
		b.ReportMetric(100*cost/(instanceDays*86400), "%of-a-core")
	}
}

// recording is a source of recorded series.
type recording struct{ series []collector.Series }

func (r *recording) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	for _, s := range r.series {
		at := func(t time.Time) int {
			i, _ := slices.BinarySearchFunc(s.Samples, t.UnixMilli()+1, func(x collector.Sample, t int64) int { return int(x.T - t) })
			return i
		}
		if part := s.Samples[at(from):at(to)]; len(part) > 0 {
			w.Series = append(w.Series, collector.Series{Labels: s.Labels, Samples: part})
		}
	}
	return w, nil
}

// countedTargets are targets that count their pulls. A profile has as many goroutines as the last
// sample, at one place.
type countedTargets struct {
	mtx   sync.Mutex
	pulls map[string]int
	count float64
}

func (a *countedTargets) Find(_ context.Context, _ time.Time, instance labels.Labels) (collector.Target, error) {
	return collector.Target{URL: &url.URL{Scheme: "http", Host: instance.Get("job") + instance.Get("instance")}}, nil
}

func (a *countedTargets) Fetch(_ context.Context, _ *http.Client, u *url.URL, kind collector.ProfileKind, _ int) (*collector.Profile, error) {
	a.mtx.Lock()
	defer a.mtx.Unlock()
	a.pulls[u.Host]++
	if kind == collector.KindGoroutineLeak {
		return nil, collector.Errorf(collector.ReasonNotFound, "none")
	}
	n := int64(a.count)
	return &collector.Profile{Kind: kind, Total: n, Records: []collector.Record{{Count: n, Frames: []*collector.Frame{{Func: "main.serve"}}}}}, nil
}

// by passes each pull on with the count that the target should have.
func (a *countedTargets) by(p *pulling.Puller) profiling.Source { return counting{p, a} }

type counting struct {
	*pulling.Puller
	a *countedTargets
}

func (c counting) Pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	c.a.mtx.Lock()
	c.a.count = goroutines
	c.a.mtx.Unlock()
	return c.Puller.Pull(ctx, now, instance, goroutines)
}
