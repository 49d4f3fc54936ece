package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// goService serves the metrics of a Go service whose goroutines increase with every scrape.
func goService(t testing.TB) (addr string) {
	t.Helper()
	began := time.Now()
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "go_goroutines %d\nprocess_start_time_seconds %d\nprocess_cpu_seconds_total %g\nother_total 1\n",
			n.Add(1), began.Unix()-3600, 0.1*time.Since(began).Seconds())
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// Without any Prometheus gorowatch scrapes and stores series. Killed in the middle and started
// again, it continues, and a scan reads the same folder while it is in use.
func TestEmbeddedSeriesOutliveKill9(t *testing.T) {
	t.Parallel()
	dir, series := t.TempDir(), filepath.Join(t.TempDir(), "series")
	config := "global: {evaluation_interval: 1s}\ntrend: {base: 1s}\n" +
		"targets: [{static: ['" + goService(t) + "'], labels: {namespace: shop, job: checkout}}]\n"
	before := StartGorowatch(t, dir, config, "--storage.tsdb.path="+series)
	Eventually(t, startTime, "ten samples", func() error {
		if n := before.Metric(t, "gorowatch_samples_total"); n < 10 {
			return fmt.Errorf("%g", n)
		}
		return nil
	})
	before.Kill(t)

	after := StartGorowatch(t, dir, config, "--storage.tsdb.path="+series)
	after.WaitReady(t)
	require.GreaterOrEqual(t, after.Metric(t, "gorowatch_samples_total"), 10.0, "it has read what was there")

	report, code := scan(t, "--tsdb.path="+series, "--step=1s")
	require.Equal(t, 0, code)
	require.Equal(t, 1, report.SeriesScanned)

	// Only wanted series are stored.
	after.Stop(t)
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(series, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, err := os.ReadFile(path)
			names["other_total"] = names["other_total"] || strings.Contains(string(text), "other_total")
			names["go_goroutines"] = names["go_goroutines"] || strings.Contains(string(text), "go_goroutines")
			return err
		}
		return err
	}))
	require.Equal(t, map[string]bool{"other_total": false, "go_goroutines": true}, names)
}

// The data directory of a running Prometheus, with everything still in its write-ahead log: it
// is read, and nothing in it is changed.
func TestScanOfADirectoryInUse(t *testing.T) {
	t.Parallel()
	prometheus := StartPrometheus(t, Job{Name: "checkout", Labels: map[string]string{"namespace": "shop"}, Targets: []string{goService(t)}})
	Eventually(t, startTime, "samples", func() error {
		if n := prometheus.Value(t, "max(go_goroutines)"); n < 6 {
			return fmt.Errorf("%g", n)
		}
		return nil
	})
	folders := func() (out []string) {
		entries, err := os.ReadDir(prometheus.Data)
		require.NoError(t, err)
		for _, e := range entries {
			out = append(out, e.Name())
		}
		return out
	}
	before := folders()
	for range 2 {
		report, code := scan(t, "--tsdb.path="+prometheus.Data, "--step=1s")
		require.Equal(t, 0, code)
		require.Equal(t, 1, report.ServicesScanned)
		require.Equal(t, 1, report.SeriesScanned)
	}
	require.Equal(t, before, folders())
	require.GreaterOrEqual(t, prometheus.Value(t, "max(go_goroutines)"), 6.0, "it goes on")
}
