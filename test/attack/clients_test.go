package attack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	_ "gocloud.dev/blob/fileblob" // the bucket of the test

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/test/e2e"
)

// password is in every credential.
const password = "hunter2"

// thief is a server that must get no request: another port of the same host.
type thief struct {
	*httptest.Server

	mtx sync.Mutex
	got []string
}

func newThief(t *testing.T) *thief {
	t.Helper()
	s := &thief{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mtx.Lock()
		defer s.mtx.Unlock()
		s.got = append(s.got, fmt.Sprintf("%s %s %v", r.Method, r.URL.Path, r.Header))
		w.WriteHeader(http.StatusNotFound)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *thief) requireNothing(t *testing.T) {
	t.Helper()
	s.mtx.Lock()
	defer s.mtx.Unlock()
	require.Empty(t, s.got, "requests at the other port")
}

// redirecting is a server that redirects requests with credentials, and counts them.
type redirecting struct {
	*httptest.Server

	mtx  sync.Mutex
	with int
}

func redirectTo(t *testing.T, other string) *redirecting {
	t.Helper()
	s := &redirecting{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := r.BasicAuth()
		s.mtx.Lock()
		if strings.Contains(r.Header.Get("Authorization")+given+r.Header.Get("X-Key"), password) {
			s.with++
		}
		s.mtx.Unlock()
		http.Redirect(w, r, other+r.URL.Path+"?token=1", http.StatusTemporaryRedirect)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *redirecting) requireCredentials(t *testing.T) {
	t.Helper()
	s.mtx.Lock()
	defer s.mtx.Unlock()
	require.Positive(t, s.with, "nobody came with credentials that could be stolen")
}

// says waits for a text in gorowatch's log.
func says(t *testing.T, g *e2e.Gorowatch, text string) {
	t.Helper()
	e2e.Eventually(t, time.Minute, "gorowatch says "+text, func() error {
		if !strings.Contains(g.Output(), text) {
			return errors.New("it does not")
		}
		return nil
	})
}

// A Prometheus that redirects to another port cannot pass credentials there, and gorowatch says
// why it reads nothing.
func TestPrometheusCannotHandOnCredentials(t *testing.T) {
	t.Parallel()
	other := newThief(t)
	prom := redirectTo(t, other.URL)
	g := e2e.StartGorowatch(t, t.TempDir(), `
global: {evaluation_interval: 100ms}
prometheus:
  url: `+prom.URL+`
  authorization: {credentials: `+password+`}
  http_headers: {X-Key: {secrets: [`+password+`]}}
`)
	says(t, g, "it redirects from "+prom.URL+" to "+other.URL+", which does not get the credentials; set prometheus.url to the address that answers")
	prom.requireCredentials(t)
	other.requireNothing(t)
	require.NotContains(t, g.Output(), password)
}

// The same holds for an Alertmanager, a webhook and a target: none can send a request, with its
// credentials, to another port.
func TestReceiversAndTargetsCannotHandOnCredentials(t *testing.T) {
	t.Parallel()
	other := newThief(t)
	am, hook, target := redirectTo(t, other.URL), redirectTo(t, other.URL), redirectTo(t, other.URL)
	prom := httptest.NewServer(http.HandlerFunc(flatSeries))
	t.Cleanup(prom.Close)
	host := func(s *redirecting) string { return strings.TrimPrefix(s.URL, "http://") }

	storage := "file://" + t.TempDir()
	openLeak(t, storage)
	g := e2e.StartGorowatch(t, t.TempDir(), `
global: {evaluation_interval: 100ms}
trend: {base: 100ms}
prometheus: {url: `+prom.URL+`}
profiles: {baseline_interval: 1s}
targets:
  - static: ["`+host(target)+`"]
    labels: {instance: "127.0.0.1:1"}
    authorization: {credentials: `+password+`}
alerting:
  alertmanagers:
    - static_configs: [{targets: ["`+host(am)+`"]}]
      basic_auth: {username: me, password: `+password+`}
  webhooks:
    - name: chat
      url: `+hook.URL+`/services
      http_config: {http_headers: {X-Key: {secrets: [`+password+`]}}}
`, "--storage.url="+storage)
	refused := func(from *redirecting) string {
		return "it redirects from " + from.URL + " to " + other.URL + ", which does not get the credentials; set "
	}
	says(t, g, refused(am)+"the address, scheme and path_prefix of alerting.alertmanagers")
	says(t, g, refused(hook)+"the url of the webhook")
	e2e.Eventually(t, time.Minute, "the target has its reason", func() error {
		for _, x := range g.Targets(t) {
			if strings.Contains(x.Error, refused(target)+"scheme, port or path") {
				return nil
			}
		}
		return fmt.Errorf("%+v", g.Targets(t))
	})
	for _, s := range []*redirecting{am, hook, target} {
		s.requireCredentials(t)
	}
	other.requireNothing(t)
	require.NotContains(t, g.Output(), password)
}

// openLeak writes a firing leak to a bucket.
func openLeak(t *testing.T, storage string) {
	t.Helper()
	bucket, err := archive.Open(t.Context(), storage, archive.Options{
		GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil },
	})
	require.NoError(t, err)
	since := time.Now().Add(-time.Hour)
	require.NoError(t, bucket.SaveLeak(t.Context(), leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), State: leak.Firing, Evidence: leak.Growth,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
	}))
	require.NoError(t, bucket.Close())
}

// flatSeries is a Prometheus with one instance.
func flatSeries(w http.ResponseWriter, r *http.Request) {
	var data any
	switch r.URL.Path {
	case "/api/v1/query_range":
		number := func(name string) float64 {
			x, _ := strconv.ParseFloat(r.FormValue(name), 64)
			return x
		}
		var values []any
		for x := number("start"); x <= number("end")+number("step")/1000; x += max(number("step"), 0.01) {
			values = append(values, []any{x, "7"})
		}
		data = map[string]any{"resultType": "matrix", "result": []any{
			map[string]any{"metric": map[string]string{"namespace": "prod", "job": "shop", "instance": "127.0.0.1:1"}, "values": values},
		}}
	case "/api/v1/targets":
		data = map[string]any{"activeTargets": []any{}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}
