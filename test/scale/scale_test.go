package scale

import (
	"flag"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/test/e2e"
)

var (
	instances = flag.Int("instances", 0, "size of the fleet; 0 skips what takes minutes")
	evaluate  = flag.Duration("evaluate", time.Minute, "how long the steady state is looked at")
	steady    = flag.Duration("steady", 0, "how long healthy programs are watched, a minute for each hour; 0 skips it")
	debug     = flag.String("debug", "", "address for gorowatch's own profiles, such as its heap")
	interval  = flag.Duration("interval", 5*time.Second, "time between two evaluations")
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(mainFunc(func() int { return e2e.Main(m) }))
}

// mainFunc is a goleak.TestingM.
type mainFunc func() int

func (f mainFunc) Run() int { return f() }

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

// A week of history, then evaluations, of a fleet that answers as a Prometheus and as its
// targets: CPU, time and memory.
func TestBackfillAndEvaluations(t *testing.T) {
	if *instances == 0 {
		t.Skip("make bench-scale")
	}
	f, addr := fleet(t, *instances)
	dir := t.TempDir()
	began := time.Now()
	var flags []string
	if *debug != "" {
		flags = []string{"--debug.listen-address=" + *debug}
	}
	g := e2e.StartGorowatch(t, dir, "prometheus: {url: '"+addr+"'}\n", flags...)
	var peak float64
	look := func() float64 {
		now := anonymous(t, g.PID())
		peak = max(peak, now)
		return now
	}
	deadline := began.Add(10 * time.Minute)
	for g.Metric(t, "gorowatch_backfill_progress_ratio") < 1 || g.Metric(t, "gorowatch_series") < float64(*instances) {
		require.True(t, time.Now().Before(deadline), "back-fill takes for ever")
		look()
		time.Sleep(time.Second)
	}
	took := time.Since(began)
	back := used(t, g)
	t.Logf("back-fill: %d instances, %s wall, %.1f s CPU of gorowatch, %d points", *instances, took.Round(time.Second), back.cpu, f.Points.Load())
	t.Logf("anonymous memory: %.1f MB at its peak, %.1f MB at the end", peak/1e6, look()/1e6)
	t.Log(runtimeMemory(t, g))
	const n = 3
	peak = 0
	before, points := used(t, g), f.Points.Load()
	for range n * 60 {
		time.Sleep(time.Second)
		look()
	}
	after := used(t, g)
	t.Logf("steady state, every minute: %.3f s CPU per evaluation (of %g), %d points each, %d profiles pulled so far",
		(after.cpu-before.cpu)/(after.evaluations-before.evaluations), after.evaluations-before.evaluations,
		(f.Points.Load()-points)/n, f.Pulls.Load())
	t.Logf("anonymous memory: %.1f MB at its peak, %.1f MB now", peak/1e6, look()/1e6)
	t.Log(runtimeMemory(t, g))
	require.Less(t, took, 5*time.Minute)
}

// The fleet answers as a Prometheus would: the same figures at any step, and minima that match
// the single values.
func TestFleetAgreesWithItself(t *testing.T) {
	f, addr := fleet(t, 40)
	u, err := url.Parse(addr)
	require.NoError(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	src, err := promapi.New(promapi.Options{URL: u, Client: &http.Client{Transport: transport}})
	require.NoError(t, err)
	from := time.Now().Truncate(time.Hour).Add(-24 * time.Hour)
	fine, err := src.Window(t.Context(), from.Add(-1), from.Add(59*time.Minute))
	require.NoError(t, err)
	coarse, err := src.Blocks(t.Context(), from, from.Add(time.Hour), 5*time.Minute)
	require.NoError(t, err)
	require.Len(t, fine.Series, 40)
	require.Len(t, coarse.Series, 40)
	for i, s := range coarse.Series {
		require.Len(t, s.Samples, 12)
		for k, x := range s.Samples {
			low := fine.Series[i].Samples[5*k]
			for _, y := range fine.Series[i].Samples[5*k : 5*k+5] {
				if y.Count < low.Count {
					low = y
				}
			}
			require.Equal(t, low.Count, x.Count)
		}
	}
	require.Equal(t, f.Goroutines(3, from.Unix()), fine.Series[3].Samples[0].Count)
	targets, err := src.Targets(t.Context())
	require.NoError(t, err)
	require.Len(t, targets, 40)
}
