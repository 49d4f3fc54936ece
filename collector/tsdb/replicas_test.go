package tsdb

import (
	"context"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// Two replicas have scraped a process into one folder, each at its own moments.
// Replica a was away from minute 20 to 40, and the process restarted at minute 50.
func TestReplicasOnDisk(t *testing.T) {
	dir := t.TempDir()
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	ms := func(at time.Duration) int64 { return start.Add(at).UnixMilli() }
	for i := range 80 * 4 {
		app := db.Appender(context.Background())
		for n, replica := range []string{"a", "b"} {
			at := time.Duration(i)*15*time.Second + time.Duration(3+8*n)*time.Second
			if replica == "a" && at >= 20*time.Minute && at < 40*time.Minute {
				continue
			}
			began, cpu := start.Add(-time.Hour), at.Seconds()/2
			if at >= 50*time.Minute {
				began, cpu = start.Add(50*time.Minute), (at-50*time.Minute).Seconds()/2
			}
			for name, v := range map[string]float64{
				"go_goroutines": 100 + at.Minutes() + float64(n)/2, "process_cpu_seconds_total": cpu, "process_start_time_seconds": float64(began.Unix()),
			} {
				ls := labels.FromStrings(labels.MetricName, name, "job", "api", "instance", "a:1", "replica", replica)
				_, err := app.Append(0, ls, ms(at), v)
				require.NoError(t, err)
			}
		}
		require.NoError(t, app.Commit())
	}
	s := open(t, Options{Dir: dir, ReplicaLabels: []string{"replica"}})
	for _, length := range []time.Duration{time.Minute, 10 * time.Minute, 80 * time.Minute} {
		var got []collector.Sample
		for from := start; from.Before(start.Add(80 * time.Minute)); from = from.Add(length) {
			w, err := s.Window(context.Background(), from, from.Add(length))
			require.NoError(t, err)
			require.Empty(t, w.Warnings)
			require.Len(t, w.Series, 1)
			require.Equal(t, labels.FromStrings("instance", "a:1", "job", "api"), w.Series[0].Labels)
			got = append(got, w.Series[0].Samples...)
		}
		require.InDelta(t, 320, len(got), 3)
		switches, restarts := 0, 0
		for i, x := range got {
			if full := x.T > ms(5*time.Minute); !full {
				require.False(t, x.Load > 0.5, "%s: %d: a rate over a range without samples", length, i)
			} else if !math.IsNaN(x.Load) {
				require.InDelta(t, 0.5, x.Load, 1e-9, "%s: %d: a rate over samples of two replicas", length, i)
			}
			if i == 0 {
				continue
			}
			require.Greater(t, x.T, got[i-1].T)
			require.LessOrEqual(t, x.T-got[i-1].T, int64(45_000))
			if (x.T-got[i-1].T)%15_000 != 0 {
				switches++
			}
			if x.Start != got[i-1].Start {
				restarts++
			}
		}
		require.Equal(t, 1, switches, length)
		require.Equal(t, 1, restarts, length)
	}

	w, err := open(t, Options{Dir: dir}).Window(context.Background(), start, start.Add(80*time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 2, "where no label is named")
}
