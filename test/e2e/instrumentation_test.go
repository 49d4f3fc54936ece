package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

// instrumented are the ways in which a service may export its metrics. Each is the faucet, a
// real program, with another library.
var instrumented = []struct {
	metrics    string // the flag of the faucet
	goroutines string // the metric that gorowatch finds by itself; empty: none
	load       string // likewise
	start      string
}{
	{"client_golang", "go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds"},
	{"scheduler", "go_goroutines", "go_sched_goroutines_created_goroutines_total", "process_start_time_seconds"},
	{"otel", "go_goroutine_count", "go_memory_allocations_total", ""},
	{"vault", "", "", ""},
	{"container", "go_goroutines", "container_cpu_usage_seconds_total", "container_start_time_seconds"},
	{"none", "", "", ""},
}

// signalUses returns the metrics that gorowatch reads: by signal and metric, the number of
// instances.
func (g *Gorowatch) signalUses(t testing.TB) map[string]int {
	t.Helper()
	var answer struct {
		Data struct {
			Series struct {
				Signals []struct {
					Signal, Metric string
					Instances      int
				}
			}
		}
	}
	getJSON(t, g.URL+"/api/v1/status", &answer)
	out := map[string]int{}
	for _, u := range answer.Data.Series.Signals {
		out[u.Signal+" "+u.Metric] = u.Instances
	}
	return out
}

// Whatever the library of a service is, gorowatch finds its goroutines, its load and its start,
// and names the leaking line. One gorowatch has the default lists of metrics, and shows which
// of them it uses. Another one evaluates each second instead of each minute, with rates over 15
// s, so that a second of the test is a minute: it shows how long the alert takes.
//
// The container's metrics are the program's own, under the names of the kubelet: a cAdvisor
// needs cgroups, which a test cannot rely on.
func TestInstrumentations(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	built(t, buildScenarios, "faucet")
	clients := Load{
		Every: 100 * time.Millisecond, AtATime: 2, Patience: time.Second,
		Method: http.MethodGet, Path: func(int) string { return "/open" }, // which requires a POST
	}
	faucets := map[string]*Faucet{}
	var jobs []Job
	for _, x := range instrumented {
		f := &Faucet{Service: service("taps", x.metrics)}
		f.Scenario = StartScenario(t, "faucet", "", "--metrics="+x.metrics, "--pod=tap-"+x.metrics)
		faucets[x.metrics] = f
		clients.Start(t, f.Address)
		if x.metrics == "none" {
			continue
		}
		j := f.Job()
		if x.metrics == "container" {
			j.Labels["pod"], j.Labels["container"] = "tap-container", "app"
			jobs = append(jobs, Job{Name: "kubelet", HonorLabels: true, Targets: j.Targets, Labels: map[string]string{"__metrics_path__": "/metrics/cadvisor"}})
		}
		jobs = append(jobs, j)
	}
	prometheus := StartPrometheus(t, jobs...)

	defaults := StartGorowatch(t, t.TempDir(), fmt.Sprintf("global: {evaluation_interval: 1s}\nprometheus: {url: %s}\n", prometheus.URL))
	want := map[string]int{}
	for _, x := range instrumented {
		if x.goroutines != "" {
			want["goroutines "+x.goroutines]++
			want["load "+x.load]++
			want["start_time "+x.start]++
		}
	}
	Eventually(t, startTime, "the metrics are found", func() error {
		if got := defaults.signalUses(t); fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("%v, expected %v", got, want)
		}
		return nil
	})

	gorowatch := StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus:
  url: %s
  series:
    goroutines: [go_goroutines, go_goroutine_count, vault_runtime_num_goroutines]
    load:
    - rate(go_sched_goroutines_created_goroutines_total[15s])
    - rate(process_cpu_seconds_total[15s])
    - rate(go_memory_allocations_total[15s])
    - rate(vault_runtime_malloc_count[15s])
    - sum by (namespace, pod) (rate(container_cpu_usage_seconds_total[15s]))
trend: {base: 1s}
profiles:
  baseline_interval: 10s
  suspicion_interval: 2s
  push: {enabled: true}
targets:
- static: [%q]
  labels: {namespace: taps, job: none}
`, prometheus.URL, faucets["none"].Address))
	gorowatch.WaitReady(t)
	pushing := faucets["none"]
	q := url.Values{"url": {gorowatch.URL}, "via": {"pyroscope-go"}, "every": {"1s"}, "instance": {pushing.Address}}
	for name, value := range pushing.Service {
		q.Set(name, value)
	}
	pushing.post(t, "/push?"+q.Encode())
	time.Sleep(30 * time.Second) // of health
	opened := time.Now()
	for _, f := range faucets {
		f.Open(t, 5)
	}
	type found struct {
		State, Evidence, Version string

		Service    map[string]string
		DetectedAt time.Time `json:"detected_at"`
		Stacks     []struct{ Frames []string }
	}
	leaks := map[string]found{}
	Eventually(t, untilAlerts, "all fire, with their line", func() error {
		var answer struct{ Data struct{ Leaks []found } }
		getJSON(t, gorowatch.URL+"/api/v1/leaks", &answer)
		for _, l := range answer.Data.Leaks {
			if l.State == "firing" && len(l.Stacks) > 0 {
				leaks[l.Service["job"]] = l
			}
		}
		if len(leaks) < len(instrumented) || leaks["otel"].Version == "" {
			return fmt.Errorf("%d fire: %+v", len(leaks), answer.Data.Leaks)
		}
		return nil
	})
	require.Equal(t, "1.42.0", leaks["otel"].Version, "of target_info")
	pods := map[string]string{}
	for _, target := range gorowatch.Targets(t) {
		pods[target.Labels["job"]] = target.Labels["pod"]
	}
	require.Equal(t, "checkout-7d9c8b6f5-x2x4z", pods["otel"], "of target_info")
	require.Equal(t, "tap-container", pods["container"])
	var report strings.Builder
	table := tabwriter.NewWriter(&report, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "instrumentation\tgoroutines by itself\tload by itself\tminutes to the alert\tevidence")
	for _, x := range instrumented {
		l := leaks[x.metrics]
		require.Contains(t, strings.Join(l.Stacks[0].Frames, "\n"), LeakingLine(t, "faucet"), x.metrics)
		fmt.Fprintf(table, "%s\t%s\t%s\t%.0f\t%s\n", x.metrics, x.goroutines, x.load, l.DetectedAt.Sub(opened).Seconds(), l.Evidence)
	}
	require.NoError(t, table.Flush())
	t.Logf("a second stands for a minute:\n%s", &report)
}
