package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// replicated answers like two replicas of a Prometheus that nothing merges: replica b sees a
// goroutine more, and begins after ten hours; a is away from the 30th hour to the 40th.
func replicated(t *testing.T, prometheus string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		resp, err := http.Post(prometheus+r.URL.Path, "application/x-www-form-urlencoded", strings.NewReader(r.Form.Encode()))
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		var answer struct {
			Status string `json:"status"`
			Data   struct {
				ResultType string `json:"resultType"`
				Result     []struct {
					Metric map[string]string `json:"metric"`
					Values [][2]any          `json:"values"`
				} `json:"result"`
			} `json:"data"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Error(err)
			return
		}
		one := answer.Data.Result
		answer.Data.Result = one[:0:0]
		for _, s := range one {
			for _, replica := range []string{"a", "b"} {
				copied := s
				copied.Metric, copied.Values = map[string]string{"prometheus_replica": replica}, nil
				for k, v := range s.Metric {
					copied.Metric[k] = v
				}
				for _, v := range s.Values {
					hour := (v[0].(float64)-float64(scanEnd.Unix()))/3600 + 48
					if replica == "b" && hour < 10 || replica == "a" && hour >= 30 && hour < 40 {
						continue
					}
					if n, err := strconv.Atoi(v[1].(string)); err == nil && replica == "b" && isCounts(r.Form.Get("query")) {
						v[1] = strconv.Itoa(n + 1)
					}
					copied.Values = append(copied.Values, v)
				}
				if len(copied.Values) > 0 {
					answer.Data.Result = append(answer.Data.Result, copied)
				}
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// Two replicas of a Prometheus give the same result as one: the same leaks with the same ids,
// growth and instances.
func TestScanOfReplicas(t *testing.T) {
	type report struct {
		Series int `json:"series_scanned"`
		Leaks  []struct {
			ID        string
			Instances []string
			Growth    struct{ Value float64 } `json:"growth_per_hour"`
			Leaked    float64
		}
	}
	scan := func(url string, flags ...string) (r report) {
		code, stdout, stderr := scanOf(t, url, append(flags, "--format=json")...)
		require.Equal(t, exitOK, code, stderr)
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		require.Len(t, r.Leaks, 1)
		return r
	}
	single := fakePrometheus(t, nothing)
	pair := replicated(t, single)
	want, got := scan(single), scan(pair)
	require.Equal(t, 2, got.Series)
	require.Equal(t, want.Leaks[0].ID, got.Leaks[0].ID)
	require.Equal(t, []string{"checkout:80"}, got.Leaks[0].Instances)
	require.InDelta(t, want.Leaks[0].Growth.Value, got.Leaks[0].Growth.Value, 0.02*want.Leaks[0].Growth.Value)
	require.InDelta(t, want.Leaks[0].Leaked, got.Leaks[0].Leaked, 0.02*want.Leaks[0].Leaked)

	for _, flags := range [][]string{{"--replica-label="}, {"--replica-label=elsewhere"}, {"--group-by=namespace", "--group-by=job", "--group-by=prometheus_replica"}} {
		code, stdout, stderr := scanOf(t, pair, append(flags, "--format=json")...)
		require.Equal(t, exitOK, code, stderr)
		require.Contains(t, stdout, `"series_scanned": 4`, fmt.Sprint(flags))
	}
	file := filepath.Join(t.TempDir(), "gorowatch.yml")
	require.NoError(t, os.WriteFile(file, []byte("prometheus: {replica_labels: []}\n"), 0o600))
	_, stdout, _ := scanOf(t, pair, "--config.file="+file, "--format=json")
	require.Contains(t, stdout, `"series_scanned": 4`)
	code, _, stderr := scanOf(t, pair, "--replica-label=instance")
	require.Equal(t, exitFail, code)
	require.Equal(t, "gorowatch: --replica-label: \"instance\" tells instances apart, expected a label of the replicas of a Prometheus, e.g. prometheus_replica\n", stderr)
}
