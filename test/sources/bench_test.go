package sources

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/signals"
)

// BenchmarkPrometheus is what an evaluation of 100,000 instances costs Prometheus' engine:
// with one name a signal, on instances that have it; with the default lists; and on
// instances under mixed names, without and with uptimes instead of starts, for which
// Prometheus has to look up the time of the sample.
func BenchmarkPrometheus(b *testing.B) {
	const n = 100_000
	d := signals.DefaultNames()
	one, err := signals.Parse(signals.Names{Goroutines: d.Goroutines[:1], Load: d.Load[:1], Start: d.Start[:1]})
	require.NoError(b, err)
	for _, c := range []struct {
		name  string
		set   signals.Set
		mixed [3]int // names of each signal
		first [2]int // of load and start that are asked for once they are known
	}{
		{"one name", one, [3]int{1, 1, 1}, [2]int{}},
		{"default lists", signals.Default(), [3]int{1, 1, 1}, [2]int{1, 1}},
		{"mixed names", signals.Default(), [3]int{4, 2, 1}, [2]int{2, 1}},
		{"mixed names and uptimes", signals.Default(), [3]int{4, 2, 2}, [2]int{2, 2}},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := tsdb.DefaultOptions()
			o.RetentionDuration = 0
			db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, o, nil)
			require.NoError(b, err)
			defer func() { require.NoError(b, db.Close()) }()
			for k := range 6 {
				app := db.Appender(b.Context())
				for i := range n {
					for s, names := range [][]string{d.Goroutines, d.Load, d.Start} {
						ls := labels.FromStrings(labels.MetricName, names[i%c.mixed[s]], "container", "app", "instance", fmt.Sprintf("10.%d.%d.%d:80", i>>16, i>>8&255, i&255),
							"job", fmt.Sprint("service-", i/20), "namespace", fmt.Sprint("team-", i/200), "pod", fmt.Sprint("service-7d9c8b6f5-", i))
						_, err := app.Append(0, ls, begin.Add(time.Duration(k)*time.Minute).UnixMilli(), float64(100*s+k))
						require.NoError(b, err)
					}
				}
				require.NoError(b, app.Commit())
			}
			engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute})
			defer engine.Close()
			q := signals.Query{Set: c.set, LoadFirst: c.first[0], StartFirst: c.first[1]}
			at := begin.Add(5 * time.Minute)
			for b.Loop() {
				for _, expr := range []string{q.Goroutines(), q.Load(signals.Range), q.Start()} {
					query, err := engine.NewRangeQuery(b.Context(), db, nil, expr, at, at, time.Minute)
					require.NoError(b, err)
					m, err := query.Exec(b.Context()).Matrix()
					require.NoError(b, err)
					require.Len(b, m, n)
					query.Close()
				}
			}
		})
	}
}
