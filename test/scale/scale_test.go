package scale

import (
	"flag"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

var (
	instances = flag.Int("instances", 0, "size of the fleet; 0 skips what takes minutes")
	evaluate  = flag.Duration("evaluate", time.Minute, "how long the steady state is looked at")
	interval  = flag.Duration("interval", 5*time.Second, "time between two evaluations")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(e2e.Main(m))
}

// fleet serves n instances.
func fleet(t *testing.T, n int) (*Fleet, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := NewFleet(n, l.Addr())
	srv := &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	return f, "http://" + l.Addr().String()
}

// usage is what a process has used.
type usage struct{ cpu, evaluations float64 }

func used(t *testing.T, g *e2e.Gorowatch) usage {
	return usage{g.Metric(t, "process_cpu_seconds_total"), g.Metric(t, "gorowatch_evaluation_duration_seconds_count")}
}

// A week of history, then evaluations, of a fleet that answers as a Prometheus
// and as its targets: CPU, time and memory.
func TestBackfillAndEvaluations(t *testing.T) {
	if *instances == 0 {
		t.Skip("make bench-scale")
	}
	f, addr := fleet(t, *instances)
	dir := t.TempDir()
	began := time.Now()
	// At a minute an evaluation comes once a minute: the history first.
	g := e2e.StartGorowatch(t, dir, "prometheus: {url: '"+addr+"'}\n")
	deadline := began.Add(10 * time.Minute)
	for g.Metric(t, "gorowatch_backfill_progress_ratio") < 1 || g.Metric(t, "gorowatch_series") < float64(*instances) {
		require.True(t, time.Now().Before(deadline), "back-fill takes for ever")
		time.Sleep(time.Second)
	}
	took := time.Since(began)
	back := used(t, g)
	t.Logf("back-fill: %d instances, %s wall, %.1f s CPU of gorowatch, %d points, %.0f MB resident",
		*instances, took.Round(time.Second), back.cpu, f.Points.Load(), g.Metric(t, "process_resident_memory_bytes")/1e6)
	const n = 3
	before, points := used(t, g), f.Points.Load()
	time.Sleep(n * time.Minute)
	after := used(t, g)
	t.Logf("steady state, every minute: %.3f s CPU per evaluation (of %g), %d points each, %d profiles pulled so far, %.0f MB resident, limit %.0f MB",
		(after.cpu-before.cpu)/(after.evaluations-before.evaluations), after.evaluations-before.evaluations,
		(f.Points.Load()-points)/n, f.Pulls.Load(), g.Metric(t, "process_resident_memory_bytes")/1e6, 60+4*float64(*instances)/1000)
	require.Less(t, took, 5*time.Minute)
}
