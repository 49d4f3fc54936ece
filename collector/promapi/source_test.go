package promapi

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server answers range queries: the handler gets the expression.
func server(t *testing.T, h func(w http.ResponseWriter, r *http.Request, expr string), change ...func(*Options)) (*Source, *prometheus.Registry) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		h(w, r, r.Form.Get("query"))
	}))
	t.Cleanup(srv.Close)
	return source(t, srv.URL, srv.Client(), change...)
}

func source(t *testing.T, addr string, client *http.Client, change ...func(*Options)) (*Source, *prometheus.Registry) {
	t.Helper()
	u, err := url.Parse(addr)
	require.NoError(t, err)
	u.User = url.UserPassword("reader", "hunter2")
	reg := prometheus.NewRegistry()
	o := Options{URL: u, Client: client, Step: time.Minute, Timeout: time.Minute, MaxPoints: 10, MaxBytes: 1 << 20, Metrics: NewMetrics(reg)}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	s.client.FirstWait = time.Millisecond
	return s, reg
}

// matrix writes an answer; series are "labels → value at a time".
func matrix(w http.ResponseWriter, warnings []string, series ...any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"status": "success", "warnings": warnings,
		"data": map[string]any{"resultType": "matrix", "result": append([]any{}, series...)},
	})
}

type value = [2]any

func stream(metric map[string]string, points ...value) any {
	return map[string]any{"metric": metric, "values": points}
}

func at(t0 time.Time, minutes int, v string) value {
	return value{float64(t0.Unix() + int64(minutes)*60), v}
}

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestWindowJoinsByLabels(t *testing.T) {
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, expr string) {
		a := map[string]string{"__name__": "go_goroutines", "job": "x", "instance": "a"}
		b := map[string]string{"__name__": "go_goroutines", "job": "x", "instance": "b"}
		switch {
		case isCounts(expr):
			matrix(w, []string{"PromQL warning: partial"}, stream(a, at(t0, 1, "10"), at(t0, 2, "11")), stream(b, at(t0, 2, "20")))
		case strings.HasPrefix(expr, "rate("): // fewer labels: one load for both
			matrix(w, []string{"PromQL warning: partial"}, stream(map[string]string{"job": "x"}, at(t0, 1, "0.5"), at(t0, 2, "0.75")))
		default:
			matrix(w, nil, stream(map[string]string{"__name__": "process_start_time_seconds", "job": "x", "instance": "b"}, at(t0, 2, "1234.5")))
		}
	})
	w, err := s.Window(t.Context(), t0, t0.Add(2*time.Minute))
	require.NoError(t, err)
	require.Equal(t, []string{"PromQL warning: partial"}, w.Warnings)
	require.Len(t, w.Series, 2)
	a, b := w.Series[0], w.Series[1]
	require.Equal(t, `{instance="a", job="x"}`, a.Labels.String())
	require.Len(t, a.Samples, 2)
	require.Equal(t, 11.0, a.Samples[1].Count)
	require.Equal(t, 0.75, a.Samples[1].Load)
	require.True(t, math.IsNaN(a.Samples[1].Start), "no start time known")
	require.Equal(t, collector.Sample{T: t0.Add(2 * time.Minute).UnixMilli(), Count: 20, Load: 0.75, Creates: true, Start: 1234.5}, b.Samples[0])
}

func TestWindowIsChunked(t *testing.T) {
	var ranges []string
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request, expr string) {
		if !isCounts(expr) {
			matrix(w, nil)
			return
		}
		ranges = append(ranges, r.Form.Get("start")+".."+r.Form.Get("end"))
		var start, end int64
		_, _ = fmt.Sscan(r.Form.Get("start"), &start)
		_, _ = fmt.Sscan(r.Form.Get("end"), &end)
		var points []value
		for x := start; x <= end; x += 60 {
			points = append(points, value{x, "5"})
		}
		matrix(w, nil, stream(map[string]string{"instance": "a"}, points...))
	})
	w, err := s.Window(t.Context(), t0, t0.Add(25*time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series[0].Samples, 25, "(from, to]: from itself was read before")
	require.Equal(t, t0.Add(time.Minute).UnixMilli(), w.Series[0].Samples[0].T)
	require.Len(t, ranges, 3)

	w, err = s.Window(t.Context(), t0, t0)
	require.NoError(t, err)
	require.Empty(t, w.Series)
}

