package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector/promapi"
)

// backfill writes three days of samples, one a minute, that end now, into a data directory of
// Prometheus, and returns the directory and the end. checkout leaks from the middle of the
// second day on, search follows the day, cart leaks again after each of its restarts, and mail
// does nothing.
func backfill(t testing.TB) (dir string, end time.Time) {
	t.Helper()
	promtool := tool(t, "prometheus", "promtool")
	const minutes = 3 * 24 * 60
	end = time.Now().Add(-5 * time.Minute).Truncate(time.Minute)
	day := func(m int) float64 { return 1 + 0.6*math.Sin(2*math.Pi*float64(m)/(24*60)) }
	services := []struct {
		job          string
		count, start func(minute int) float64 // start: of the process, in minutes
	}{
		{"checkout", func(m int) float64 { return 60*day(m) + 1.5*math.Max(0, float64(m-36*60)) }, func(int) float64 { return 0 }},
		{"search", func(m int) float64 { return 400 * day(m) }, func(int) float64 { return 0 }},
		{"cart", func(m int) float64 { return 40 + 2*float64(m%(20*60)) }, func(m int) float64 { return float64(m - m%(20*60)) }},
		{"mail", func(int) float64 { return 25 }, func(int) float64 { return 0 }},
	}
	var b bytes.Buffer
	write := func(metric, kind string, value func(i, minute int) float64) {
		fmt.Fprintf(&b, "# TYPE %s %s\n", strings.TrimSuffix(metric, "_total"), kind)
		for i, s := range services {
			for m := range minutes {
				at := end.Add(time.Duration(m-minutes+1) * time.Minute).Unix()
				fmt.Fprintf(&b, "%s{namespace=\"shop\",job=%q,instance=\"%s:80\"} %g %d\n", metric, s.job, s.job, value(i, m), at)
			}
		}
	}
	write("go_goroutines", "gauge", func(i, m int) float64 {
		noise := float64((m * 7919) % 5) // the same each time
		return math.Round(services[i].count(m) + noise)
	})
	write("process_start_time_seconds", "gauge", func(i, m int) float64 {
		return float64(end.Unix()-minutes*60) + 60*services[i].start(m)
	})
	cpu := make([]float64, len(services)) // rises with the traffic
	write("process_cpu_seconds_total", "counter", func(i, m int) float64 {
		if m > 0 && services[i].start(m) != services[i].start(m-1) {
			cpu[i] = 0
		}
		load := 0.2
		if services[i].job == "search" || services[i].job == "checkout" {
			load = 0.2 * day(m)
		}
		cpu[i] += 60 * load
		return cpu[i]
	})
	b.WriteString("# EOF\n")

	text := filepath.Join(t.TempDir(), "history.om")
	require.NoError(t, os.WriteFile(text, b.Bytes(), 0o600))
	dir = filepath.Join(t.TempDir(), "data")
	out, err := exec.CommandContext(t.Context(), promtool, "tsdb", "create-blocks-from", "openmetrics", text, dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir, end
}

// scanReport is the JSON of scan.
type scanReport struct {
	ServicesScanned int `json:"services_scanned"`
	SeriesScanned   int `json:"series_scanned"`
	Leaks           []struct {
		Service       map[string]string
		Instances     []string
		State         string
		Onset         time.Time
		DetectedAt    time.Time `json:"detected_at"`
		GrowthPerHour struct{ Value float64 }
	}
	Compare struct {
		Both     int
		OnlyRule int `json:"only_rule"`
		Services []struct {
			Service    map[string]string
			DetectedAt *time.Time `json:"detected_at"`
			FiredAt    *time.Time `json:"fired_at"`
			Firings    int
		}
	}
}

// scan runs `gorowatch scan --format=json` and returns the report and the exit
// code.
func scan(t testing.TB, flags ...string) (scanReport, int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), built(t, buildGorowatch, "gorowatch"), append([]string{"scan", "--format=json"}, flags...)...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	var r scanReport
	require.NoError(t, json.Unmarshal(out.Bytes(), &r), "%v\n%s%s", err, stderr.String(), out.String())
	return r, cmd.ProcessState.ExitCode()
}

// leaking returns which jobs leak at the end, and when they were first detected.
func (r scanReport) leaking() map[string]time.Time {
	out := map[string]time.Time{}
	for _, l := range r.Leaks {
		job := l.Service["job"]
		if at, ok := out[job]; !ok || l.DetectedAt.Before(at) {
			out[job] = l.DetectedAt
		}
	}
	return out
}

