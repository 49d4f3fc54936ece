package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// startVictoriaMetrics runs a VictoriaMetrics with three days of two services that end in a few
// minutes: checkout leaks since the second half of the second day, search follows the day.
func startVictoriaMetrics(t *testing.T) (url string) {
	t.Helper()
	path := tool(t, "victoriametrics", "victoria-metrics")
	data := filepath.Join(t.TempDir(), "data")
	_, addr := startOnFreePort(t, "victoria-metrics", path,
		func(addr string) []string {
			return []string{"-httpListenAddr=" + addr, "-storageDataPath=" + data, "-retentionPeriod=1", "-search.disableCache", "-memory.allowedBytes=64MB"}
		},
		func(addr string) error { return answers("http://" + addr + "/health") })
	url = "http://" + addr

	const minutes = 3 * 24 * 60
	end := time.Now().Add(10 * time.Minute).Truncate(time.Minute)
	var b bytes.Buffer
	for m := range minutes {
		at := end.Add(time.Duration(m-minutes+1) * time.Minute).UnixMilli()
		day := 1 + 0.6*math.Sin(2*math.Pi*float64(m)/(24*60))
		for job, count := range map[string]float64{"checkout": 60*day + 1.5*math.Max(0, float64(m-36*60)), "search": 400 * day} {
			labels := fmt.Sprintf(`{namespace="shop",job=%q,instance="%s:80"}`, job, job)
			fmt.Fprintf(&b, "go_goroutines%s %g %d\n", labels, math.Round(count+float64((m*7919)%5)), at)
			fmt.Fprintf(&b, "process_start_time_seconds%s %d %d\n", labels, end.Unix()-minutes*60, at)
			// The integral of 0.2 CPUs at the traffic of the day.
			cpu := 0.2 * 60 * (float64(m) + 0.6*(24*60)/(2*math.Pi)*(1-math.Cos(2*math.Pi*float64(m)/(24*60))))
			fmt.Fprintf(&b, "process_cpu_seconds_total%s %g %d\n", labels, cpu, at)
		}
	}
	post(t, url+"/api/v1/import/prometheus", b.Bytes())
	Eventually(t, startTime, "VictoriaMetrics shows what it was given", func() error {
		var answer struct{ Data struct{ Result []any } }
		getJSON(t, fmt.Sprintf("%s/api/v1/query?query=go_goroutines&time=%d", url, end.Add(-time.Hour).Unix()), &answer)
		if n := len(answer.Data.Result); n != 2 {
			return fmt.Errorf("%d series", n)
		}
		return nil
	})
	return url
}

func post(t testing.TB, url string, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Close = true // leave no idle connection behind
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 2, resp.StatusCode/100, resp.Status)
}

// A scan of a VictoriaMetrics finds the leak and nothing else. The daemon, which reads most of
// the history in block minima, sees it at once.
func TestVictoriaMetrics(t *testing.T) {
	t.Parallel()
	url := startVictoriaMetrics(t)
	report, code := scan(t, "--prometheus.url="+url, "--since=70h", "--fail-on-leak")
	require.Equal(t, 1, code)
	require.Equal(t, 2, report.ServicesScanned)
	require.Contains(t, report.leaking(), "checkout")
	require.NotContains(t, report.leaking(), "search", "it follows the day")

	g := StartGorowatch(t, t.TempDir(), "prometheus: {url: '"+url+"'}\n")
	g.WaitReady(t) // then the history is read
	require.Equal(t, 2.0, g.Metric(t, "gorowatch_series"))
	var answer json.RawMessage
	getJSON(t, g.URL+"/api/v1/services", &answer)
	require.Equal(t, 1.0, g.Metric(t, `gorowatch_services{verdict="leaking"}`), "%s", answer)
	require.Zero(t, g.Metric(t, `gorowatch_services{verdict="suspicious"}`), "%s", answer)
}