func TestUnusableDataAreDropped(t *testing.T) {
	a := map[string]string{"instance": "a"}
	s, reg := server(t, func(w http.ResponseWriter, _ *http.Request, expr string) {
		if !isCounts(expr) {
			matrix(w, nil, stream(a, at(t0, 1, "+Inf"), at(t0, 4, "NaN")))
			return
		}
		matrix(w, nil,
			stream(a, at(t0, 1, "1"), at(t0, 2, "NaN"), at(t0, 1, "7"), at(t0, 3, "+Inf"), at(t0, 4, "4")),
			stream(a, at(t0, 1, "99")))
	})
	w, err := s.Window(t.Context(), t0, t0.Add(4*time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 1)
	require.Len(t, w.Series[0].Samples, 2)
	for _, x := range w.Series[0].Samples {
		require.True(t, math.IsNaN(x.Load))
	}
	require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_prometheus_dropped_total Samples and series from Prometheus that were dropped as unusable.
# TYPE gorowatch_prometheus_dropped_total counter
gorowatch_prometheus_dropped_total{reason="duplicate_series"} 1
gorowatch_prometheus_dropped_total{reason="labels"} 0
gorowatch_prometheus_dropped_total{reason="not_a_count"} 0
gorowatch_prometheus_dropped_total{reason="not_finite"} 2
gorowatch_prometheus_dropped_total{reason="out_of_order"} 1
gorowatch_prometheus_dropped_total{reason="out_of_range"} 0
gorowatch_prometheus_dropped_total{reason="series_limit"} 0
`), "gorowatch_prometheus_dropped_total"))
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		reason  collector.Reason
		text    string
	}{
		"login": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
			collector.ReasonUnauthorized, "it wants a login",
		},
		"forbidden": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
			collector.ReasonUnauthorized, "it wants a login",
		},
		"not found": {http.NotFound, collector.ReasonNotFound, "no Prometheus API there"},
		"busy":      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, collector.ReasonRateLimited, "429"},
		"unavailable": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) },
			collector.ReasonStatus, "503 Service Unavailable",
		},
		"html": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<html>Sign in</html>")
		}, collector.ReasonBadData, "web page"},
		"another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere.example.org/api/v1/query_range", http.StatusTemporaryRedirect)
		}, collector.ReasonRedirect, "to http://elsewhere.example.org, which does not get the credentials; set prometheus.url"},
		"empty": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
		}, collector.ReasonBadData, "answered with an empty body: is this the URL of a Prometheus, without /api/v1?"},
		"html that says it is JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "\n<!doctype html><title>Sign in</title>")
		}, collector.ReasonBadData, "answered with a web page: is this the URL of a Prometheus, or is a login in front of it?"},
		"html without a type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			fmt.Fprint(w, "<html>Sign in</html>")
		}, collector.ReasonBadData, "answered with a web page"},
		"text": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "ok")
		}, collector.ReasonBadData, "its answer is not that of a Prometheus: not JSON as expected"},
		"no data": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, `{"status":"success"}`)
		}, collector.ReasonBadData, "answered without data"},
		"login, by name": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) },
			collector.ReasonUnauthorized, "401 Unauthorized: it wants a login: set prometheus.authorization or prometheus.basic_auth in the configuration, or pass --http.config.file to gorowatch scan",
		},
		"forbidden, by name": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) },
			collector.ReasonUnauthorized, "403 Forbidden: it wants a login that may query: set prometheus.authorization or prometheus.basic_auth in the configuration, or pass --http.config.file to gorowatch scan",
		},
		"no tenant": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no org id", http.StatusUnauthorized) },
			collector.ReasonUnauthorized, "401 Unauthorized: it wants a tenant: set prometheus.http_headers in the configuration, or http_headers in the file of --http.config.file, to {X-Scope-OrgID: {values: [TENANT]}}",
		},
		"unavailable, and why": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			},
			collector.ReasonStatus, "503 Service Unavailable: it, or a proxy in front of it, is not available: no healthy upstream (asked 3 times)",
		},
		"unavailable without a word": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusServiceUnavailable)
			},
			collector.ReasonStatus, "503 Service Unavailable: it, or a proxy in front of it, is not available",
		},
		"failure, and why": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "disk on fire", http.StatusInternalServerError)
			},
			collector.ReasonStatus, "500 Internal Server Error: disk on fire",
		},
		"half of an answer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[{"met`)
		}, collector.ReasonBadData, "not that of a Prometheus"},
		"scalar": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`)
		}, collector.ReasonBadData, "scalar instead of a matrix"},
		"error of the engine": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"query processing would load too many samples"}`)
		}, collector.ReasonStatus, "too many samples"},
		"too large": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
			for range 3000 {
				fmt.Fprint(w, strings.Repeat(" ", 1000))
			}
		}, collector.ReasonTooLarge, "more than 1 MiB"},
		"reset": {func(w http.ResponseWriter, _ *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}, collector.ReasonRefused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, reg := server(t, func(w http.ResponseWriter, r *http.Request, _ string) { c.handler(w, r) })
			_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.ErrorContains(t, err, c.text)
			require.Equal(t, c.reason, collector.ReasonOf(err), err)
			require.NotContains(t, err.Error(), "hunter2")
			n, gerr := testutil.GatherAndCount(reg, "gorowatch_prometheus_queries_total")
			require.NoError(t, gerr)
			require.Equal(t, 1+len(collector.Reasons), n, "a closed set of results")
		})
	}
}