// A scan over Prometheus' API and one of its disk agree, and the comparison with a common rule
// shows which was first.
func TestScanOfARealPrometheus(t *testing.T) {
	dir, end := backfill(t)
	onDisk, code := scan(t, "--tsdb.path="+dir, "--fail-on-leak")
	require.Equal(t, 1, code)
	require.Equal(t, 4, onDisk.ServicesScanned)
	require.Equal(t, 4, onDisk.SeriesScanned)
	leaks := onDisk.leaking()
	require.Contains(t, leaks, "checkout")
	require.Contains(t, leaks, "cart")
	require.NotContains(t, leaks, "search", "it follows the day")
	require.NotContains(t, leaks, "mail")
	onset := end.Add(-36 * time.Hour)
	require.WithinRange(t, leaks["checkout"], onset, onset.Add(8*time.Hour))

	prometheus := StartPrometheusOn(t, dir, "")
	compare := "deriv(go_goroutines[1h]) > 0.01 for 10m"
	overHTTP, code := scan(t, "--prometheus.url="+prometheus.URL, "--since=73h", "--compare="+compare)
	require.Equal(t, 0, code)
	require.Equal(t, 4, overHTTP.ServicesScanned)
	again := overHTTP.leaking()
	require.Len(t, again, len(leaks))
	for job, at := range leaks {
		require.Contains(t, again, job)
		// rate() is too low in the first minutes of a process, so its load seems to grow with
		// the leak.
		require.WithinDuration(t, at, again[job], 3*time.Hour, "%s", job)
	}

	// The rule sees the leaks too, and the morning.
	fired := map[string]bool{}
	for _, s := range overHTTP.Compare.Services {
		require.Equal(t, s.FiredAt != nil, s.Firings > 0)
		if s.FiredAt != nil {
			fired[s.Service["job"]] = true
		}
	}
	require.Equal(t, map[string]bool{"checkout": true, "cart": true, "search": true}, fired)
	require.Equal(t, 2, overHTTP.Compare.Both)
	require.GreaterOrEqual(t, overHTTP.Compare.OnlyRule, 1)

	blocksAreExact(t, prometheus.URL, end)

	// Prometheus' own explanation of an invalid expression is shown.
	cmd := exec.CommandContext(t.Context(), built(t, buildGorowatch, "gorowatch"), "scan", "--prometheus.url="+prometheus.URL, "--since=1h", "--compare=deriv(go_goroutines) for 5m")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Equal(t, 2, cmd.ProcessState.ExitCode())
	require.Contains(t, string(out), "expected type range vector in call to function \"deriv\", got instant vector")
}

// blocksAreExact compares Prometheus' minima of blocks with those of all samples, across
// restarts.
func blocksAreExact(t *testing.T, address string, end time.Time) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	src, err := promapi.New(promapi.Options{URL: u, Client: &http.Client{Transport: transport}})
	require.NoError(t, err)
	const length = 5 * time.Minute
	to := end.Add(-time.Hour).Truncate(length)
	from := to.Add(-48 * time.Hour)
	fine, err := src.Window(t.Context(), from.Add(-1), to.Add(-time.Minute))
	require.NoError(t, err)
	coarse, err := src.Blocks(t.Context(), from, to, length)
	require.NoError(t, err)
	require.Len(t, coarse.Series, 4)
	floors := map[string]map[int64]float64{}
	starts := map[string]map[int64]map[float64]bool{}
	for _, s := range fine.Series {
		job := s.Labels.Get("job")
		floors[job], starts[job] = map[int64]float64{}, map[int64]map[float64]bool{}
		for _, x := range s.Samples {
			n := x.T / length.Milliseconds()
			if floor, ok := floors[job][n]; !ok || x.Count < floor {
				floors[job][n] = x.Count
			}
			if starts[job][n] == nil {
				starts[job][n] = map[float64]bool{}
			}
			starts[job][n][x.Start] = true
		}
	}
	for _, s := range coarse.Series {
		job := s.Labels.Get("job")
		blocks := map[int64]bool{}
		for _, x := range s.Samples {
			n := x.T / length.Milliseconds()
			blocks[n] = true
			require.Equal(t, floors[job][n], x.Count, "%s at %s", job, time.UnixMilli(x.T))
			require.Equal(t, map[float64]bool{x.Start: true}, starts[job][n], "a block of one process")
		}
		for n, all := range starts[job] {
			if !blocks[n] {
				require.Equal(t, "cart", job, "a block is missing of one that has not restarted")
			} else {
				require.Len(t, all, 1)
			}
		}
		require.GreaterOrEqual(t, len(blocks), len(starts[job])-4, "%s", job)
	}
}
