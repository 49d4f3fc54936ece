//go:build unix

package pprof

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// BenchmarkCost measures the cost of a profile for the target, a real program in its own
// process: its CPU time (user and system, with the garbage collector), the time for which its
// world stops, and the bytes. docs/costs.md has the figures.
func BenchmarkCost(b *testing.B) {
	program := filepath.Join(b.TempDir(), "costs")
	build := exec.Command("go", "build", "-o", program, "./testdata/costs")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOEXPERIMENT=goroutineleakprofile")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	for _, n := range []int{100, 1_000, 10_000, 100_000} {
		u := runCosts(b, program, n)
		for _, c := range []struct {
			name  string
			kind  collector.ProfileKind
			debug int
		}{
			{"proto", collector.KindGoroutine, 0},
			{"debug=2", collector.KindGoroutine, 2},
			{"goroutineleak", collector.KindGoroutineLeak, 0},
		} {
			b.Run(fmt.Sprintf("%s/goroutines=%d", c.name, n), func(b *testing.B) {
				client := &http.Client{Transport: &http.Transport{}}
				defer client.CloseIdleConnections()
				f := New(Options{Timeout: 5 * time.Minute, Limits: Limits{Body: 1 << 30}})
				size := 0
				before := usedBy(b, client, u)
				for b.Loop() {
					p, err := f.Fetch(b.Context(), client, u, c.kind, c.debug)
					require.NoError(b, err)
					size = p.Size
				}
				after := usedBy(b, client, u)
				cpu := (after.CPU - before.CPU) / float64(b.N)
				b.ReportMetric(cpu*1e3, "target-ms/op")
				b.ReportMetric(cpu*1e6/float64(n), "target-µs/goroutine")
				b.ReportMetric((after.Pauses-before.Pauses)*1e3/float64(b.N), "stopped-ms/op")
				b.ReportMetric(float64(size), "bytes/op")
			})
		}
	}
}

// runCosts runs the program with n goroutines until the benchmark ends, and
// returns the URL of its goroutine profile.
func runCosts(b *testing.B, program string, n int) *url.URL {
	cmd := exec.Command(program, strconv.Itoa(n))
	end, err := cmd.StdinPipe()
	require.NoError(b, err)
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() {
		_ = end.Close()
		_ = cmd.Wait()
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(b, err)
	return &url.URL{Scheme: "http", Host: strings.TrimSpace(addr), Path: "/debug/pprof/goroutine"}
}

// usedBy asks the program for its use of resources.
func usedBy(b *testing.B, client *http.Client, u *url.URL) (used struct{ CPU, Pauses float64 }) {
	resp, err := client.Get("http://" + u.Host + "/used")
	require.NoError(b, err)
	defer resp.Body.Close()
	require.NoError(b, json.NewDecoder(resp.Body).Decode(&used))
	return used
}
