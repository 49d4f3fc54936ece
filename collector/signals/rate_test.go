package signals

import (
	"context"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// The rate equals that of Prometheus' own engine, for counters that are reset, have gaps, end,
// begin and are marked as stale.
func TestRateIsThatOfPrometheus(t *testing.T) {
	o := tsdb.DefaultOptions()
	o.RetentionDuration, o.StripeSize = 0, 1<<10
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute})
	defer func() { require.NoError(t, engine.Close()) }()

	start := time.Unix(1_772_366_400, 0)
	r := rand.New(rand.NewPCG(1, 2))
	var times []int64
	var values []float64
	app := db.Appender(context.Background())
	at, v := start, 0.0
	for range 600 {
		at = at.Add(15*time.Second + time.Duration(r.IntN(400))*time.Millisecond)
		switch r.IntN(40) {
		case 0:
			at = at.Add(time.Duration(r.IntN(600)) * time.Second) // a gap
		case 1:
			v = 0
		}
		v += r.Float64() * 10
		x := v
		if r.IntN(60) == 0 {
			x = math.Float64frombits(value.StaleNaN)
		}
		times, values = append(times, at.UnixMilli()), append(values, x)
		_, err := app.Append(0, labels.FromStrings("__name__", "x"), at.UnixMilli(), x)
		require.NoError(t, err)
	}
	require.NoError(t, app.Commit())

	q, err := engine.NewRangeQuery(t.Context(), db, nil, "rate(x[5m])", start, at.Add(10*time.Minute), 7*time.Second)
	require.NoError(t, err)
	defer q.Close()
	m, err := q.Exec(t.Context()).Matrix()
	require.NoError(t, err)
	want := map[int64]float64{}
	for _, p := range m[0].Floats {
		want[p.T] = p.F
	}
	hint, known := 0, 0
	for now := start; !now.After(at.Add(10 * time.Minute)); now = now.Add(7 * time.Second) {
		var got float64
		got, hint = Rate(times, values, now.UnixMilli(), hint)
		w, ok := want[now.UnixMilli()]
		require.Equal(t, ok, !math.IsNaN(got), now)
		if ok {
			known++
			require.InEpsilon(t, w+1, got+1, 1e-12, now)
		}
	}
	require.Greater(t, known, 1000)
}