func TestSlowPrometheusTimesOut(t *testing.T) {
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(release)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	s, err := New(Options{URL: u, Client: srv.Client(), Timeout: 50 * time.Millisecond})
	require.NoError(t, err)
	_, err = s.Window(context.Background(), t0, t0.Add(time.Minute))
	require.Equal(t, collector.ReasonTimeout, collector.ReasonOf(err), err)
}

func TestRefused(t *testing.T) {
	s, _ := source(t, "http://127.0.0.1:1", &http.Client{Transport: &http.Transport{}})
	_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.Equal(t, collector.ReasonRefused, collector.ReasonOf(err), err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestLoadOfAYoungProcessIsUnknown(t *testing.T) {
	a := map[string]string{"instance": "a"}
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, expr string) {
		switch {
		case isCounts(expr):
			matrix(w, nil, stream(a, at(t0, 1, "10"), at(t0, 4, "10"), at(t0, 6, "10")))
		case strings.Contains(expr, "process_start_time_seconds"):
			start := fmt.Sprint(t0.Unix())
			matrix(w, nil, stream(a, at(t0, 1, start), at(t0, 4, start), at(t0, 6, start)))
		default:
			matrix(w, nil, stream(a, at(t0, 1, "0.1"), at(t0, 4, "0.4"), at(t0, 6, "0.5")))
		}
	})
	w, err := s.Window(t.Context(), t0, t0.Add(6*time.Minute))
	require.NoError(t, err)
	x := w.Series[0].Samples
	require.True(t, math.IsNaN(x[0].Load) && math.IsNaN(x[1].Load), "a rate over five minutes of a process of four")
	require.InDelta(t, 0.5, x[2].Load, 1e-9)
}

func TestLoadExpressionIsChecked(t *testing.T) {
	_, err := New(Options{URL: &url.URL{}, Client: &http.Client{}, Load: "rate("})
	require.ErrorContains(t, err, `load "rate("`)
}

// isCounts distinguishes the query for the counts from those for load and start.
func isCounts(expr string) bool { return strings.Contains(expr, "go_goroutines") }

// oneName has one metric for each signal.
func oneName(t *testing.T) signals.Set {
	set, err := signals.Parse(signals.Names{Goroutines: []string{"go_goroutines"}, Load: []string{"process_cpu_seconds_total"}, Start: []string{"process_start_time_seconds"}})
	require.NoError(t, err)
	return set
}
