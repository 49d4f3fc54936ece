package promapi

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// TestHistory: the server reduces the samples, and is asked for one service.
func TestHistory(t *testing.T) {
	var mtx sync.Mutex
	asked := map[string]bool{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		query := r.Form.Get("query")
		mtx.Lock()
		asked[query] = true
		mtx.Unlock()
		value := "1000"
		switch {
		case strings.HasPrefix(query, "min_over_time"):
			value = "10"
		case strings.HasPrefix(query, "max_over_time"):
			value = "30"
		case strings.HasPrefix(query, "rate"):
			value = "0.5"
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{
			"resultType": "matrix",
			"result": []any{map[string]any{
				"metric": map[string]string{"job": "shop", "instance": "a"},
				"values": []any{[]any{7200, value}, []any{14400, value}},
			}},
		}})
	}))
	defer srv.Close()
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	s, err := New(Options{URL: u, Client: client, Selector: `{env="prod"}`, Signals: oneName(t)})
	require.NoError(t, err)

	service := labels.FromStrings("job", `sh"op`)
	h, err := s.History(t.Context(), service, []string{"namespace", "job"}, time.Unix(0, 0), time.Unix(3*3600, 0), time.Hour)
	require.NoError(t, err)
	const narrowed = `{env="prod",namespace="",job="sh\"op"}`
	require.Equal(t, map[string]bool{
		"min_over_time(go_goroutines" + narrowed + "[1h])":    true,
		"max_over_time(go_goroutines" + narrowed + "[1h])":    true,
		"rate(process_cpu_seconds_total" + narrowed + "[1h])": true,
		"process_start_time_seconds" + narrowed:               true,
	}, asked)
	require.Equal(t, time.Unix(3600, 0), h.Start)
	require.Equal(t, 3, h.Steps)
	require.Len(t, h.Instances, 1)
	in := h.Instances[0]
	require.True(t, math.IsNaN(in.Min[0]))
	require.InDelta(t, 10, in.Min[1], 0)
	require.InDelta(t, 30, in.Max[1], 0)
	require.InDelta(t, 0.5, in.Load[1], 0)
	require.InDelta(t, 1000, in.Start[1], 0)
	require.True(t, math.IsNaN(in.Min[2]), "14400 is past the end")

	clear(asked)
	_, err = s.History(t.Context(), service, []string{"job"}, time.Unix(0, 0), time.Unix(3600, 0), time.Minute)
	require.NoError(t, err)
	require.Contains(t, asked, `go_goroutines{env="prod",job="sh\"op"}`, "short steps have a sample each")
	require.Len(t, asked, 3)
}
