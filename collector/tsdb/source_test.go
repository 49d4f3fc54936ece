package tsdb

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)

// fill makes a database as a running Prometheus has it: hours of samples
// every minute of two instances, the older ones in blocks if compact.
func fill(t *testing.T, hours int, compact bool) (dir string, db *tsdb.DB) {
	t.Helper()
	dir = t.TempDir()
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for m := range hours * 60 {
		app := db.Appender(context.Background())
		ts := start.Add(time.Duration(m) * time.Minute).UnixMilli()
		for i, inst := range []string{"a:1", "b:1"} {
			add := func(name string, v float64) {
				_, err := app.Append(0, labels.FromStrings(labels.MetricName, name, "job", "api", "instance", inst), ts, v)
				require.NoError(t, err)
			}
			add("go_goroutines", float64(100*(i+1)+m))
			up := m
			if m >= 90 { // a restart 30 s before minute 90
				up = m - 90
				add("process_start_time_seconds", float64(start.Unix()+90*60-30))
			} else {
				add("process_start_time_seconds", float64(start.Unix()-3600))
			}
			add("process_cpu_seconds_total", 30*float64(up)+15)
			add("other", 1)
		}
		require.NoError(t, app.Commit())
	}
	if compact {
		require.NoError(t, db.Compact(context.Background()))
		require.NotEmpty(t, db.Blocks())
	}
	return dir, db
}

func open(t *testing.T, o Options) *Source {
	t.Helper()
	s, err := Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestBlocksAndLogOfARunningPrometheus(t *testing.T) {
	dir, _ := fill(t, 9, true)
	before := files(t, dir)
	s := open(t, Options{Dir: dir})
	require.Empty(t, s.warnings)
	require.False(t, s.MinTime().After(start))
	require.False(t, s.MaxTime().Before(start.Add(539*time.Minute)))

	whole, err := s.Window(context.Background(), start.Add(-time.Millisecond), start.Add(9*time.Hour))
	require.NoError(t, err)
	require.Len(t, whole.Series, 2)
	a := whole.Series[0]
	require.Equal(t, labels.FromStrings("instance", "a:1", "job", "api"), a.Labels)
	require.Len(t, a.Samples, 540)
	for m, x := range a.Samples {
		require.Equal(t, start.Add(time.Duration(m)*time.Minute).UnixMilli(), x.T)
		require.EqualValues(t, 100+m, x.Count)
		switch {
		case m >= 90 && m < 95: // the rate would use samples of the process before
			require.True(t, math.IsNaN(x.Load), "minute %d", m)
		case m >= 5:
			require.InDelta(t, 0.5, x.Load, 1e-9, "minute %d", m)
		case m > 0: // the range of the rate begins before the samples
			require.InDelta(t, 0.5*(float64(m)+0.5)/5, x.Load, 0.06, "minute %d", m)
		}
	}
	require.True(t, math.IsNaN(a.Samples[0].Load), "nothing before the first sample")
	require.NotEqual(t, a.Samples[89].Start, a.Samples[90].Start)

	// Windows of any length join to the same samples.
	var pieces []collector.Sample
	for at := start.Add(-time.Millisecond); at.Before(start.Add(9 * time.Hour)); at = at.Add(97 * time.Minute) {
		w, err := s.Window(context.Background(), at, at.Add(97*time.Minute))
		require.NoError(t, err)
		pieces = append(pieces, w.Series[0].Samples...)
	}
	require.Len(t, pieces, 540)
	for i, x := range pieces[1:] {
		if want := a.Samples[1+i]; math.IsNaN(want.Load) {
			require.True(t, math.IsNaN(x.Load))
			x.Load, want.Load = 0, 0
			require.Equal(t, want, x)
		} else {
			require.Equal(t, want, x)
		}
	}
	require.Equal(t, before, files(t, dir), "only read")
}

func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		out = append(out, p)
		return err
	}))
	return out
}

func TestLogAlone(t *testing.T) {
	dir, _ := fill(t, 1, false)
	s := open(t, Options{Dir: dir})
	require.Equal(t, start, s.MinTime())
	require.Equal(t, start.Add(59*time.Minute), s.MaxTime())
	w, err := s.Window(context.Background(), start, start.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, w.Series, 2)
	require.Len(t, w.Series[0].Samples, 59, "the window is open at its begin")
}

func TestMatchersAndOtherMetrics(t *testing.T) {
	dir, _ := fill(t, 1, false)
	set, err := signals.Parse(signals.Names{Load: []string{"other"}, Start: []string{"nothing"}})
	require.NoError(t, err)
	s := open(t, Options{
		Dir: dir, Signals: set,
		Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "instance", "b:1")},
	})
	w, err := s.Window(context.Background(), start, start.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, w.Series, 1)
	x := w.Series[0].Samples[0]
	require.EqualValues(t, 201, x.Count)
	require.EqualValues(t, 1, x.Load)
	require.True(t, math.IsNaN(x.Start))
}

func TestOpenFails(t *testing.T) {
	_, err := Open(Options{Dir: filepath.Join(t.TempDir(), "missing")})
	require.ErrorContains(t, err, "data directory")
	_, err = Open(Options{Dir: t.TempDir()})
	require.ErrorContains(t, err, "neither blocks nor a write-ahead log")
}

func TestCanceled(t *testing.T) {
	dir, _ := fill(t, 1, false)
	s := open(t, Options{Dir: dir})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Window(ctx, start, start.Add(time.Hour))
	require.ErrorIs(t, err, context.Canceled)
}
