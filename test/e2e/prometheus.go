package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// Job is a scrape job of Prometheus.
type Job struct {
	Name    string
	Labels  map[string]string
	Targets []string // host:port
	// HonorLabels gives precedence to the labels of the target.
	HonorLabels bool
}

// Prometheus is a real one.
type Prometheus struct {
	*Program
	URL string
	// Data is its data directory.
	Data string
}

// StartPrometheus runs a Prometheus that scrapes jobs every second.
func StartPrometheus(t testing.TB, jobs ...Job) *Prometheus {
	t.Helper()
	return StartPrometheusEvery(t, time.Second, jobs...)
}

// StartPrometheusEvery runs a Prometheus that scrapes jobs at an interval.
func StartPrometheusEvery(t testing.TB, interval time.Duration, jobs ...Job) *Prometheus {
	t.Helper()
	path := tool(t, "prometheus", "prometheus")
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	write(t, config, prometheusConfig(interval, jobs))
	p, addr := startOnFreePort(t, "prometheus", path,
		func(addr string) []string {
			return []string{
				"--config.file=" + config,
				"--storage.tsdb.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=" + addr,
			}
		},
		func(addr string) error { return answers("http://" + addr + "/-/ready") })
	return &Prometheus{Program: p, URL: "http://" + addr, Data: filepath.Join(dir, "data")}
}

// StartPrometheusOn runs a Prometheus that scrapes nothing, on a data directory,
// with a file of rules unless it is empty.
func StartPrometheusOn(t testing.TB, dir, rules string) *Prometheus {
	t.Helper()
	home := t.TempDir()
	config := filepath.Join(home, "prometheus.yml")
	text := "global: {scrape_interval: 1m}\n"
	if rules != "" {
		write(t, filepath.Join(home, "rules.yml"), rules)
		text += "rule_files: [rules.yml]\n"
	}
	write(t, config, text)
	p, addr := startOnFreePort(t, "prometheus", tool(t, "prometheus", "prometheus"),
		func(addr string) []string {
			return []string{"--config.file=" + config, "--storage.tsdb.path=" + dir, "--storage.tsdb.retention.time=30d", "--web.listen-address=" + addr}
		},
		func(addr string) error { return answers("http://" + addr + "/-/ready") })
	return &Prometheus{Program: p, URL: "http://" + addr, Data: dir}
}

// Metric returns the sum of one of Prometheus' metrics, or the value of one series if name has
// labels.
func (p *Prometheus) Metric(t testing.TB, name string) float64 { return metric(t, p.URL, name) }

func prometheusConfig(interval time.Duration, jobs []Job) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global: {scrape_interval: %[1]s, scrape_timeout: %[1]s, evaluation_interval: 1s}\nscrape_configs:\n", model.Duration(interval))
	for _, job := range jobs {
		// JSON is YAML.
		static, err := json.Marshal([]map[string]any{{"targets": job.Targets, "labels": job.Labels}})
		if err != nil {
			panic(err) // strings alone
		}
		fmt.Fprintf(&b, "- {job_name: %q, honor_labels: %t, static_configs: %s}\n", job.Name, job.HonorLabels, static)
	}
	return b.String()
}

// Value returns the sum of an instant query's result, 0 if it is empty.
func (p *Prometheus) Value(t testing.TB, query string) float64 {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any
			}
		}
	}
	getJSON(t, p.URL+"/api/v1/query?query="+url.QueryEscape(query), &answer)
	sum := 0.0
	for _, series := range answer.Data.Result {
		v, err := strconv.ParseFloat(fmt.Sprint(series.Value[1]), 64)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		sum += v
	}
	return sum
}

// getJSON decodes the answer of url into v.
func getJSON(t testing.TB, url string, v any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // leave no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
