package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// scanEnd is the end of the fake Prometheus's history.
var scanEnd = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// fakePrometheus has two days of services: shop/checkout begins to leak after the first,
// shop/search does not. Alerts on search come and go. watch gets each query, one at a time.
func fakePrometheus(t *testing.T, watch func(query string)) string {
	t.Helper()
	var mtx sync.Mutex
	counts := map[string]func(hours float64) float64{
		"checkout": func(h float64) float64 { return 40 + 400*max(0, h-24) },
		"search":   func(float64) float64 { return 40 },
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		mtx.Lock()
		watch(query)
		mtx.Unlock()
		w.Header().Set("Content-Type", "application/json")
		var result []any
		for job, count := range counts {
			var value func(hours float64) (float64, bool)
			switch {
			case strings.Contains(query, `job="none"}`), strings.Contains(query, "target_info"):
				value = func(float64) (float64, bool) { return 0, false }
			case strings.HasPrefix(query, "go_goroutines >"):
				value = func(h float64) (float64, bool) { return count(h), count(h) > 4000 || job == "search" && h > 2 && h < 3 }
			case isCounts(query):
				value = func(h float64) (float64, bool) { return count(h), true }
			case strings.HasPrefix(query, "rate("):
				value = func(float64) (float64, bool) { return 0.1, true }
			case strings.Contains(query, "process_start_time_seconds"):
				value = func(float64) (float64, bool) { return 1000, true }
			default:
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:5: parse error: unexpected end of input"}`)
				return
			}
			start, _ := strconv.ParseFloat(r.FormValue("start"), 64)
			end, _ := strconv.ParseFloat(r.FormValue("end"), 64)
			step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
			var values []any
			for x := start; x <= end+1e-3; x += step {
				if v, ok := value((x - float64(scanEnd.Add(-48*time.Hour).Unix())) / 3600); ok {
					values = append(values, []any{x, strconv.FormatFloat(v, 'f', -1, 64)})
				}
			}
			if values != nil {
				result = append(result, map[string]any{
					"metric": map[string]string{"namespace": "shop", "job": job, "instance": job + ":80"}, "values": values,
				})
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"status": "success", "data": map[string]any{"resultType": "matrix", "result": append([]any{}, result...)},
		})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// scanOf runs a scan of two days, and returns its exit code and output.
func scanOf(t *testing.T, url string, flags ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	code = run(append([]string{"scan", "--prometheus.url=" + url, "--since=48h", "--end=" + scanEnd.Format(time.RFC3339)}, flags...), &out, &said)
	return code, out.String(), said.String()
}

func nothing(string) {}

func TestScanOfAPrometheus(t *testing.T) {
	url := fakePrometheus(t, nothing)
	code, stdout, stderr := scanOf(t, url)
	require.Equal(t, exitOK, code, stderr)
	require.Empty(t, stderr)
	require.Regexp(t, `(?m)^SERVICE .*\nshop/checkout +\+[34]\d\d .* 1 of 1 `, stdout)
	require.Contains(t, stdout, "1 leak, 1 open in 2 series of 2 services from 2026-03-01 12:00 UTC to 2026-03-03 12:00 UTC, a sample every 1m.")

	code, stdout, _ = scanOf(t, url, "--format=json", "--fail-on-leak")
	require.Equal(t, exitLeak, code)
	var report struct {
		Leaks []struct {
			Service    map[string]string
			State      string
			DetectedAt time.Time `json:"detected_at"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report))
	require.Len(t, report.Leaks, 1)
	require.Equal(t, map[string]string{"namespace": "shop", "job": "checkout"}, report.Leaks[0].Service)
	require.Equal(t, "firing", report.Leaks[0].State)
	require.True(t, report.Leaks[0].DetectedAt.After(scanEnd.Add(-24*time.Hour)))

	code, stdout, _ = scanOf(t, url, "--format=markdown", "--group-by=job", "--step=5m")
	require.Equal(t, exitOK, code)
	require.Contains(t, stdout, "\n| checkout | +")
}

// The daemon's configuration has all that a scan needs to reach its Prometheus.
func TestScanWithTheConfigurationOfServe(t *testing.T) {
	queries := map[string]bool{}
	prometheus := fakePrometheus(t, func(q string) { queries[q] = true })
	target, err := url.Parse(prometheus)
	require.NoError(t, err)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if password != "s3cret" || r.FormValue("dedup") != "true" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		// The form is parsed; the request continues as a GET.
		r.Method, r.Body, r.ContentLength = http.MethodGet, http.NoBody, 0
		r.URL.RawQuery = r.Form.Encode()
		(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }}).ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	file := filepath.Join(t.TempDir(), "gorowatch.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
prometheus:
  url: `+front.URL+`
  params: {dedup: ["true"]}
  basic_auth: {username: reader, password: s3cret}
  selector: '{namespace="shop"}'
services: {group_by: [job]}
`), 0o600))
	var out, said bytes.Buffer
	args := []string{"scan", "--config.file=" + file, "--since=48h", "--end=" + scanEnd.Format(time.RFC3339)}
	require.Equal(t, exitOK, run(args, &out, &said), said.String())
	require.Regexp(t, `(?m)^SERVICE .*\ncheckout +\+[34]\d\d .* 1 of 1 `, out.String())
	require.True(t, queries[countsOf+`,namespace="shop"}`], queries)

	out.Reset()
	require.Equal(t, exitOK, run(append(args, "--group-by=namespace", "--group-by=job", `--selector={job=~"c.*"}`), &out, &said), said.String())
	require.Regexp(t, `(?m)^shop/checkout `, out.String(), "flags come first")
	require.True(t, queries[countsOf+`,job=~"c.*"}`], queries)

	said.Reset()
	require.Equal(t, exitFail, run(append(args, "--prometheus.url="+front.URL+"/", "--http.config.file="+os.DevNull), &out, &said))
	require.Contains(t, said.String(), "403 Forbidden")
	require.NotContains(t, said.String(), "s3cret")
}

// Nothing leaks yet, and so nothing fails.
func TestScanBeforeTheLeak(t *testing.T) {
	var out, said bytes.Buffer
	code := run([]string{
		"scan", "--prometheus.url=" + fakePrometheus(t, nothing), "--fail-on-leak",
		"--start=2026-03-01T13:00:00Z", "--end=2026-03-02T12:00:00Z",
	}, &out, &said)
	require.Equal(t, exitOK, code, said.String())
	require.Contains(t, out.String(), "No leak in 2 series of 2 services")
}

func TestScanSelects(t *testing.T) {
	var queries []string
	url := fakePrometheus(t, func(q string) { queries = append(queries, q) })
	code, stdout, stderr := scanOf(t, url, `--selector={job="none"}`)
	require.Equal(t, exitFail, code)
	require.Empty(t, stdout)
	require.Equal(t, "gorowatch: no go_goroutines series from 2026-03-01 12:00 UTC to 2026-03-03 12:00 UTC: "+
		"does Prometheus scrape Go services, do --selector and the time match?\n", stderr)
	require.Contains(t, strings.Join(queries, "\n"), `rate(process_cpu_seconds_total{job="none"}[5m])`)
}

func TestScanComparesWithARule(t *testing.T) {
	url := fakePrometheus(t, nothing)
	code, stdout, stderr := scanOf(t, url, "--compare=go_goroutines > 4000 for 15m")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "Compared with go_goroutines > 4000 for 15m:")
	// 4 000 are passed 594 minutes after noon; the rule waits for 15.
	require.Regexp(t, `(?m)^shop/checkout +Mar  2 \d\d:\d\d, firing +Mar  2 22:10, firing +gorowatch, \d+ h +1 on checkout:80$`, stdout)
	require.Regexp(t, `(?m)^shop/search +– +Mar  1 14:16, recovered +only rule +1 on search:80$`, stdout)
	require.Contains(t, stdout, "Both 1, only gorowatch 0, only the rule 1 (of which 1 recovered by themselves).")

	code, stdout, stderr = scanOf(t, url, "--compare=up ==")
	require.Equal(t, exitFail, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, `the rule to compare with: prometheus `+url+`: query "up ==": bad_data: invalid parameter "query": 1:5: parse error: unexpected end of input`)
}

