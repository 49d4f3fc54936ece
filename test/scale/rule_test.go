package scale

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// scraped is the time between two samples on disk.
const scraped = 15 * time.Second

// write writes what Prometheus would have scraped of the fleet, also for the next minutes, so
// that nothing has to be scraped while CPU is measured.
func write(t *testing.T, f *Fleet, dir string, from, to time.Time) {
	t.Helper()
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, 24*time.Hour.Milliseconds())
	require.NoError(t, err)
	defer func() { require.NoError(t, w.Close()) }()
	series := make([][3]labels.Labels, f.n)
	for i := range series {
		for k, name := range []string{"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds"} {
			b := labels.NewBuilder(labels.EmptyLabels()).Set(labels.MetricName, name)
			for _, p := range f.names[i] {
				b.Set(p[0], p[1])
			}
			series[i][k] = b.Labels()
		}
	}
	for at := from.Truncate(scraped); at.Before(to); at = at.Add(scraped) {
		app := w.Appender(context.Background())
		for i, s := range series {
			for k, v := range []float64{f.Goroutines(i, at.Unix()), f.CPU(at.Unix()), f.Start(i)} {
				_, err := app.Append(0, s[k], at.UnixMilli(), v)
				require.NoError(t, err)
			}
		}
		require.NoError(t, app.Commit())
	}
	_, err = w.Flush(context.Background())
	require.NoError(t, err)
}

// cpu returns how much CPU time a process has used so far, in seconds.
func cpu(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	var user, system float64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	require.NoError(t, err)
	return (user + system) / 100
}

// gorowatch and a Prometheus with a common rule work side by side on the same ten thousand
// series, at the same interval. The cost of an evaluation is compared: the rule is charged with
// what its Prometheus uses beyond one without a rule, gorowatch with all that it uses.
func TestBesideTheRule(t *testing.T) {
	if *instances == 0 {
		t.Skip("make bench-scale")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	f := NewFleet(*instances, l.Addr())
	data := t.TempDir()
	now := time.Now()
	write(t, f, data, now.Add(-80*time.Minute), now.Add(15*time.Minute))
	other, idle := t.TempDir(), t.TempDir()
	require.NoError(t, os.CopyFS(other, os.DirFS(data)))
	require.NoError(t, os.CopyFS(idle, os.DirFS(data)))

	rule := fmt.Sprintf(`groups: [{name: goroutines, interval: %s, rules: [{alert: GoroutinesGrow, expr: "deriv(go_goroutines[1h]) > 0.01", for: 10m}]}]`, *interval)
	ruling := e2e.StartPrometheusOn(t, data, rule)
	nothing := e2e.StartPrometheusOn(t, idle, "")
	asked := e2e.StartPrometheusOn(t, other, "")
	g := e2e.StartGorowatch(t, t.TempDir(), fmt.Sprintf("global: {evaluation_interval: %s}\ntrend: {base: %s}\nprometheus: {url: '%s'}\n", *interval, *interval, asked.URL))
	e2e.Eventually(t, 5*time.Minute, "the history is read", func() error {
		if n := g.Metric(t, "gorowatch_series"); n != float64(*instances) {
			return fmt.Errorf("%g series", n)
		}
		return nil
	})
	time.Sleep(2 * *interval)

	type mark struct{ ruling, nothing, asked, own, rules, cycles float64 }
	look := func() mark {
		return mark{
			cpu(t, ruling.PID()), cpu(t, nothing.PID()), cpu(t, asked.PID()), cpu(t, g.PID()),
			ruling.Metric(t, "prometheus_rule_evaluation_duration_seconds_count"), g.Metric(t, "gorowatch_evaluation_duration_seconds_count"),
		}
	}
	from := look()
	time.Sleep(*evaluate)
	to := look()
	rules, cycles := to.rules-from.rules, to.cycles-from.cycles
	require.Positive(t, rules)
	require.Positive(t, cycles)
	ofRule := (to.ruling - from.ruling - (to.nothing - from.nothing)) / rules
	own := (to.own - from.own) / cycles
	t.Logf("%d series, scraped every %s, evaluated every %s:", *instances, scraped, *interval)
	t.Logf("deriv(go_goroutines[1h]) > 0.01: %.3f s of CPU an evaluation (of %g), %g alerts pending or firing", ofRule, rules, ruling.Value(t, "count(ALERTS)"))
	t.Logf("gorowatch itself:                %.3f s of CPU an evaluation (of %g), %.0f MB resident", own, cycles, g.Metric(t, "process_resident_memory_bytes")/1e6)
	t.Logf("Prometheus answering gorowatch:  %.3f s of CPU an evaluation", (to.asked-from.asked-(to.nothing-from.nothing))/cycles)
	require.LessOrEqual(t, own, ofRule, "gorowatch costs more than the rule")
}
