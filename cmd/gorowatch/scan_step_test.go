package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// slowLeak returns a Prometheus with a week of a service that leaks 13 goroutines an
// hour, on 1,300, under the same load every day.
func slowLeak(t *testing.T) string {
	t.Helper()
	begin := scanEnd.Add(-7 * 24 * time.Hour)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		end, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
		values := [][2]any{}
		for x := start; x <= end+1e-3; x += step {
			day := 0.5 + 0.5*math.Sin(x/86400*2*math.Pi-2)
			v := 1000.0
			switch query := r.FormValue("query"); {
			case isCounts(query):
				noise := 20 * math.Sin(x*x/1e5)
				v = math.Round(1300 + 13*(x-float64(begin.Unix()))/3600 + 250*day + noise)
			case strings.HasPrefix(query, "rate("):
				v = 0.5 + day
			}
			values = append(values, [2]any{x, strconv.FormatFloat(v, 'f', -1, 64)})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": []any{map[string]any{
			"metric": map[string]string{"namespace": "prod", "job": "notify", "instance": "10.9.0.1:8080"}, "values": values,
		}}}})
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// The step of a scan decides how soon it sees something, not what it sees: hours and days are
// the same at any step.
func TestScanFindsTheSameAtAnyStep(t *testing.T) {
	url := slowLeak(t)
	type found struct {
		Onset, Detected time.Time
		Growth          float64
	}
	scan := func(step string) found {
		var out, said bytes.Buffer
		code := run([]string{
			"scan", "--prometheus.url=" + url, "--since=7d", "--end=" + scanEnd.Format(time.RFC3339), "--format=json", "--step=" + step,
		}, &out, &said)
		require.Equal(t, exitOK, code, said.String())
		var report struct {
			Leaks []struct {
				Onset         time.Time
				DetectedAt    time.Time               `json:"detected_at"`
				GrowthPerHour struct{ Value float64 } `json:"growth_per_hour"`
			}
		}
		require.NoError(t, json.Unmarshal(out.Bytes(), &report))
		require.Len(t, report.Leaks, 1, "a sample every %s", step)
		l := report.Leaks[0]
		return found{l.Onset, l.DetectedAt, l.GrowthPerHour.Value}
	}
	fine := scan("1m")
	for _, step := range []string{"30s", "5m", "15m", "1h"} {
		t.Run(fmt.Sprint("a sample every ", step), func(t *testing.T) {
			got := scan(step)
			require.InDelta(t, 13, got.Growth, 2)
			require.WithinDuration(t, fine.Onset, got.Onset, 4*time.Hour)
			require.WithinDuration(t, fine.Detected, got.Detected, 24*time.Hour)
		})
	}
}
