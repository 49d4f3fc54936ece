package tsdb

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// A folder may hold anything that a Prometheus accepted. Series with impossible labels or
// counts are left out, and the rest is read.
func TestWhatCannotBe(t *testing.T) {
	dir := t.TempDir()
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 0
	db, err := tsdb.Open(dir, slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	many := labels.NewBuilder(labels.FromStrings("instance", "many"))
	for i := range 10_000 {
		many.Set(fmt.Sprintf("l%d", i), "x")
	}
	values := []float64{1, math.NaN(), math.Inf(1), -1, 1e300, 2}
	app := db.Appender(context.Background())
	for _, name := range []string{"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds"} {
		for _, ls := range []labels.Labels{
			labels.FromStrings("instance", "good"), many.Labels(),
			labels.FromStrings("instance", "long", "path", strings.Repeat("x", 200_000)),
		} {
			for i, v := range values {
				series := labels.NewBuilder(ls).Set(labels.MetricName, name).Labels()
				_, err := app.Append(0, series, start.Add(time.Duration(i)*time.Minute).UnixMilli(), v)
				require.NoError(t, err)
			}
		}
	}
	require.NoError(t, app.Commit())
	w, err := open(t, Options{Dir: dir}).Window(context.Background(), start.Add(-time.Second), start.Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, w.Warnings, 1)
	require.Contains(t, w.Warnings[0], "2 series of go_goroutines are left out for their labels, e.g. ")
	require.Less(t, len(w.Warnings[0]), 300)
	require.Len(t, w.Series, 1)
	got := w.Series[0].Samples
	require.Len(t, got, 2)
	require.Equal(t, []float64{1, 2}, []float64{got[0].Count, got[1].Count})
	require.Equal(t, []float64{1, 2}, []float64{got[0].Start, got[1].Start})
	require.True(t, math.IsNaN(got[1].Load), "a rate since 1e300")
}
