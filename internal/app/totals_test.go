package app

import (
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
)

// startJob starts a server that has profiles and no metrics.
func startJob(t *testing.T) (address string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// leakUntilTheEnd keeps starting goroutines that wait for ever.
func leakUntilTheEnd(t *testing.T, every time.Duration) {
	t.Helper()
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-end:
				return
			case <-time.After(every):
				go forgottenWorker(end)
			}
		}
	}()
	t.Cleanup(func() { close(end); <-done })
}

func forgottenWorker(end chan struct{}) { <-end }

// totalsConfig watches a target that only has profiles, ten times a second.
func totalsConfig(t *testing.T, address string) *config.Config {
	c := fast(t, "http://127.0.0.1:1")
	c.Prometheus.URL.URL = nil
	c.Profiles.DumpLimit = 100_000 // a slow machine has more of them before the third dump
	c.Profiles.BaselineInterval = model.Duration(2 * time.Second)
	c.Profiles.SuspicionInterval = model.Duration(200 * time.Millisecond)
	c.Targets = []config.TargetSet{targetSet(t, `static: ["`+address+`"]
labels: {job: batch}`)}
	return c
}

// A program with profiles and without metrics is watched by them, without a Prometheus: its
// leak fires with its stack.
func TestLeakOfAProgramWithoutMetrics(t *testing.T) {
	r := start(t, Options{Config: totalsConfig(t, startJob(t))})
	leakUntilTheEnd(t, 30*time.Millisecond)
	begin := time.Now()
	for {
		require.Less(t, time.Since(begin), patience, "no leak fires: %+v", r.monitor.Leaks())
		if leaks := r.monitor.Leaks(); len(leaks) > 0 && leaks[0].State == leak.Firing && leaks[0].Evidence.Above(leak.Growth) {
			require.Equal(t, `{job="batch"}`, leaks[0].Service.String())
			require.True(t, strings.HasSuffix(leaks[0].Stacks[0].Key.Func, "forgottenWorker"), leaks[0].Stacks[0].Key.Func)
			t.Logf("fires after %s", time.Since(begin))
			return
		}
		r.cycle(1)
	}
}

// With a Prometheus that has other series, it is listed among the targets, and counted.
func TestProgramWithoutMetricsBesideAPrometheus(t *testing.T) {
	address := startJob(t)
	conf := totalsConfig(t, address)
	conf.Prometheus.URL = fast(t, newPrometheus(t).URL).Prometheus.URL
	r := start(t, Options{Config: conf})
	page := r.eventually("/api/v1/targets", `"state":"up"`)
	require.Contains(t, page, "http://"+address+"/debug/pprof/goroutine")
	r.eventually("/api/v1/services", `"job":"batch"`)
	require.NotContains(t, r.eventually("/targets", address), "no watched series is of this target")
}

// It can be turned off.
func TestProgramsWithoutMetricsAreNotWatchedIfTurnedOff(t *testing.T) {
	conf := totalsConfig(t, startJob(t))
	conf.Profiles.Totals = false
	r := start(t, Options{Config: conf})
	r.cycle(10)
	require.Empty(t, r.monitor.Services())
	require.Contains(t, r.eventually("/targets", "no watched series is of this target"), "0 up")
}
