package service

import (
	"bufio"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// namesOf returns the names of the series of metrics, each once, and their labels.
func namesOf(body string) map[string]string {
	out := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		if line := lines.Text(); !strings.HasPrefix(line, "#") {
			name, labels, _ := strings.Cut(line[:strings.LastIndexByte(line, ' ')], "{")
			out[name] = labels
		}
	}
	return out
}

// The real libraries export what gorowatch's default lists, and docs/series.md, say.
func TestInstrumentationsExportWhatIsDocumented(t *testing.T) {
	load := []string{"go_sched_goroutines_created_goroutines_total", "process_cpu_seconds_total", "process_cpu_time_seconds_total", "go_memory_allocations_total"}
	for name, c := range map[string]struct{ goroutines, load, start, also string }{
		"client_golang": {"go_goroutines", "process_cpu_seconds_total", "process_start_time_seconds", "go_info"},
		"scheduler":     {"go_goroutines", "go_sched_goroutines_created_goroutines_total", "process_start_time_seconds", "go_sched_goroutines_waiting_goroutines"},
		"otel":          {"go_goroutine_count", "go_memory_allocations_total", "", "target_info"},
		"vault":         {"vault_runtime_num_goroutines", "", "", "vault_runtime_malloc_count"},
		"container":     {"go_goroutines", "", "", "go_info"},
		"none":          {},
	} {
		t.Run(name, func(t *testing.T) {
			url := start(t, Options{Metrics: name, Pod: "tap-1"}, http.NewServeMux())
			var body string
			require.Eventually(t, func() bool { // the library of Vault measures once a second
				_, body = get(t, url+"/metrics", "")
				return strings.Contains(body, c.goroutines) && strings.Contains(body, c.also)
			}, 20*time.Second, 50*time.Millisecond)
			names := namesOf(body)
			for _, want := range []string{c.goroutines, c.start, c.also} {
				if want != "" {
					require.Contains(t, names, want)
				}
			}
			i := slices.IndexFunc(load, func(l string) bool { _, ok := names[l]; return ok })
			require.Equal(t, c.load, append(load, "")[(i+len(load)+1)%(len(load)+1)])
			if name == "otel" {
				require.Contains(t, names[c.goroutines], `service_name="checkout",service_namespace="shop"`)
				for _, want := range []string{`service_version="1.42.0"`, `k8s_pod_name="checkout-7d9c8b6f5-x2x4z"`, `k8s_namespace_name="shop"`} {
					require.Contains(t, names["target_info"], want)
				}
			}
			_, body = get(t, url+"/metrics/cadvisor", "")
			require.Contains(t, namesOf(body)["container_cpu_usage_seconds_total"], `container="app",namespace="taps",pod="tap-1"`)
		})
	}
}

// The lines of docs/series.md that turn the scheduler's metrics on are those that run here.
func TestDocumentedCollector(t *testing.T) {
	const call = "collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsScheduler))"
	for _, path := range []string{"metrics.go", "../../../../docs/series.md"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, strings.Contains(string(text), call), path)
	}
}

func TestUnknownInstrumentation(t *testing.T) {
	require.EqualError(t, Run(t.Context(), Options{PprofPath: DefaultPprofPath, Metrics: "statsd"}, http.NewServeMux()),
		"-metrics=statsd: expected one of client_golang, container, none, otel, scheduler, vault")
}
