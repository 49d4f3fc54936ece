//go:build unix

package sources

import (
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/signals"
)

// fleetOfNames returns a database of 100,000 instances. Each nth one has the nth of some names
// of each signal.
func fleetOfNames(b *testing.B, goroutines, load, start []string) *tsdb.DB {
	const n = 100_000
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 0
	db, err := tsdb.Open(b.TempDir(), slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	for k := range 6 {
		app := db.Appender(b.Context())
		for i := range n {
			for s, names := range [][]string{goroutines, load, start} {
				ls := labels.FromStrings(labels.MetricName, names[i%len(names)], "container", "app", "instance", fmt.Sprintf("10.%d.%d.%d:80", i>>16, i>>8&255, i&255),
					"job", fmt.Sprint("service-", i/20), "namespace", fmt.Sprint("team-", i/200), "pod", fmt.Sprint("service-7d9c8b6f5-", i))
				_, err := app.Append(0, ls, begin.Add(time.Duration(k)*time.Minute).UnixMilli(), float64(100*s+k))
				require.NoError(b, err)
			}
		}
		require.NoError(b, app.Commit())
	}
	return db
}

// cpuTime returns the CPU time of the process so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPrometheus measures the cost of an evaluation of 100,000 instances for Prometheus'
// engine, as a multiple of the cost with one name a signal: with the default lists as a whole
// and narrowed to what instances have, for instances under one name and under mixed names,
// without and with uptimes instead of starts, whose processes are known. It measures CPU time,
// in turns and without garbage collection, so that other work on the machine does not count.
func BenchmarkPrometheus(b *testing.B) {
	const at = 5 * time.Minute
	d := signals.DefaultNames()
	one, err := signals.Parse(signals.Names{Goroutines: d.Goroutines[:1], Load: d.Load[1:2], Start: d.Start[:1]})
	require.NoError(b, err)
	base := fleetOfNames(b, d.Goroutines[:1], d.Load[1:2], d.Start[:1])
	mixed := fleetOfNames(b, d.Goroutines, d.Load[1:3], d.Start[:1])
	uptimes := fleetOfNames(b, d.Goroutines, d.Load[1:3], d.Start[:2])
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute})
	defer engine.Close()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	evaluate := func(db *tsdb.DB, q *signals.Query) time.Duration {
		runtime.GC()
		began := cpuTime(b)
		for _, expr := range []string{q.Goroutines(), q.Load(signals.Range), q.StartOrUptime()} {
			query, err := engine.NewRangeQuery(b.Context(), db, nil, expr, begin.Add(at), begin.Add(at), time.Minute)
			require.NoError(b, err)
			m, err := query.Exec(b.Context()).Matrix()
			require.NoError(b, err)
			require.Len(b, m, 100_000)
			query.Close()
		}
		return cpuTime(b) - began
	}
	all := signals.Default()
	for _, c := range []struct {
		name string
		db   *tsdb.DB
		q    signals.Query
	}{
		{"one_name/whole_lists", base, signals.Query{Set: all, BareLoad: 1, NegatedLoad: 1}},
		{"one_name/narrowed", base, signals.Query{Set: all, LoadRanks: 1 << 1, StartRanks: 1, BareLoad: 1, NegatedLoad: 1}},
		{"mixed_names/whole_lists", mixed, signals.Query{Set: all, BareLoad: 1, NegatedLoad: 2}},
		{"mixed_names/narrowed", mixed, signals.Query{Set: all, LoadRanks: 1<<1 | 1<<2, StartRanks: 1, BareLoad: 1, NegatedLoad: 2}},
		{"uptimes/whole_lists", uptimes, signals.Query{Set: all, BareLoad: 1, NegatedLoad: 2, BareStart: 1}},
		{"uptimes/narrowed", uptimes, signals.Query{Set: all, LoadRanks: 1<<1 | 1<<2, StartRanks: 1<<0 | 1<<1, BareLoad: 1, NegatedLoad: 2, BareStart: 1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := signals.Query{Set: one}
			var ours, theirs []time.Duration
			for b.Loop() {
				theirs = append(theirs, evaluate(base, &q))
				ours = append(ours, evaluate(c.db, &c.q))
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			b.ReportMetric(theirs[len(theirs)/2].Seconds(), "s/one_name")
			b.ReportMetric(ours[len(ours)/2].Seconds()/theirs[len(theirs)/2].Seconds(), "×one_name")
		})
	}
}
