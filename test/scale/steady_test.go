package scale

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/test/e2e"
)

const (
	// hour is a simulated hour: the intervals are those of the defaults, 60 times as short.
	hour = time.Minute
	// profiler is how many profiles a continuous profiler takes an hour, one
	// every 15 s.
	profiler = 240
	// clients is the number of clients of a healthy service.
	clients = 1000
)

// Real, healthy programs with about a thousand goroutines: how many profiles gorowatch takes of
// each, and what one costs, by the CPU time of their processes. docs/costs.md has the figures.
func TestSteadyState(t *testing.T) {
	if *steady == 0 {
		t.Skip("make bench-scale")
	}
	post := e2e.Load{
		Every: 100 * time.Millisecond, AtATime: 2, Patience: time.Second, Method: http.MethodPost,
		Path: func(int) string { return "/entries" }, Body: "an entry",
	}
	sum := e2e.Load{
		Every: 100 * time.Millisecond, AtATime: 5, Patience: time.Second, Method: http.MethodGet,
		Path: func(n int) string { return fmt.Sprintf("/sum?n=%d,2,3,4", n) },
	}
	programs := map[string]*e2e.Scenario{}
	config := fmt.Sprintf(`
global: {evaluation_interval: %[1]s}
trend: {base: %[1]s}
profiles: {baseline_interval: %[2]s, suspicion_interval: %[3]s, target_cpu: 0.06}
targets:
`, hour/60, hour, hour/30)
	for name, load := range map[string]*e2e.Load{"logwriter": &post, "sumhandler": &sum, "webrequest": nil} {
		p := e2e.StartScenario(t, name, "", "--fixed", "--pprof.token=")
		if load != nil {
			load.Start(t, p.Address)
		}
		connect(t, p.Address, clients)
		programs[name] = p
		config += fmt.Sprintf("- {static: [%q], labels: {namespace: scenarios, job: %s}}\n", p.Address, name)
	}
	g := e2e.StartGorowatch(t, t.TempDir(), config, "--storage.tsdb.path="+t.TempDir())
	const pulls = `gorowatch_profile_pulls_total{result="ok"}`
	time.Sleep(2 * hour) // first baselines come earlier than others
	before := g.Metric(t, pulls)
	time.Sleep(*steady)
	perHour := (g.Metric(t, pulls) - before) / float64(len(programs)) / (steady.Seconds() / hour.Seconds())
	require.Zero(t, g.Metric(t, "gorowatch_leaks_firing"))
	g.Stop(t)

	t.Logf("%.1f hours: %.2f pulls an instance and hour, %.2f %% of a profiler at 15 s", steady.Seconds()/hour.Seconds(), perHour, 100*perHour/profiler)
	for name, p := range programs {
		goroutines, seconds := pullCost(t, p)
		t.Logf("%s: %d goroutines, %.1f ms of CPU a pull, %.5f %% of a core at that rate", name, goroutines, seconds*1e3, 100*seconds*perHour/3600)
	}
}

// connect opens n connections that stay, each with one request.
func connect(t *testing.T, addr string, n int) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		t.Cleanup(func() { _ = c.Close() })
		_, err = fmt.Fprintf(c, "HEAD /metrics HTTP/1.1\r\nHost: %s\r\n\r\n", addr)
		require.NoError(t, err)
	}
}

// pullCost returns how many goroutines a program has, and what a profile costs it beyond its
// own work, in seconds of CPU.
func pullCost(t *testing.T, p *e2e.Scenario) (goroutines int64, seconds float64) {
	t.Helper()
	const n = 200
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	f := pprof.New(pprof.Options{})
	u := &url.URL{Scheme: "http", Host: p.Address, Path: "/debug/pprof/goroutine"}
	before, began := cpu(t, p.PID()), time.Now()
	for range n {
		profile, err := f.Fetch(t.Context(), client, u, collector.KindGoroutine, 0)
		require.NoError(t, err)
		goroutines = profile.Total
	}
	with, took := cpu(t, p.PID())-before, time.Since(began)
	before = cpu(t, p.PID())
	time.Sleep(took)
	return goroutines, (with - (cpu(t, p.PID()) - before)) / n
}