func TestScanExplainsAService(t *testing.T) {
	url := fakePrometheus(t, nothing)
	code, stdout, stderr := scanOf(t, url, "--explain=check")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, stdout, "shop/checkout: leaks since 2026-03-02 12:")
	require.Contains(t, stdout, "Over time:")

	code, _, stderr = scanOf(t, url, "--explain=serach")
	require.Equal(t, exitFail, code)
	require.Contains(t, stderr, `gorowatch: there is no service "serach" among 2, the nearest are shop/search, shop/checkout`)
}

// The user interrupts after a day.
func TestInterruptedScan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	url := fakePrometheus(t, func(q string) {
		if n++; n > 3*7 { // three queries a window of six hours
			cancel()
		}
	})
	var out, said bytes.Buffer
	c := newCLI(&out, &said)
	name, err := c.Parse([]string{"scan", "--prometheus.url=" + url, "--since=48h", "--end=" + scanEnd.Format(time.RFC3339)})
	require.NoError(t, err)
	err = c.commands[name](ctx, &out, &said)
	require.ErrorContains(t, err, "interrupted")
	require.Contains(t, said.String(), "gorowatch: the scan ended early, at 2026-03-0")
	require.Contains(t, out.String(), "series of 2 services from 2026-03-01 12:00 UTC")
}

// A label that groups nothing is an error, unless it is one of the default.
func TestScanByALabelThatNoSeriesHas(t *testing.T) {
	url := fakePrometheus(t, nothing)
	code, _, stderr := scanOf(t, url, "--group-by=team")
	require.Equal(t, exitFail, code)
	require.Regexp(t, `^gorowatch: --group-by: no series has the label "team"; they have .*job`, stderr)
}

// countsOf is the beginning of the query for the counts.
const countsOf = `{__name__=~"go_goroutines|go_goroutine_count|process_runtime_go_goroutines|go_sched_goroutines_goroutines"`

// isCounts distinguishes the query for the counts from those for load and start.
func isCounts(query string) bool { return strings.HasPrefix(query, countsOf) }

// A scan alerts from the same confidence on as the daemon.
func TestScanTakesTheConfidenceOfServe(t *testing.T) {
	detected := func(least string) string {
		file := filepath.Join(t.TempDir(), "gorowatch.yml")
		require.NoError(t, os.WriteFile(file, []byte("alerting: {min_confidence: "+least+", suspect_confidence: 0.1}\n"), 0o600))
		var out, said bytes.Buffer
		args := []string{"scan", "--format=json", "--config.file=" + file, "--prometheus.url=" + fakePrometheus(t, nothing), "--since=48h", "--end=" + scanEnd.Format(time.RFC3339)}
		require.Equal(t, exitOK, run(args, &out, &said), said.String())
		var report struct {
			Leaks []struct {
				At string `json:"detected_at"`
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &report))
		require.NotEmpty(t, report.Leaks)
		return report.Leaks[0].At
	}
	require.Less(t, detected("0.5"), detected("0.95"))
}
