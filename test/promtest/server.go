package promtest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/stretchr/testify/require"
)

// Server is a Prometheus that does not scrape: tests append the samples.
type Server struct {
	// Dir is its data directory, URL its address.
	Dir string
	URL *url.URL

	db     *tsdb.DB
	engine *promql.Engine

	mtx     sync.Mutex
	queries []string
}

// Start starts a Server, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir()}
	o := tsdb.DefaultOptions()
	o.RetentionDuration, o.StripeSize = 0, 1<<10
	var err error
	s.db, err = tsdb.Open(s.Dir, slog.New(slog.DiscardHandler), nil, o, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.db.Close()) })
	s.engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 50_000_000, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	t.Cleanup(func() { _ = s.engine.Close() })
	mux := http.NewServeMux()
	mux.HandleFunc("/", s.serve)
	mux.HandleFunc("/api/v1/label/{name}/values", s.serveValues)
	web := httptest.NewServer(mux)
	t.Cleanup(web.Close)
	s.URL, err = url.Parse(web.URL)
	require.NoError(t, err)
	return s
}

// Append adds samples of one time. Each is a series, labels with a name, and its value.
func (s *Server) Append(t testing.TB, at time.Time, samples map[string]float64) {
	t.Helper()
	app := s.db.Appender(context.Background())
	for text, v := range samples {
		_, err := app.Append(0, Labels(t, text), at.UnixMilli(), v)
		require.NoError(t, err)
	}
	require.NoError(t, app.Commit())
}

// Queries returns the expressions queried since the last call, in order.
func (s *Server) Queries() []string {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	out := s.queries
	s.queries = nil
	slices.Sort(out)
	return out
}

// seconds returns a parameter of a request.
func seconds(r *http.Request, name string) float64 {
	v, _ := strconv.ParseFloat(r.Form.Get(name), 64)
	return v
}

// moment returns a parameter of a request that is a time.
func moment(r *http.Request, name string) time.Time {
	return time.UnixMilli(int64(seconds(r, name) * 1000))
}

// serve answers a range query.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	expr := r.Form.Get("query")
	s.mtx.Lock()
	s.queries = append(s.queries, expr)
	s.mtx.Unlock()
	fail := func(err error) {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
	}
	w.Header().Set("Content-Type", "application/json")
	q, err := s.engine.NewRangeQuery(r.Context(), s.db, nil, expr, moment(r, "start"), moment(r, "end"), time.Duration(seconds(r, "step")*float64(time.Second)))
	if err != nil {
		fail(err)
		return
	}
	defer q.Close()
	result := q.Exec(r.Context())
	m, err := result.Matrix()
	if err != nil {
		fail(err)
		return
	}
	warnings, infos := result.Warnings.AsStrings(expr, 10, 10)
	series := []any{}
	for _, x := range m {
		var values [][2]any
		for _, p := range x.Floats {
			values = append(values, [2]any{float64(p.T) / 1000, strconv.FormatFloat(p.F, 'f', -1, 64)})
		}
		series = append(series, map[string]any{"metric": x.Metric, "values": values})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{
		"status": "success", "warnings": warnings, "infos": infos,
		"data": map[string]any{"resultType": "matrix", "result": series},
	})
}
