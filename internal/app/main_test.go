package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/exporter-toolkit/web"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds how long a test waits for something that must happen.
const patience = 2 * time.Minute

// fakePrometheus scrapes one healthy service.
type fakePrometheus struct {
	*httptest.Server

	mtx     sync.Mutex
	broken  http.HandlerFunc // answers instead, if set
	queries int
}

func newPrometheus(t *testing.T) *fakePrometheus {
	p := &fakePrometheus{}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *fakePrometheus) breaks(h http.HandlerFunc) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.broken = h
}

func (p *fakePrometheus) requests() int {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return p.queries
}

func (p *fakePrometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mtx.Lock()
	broken := p.broken
	p.queries++
	p.mtx.Unlock()
	if broken != nil {
		broken(w, r)
		return
	}
	var data any
	switch r.URL.Path {
	case "/api/v1/query_range":
		data = map[string]any{"resultType": "matrix", "result": []any{p.series(r)}}
	case "/api/v1/targets":
		data = map[string]any{"activeTargets": []any{}}
	default:
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": data})
}

// series is 7 at every step.
func (p *fakePrometheus) series(r *http.Request) any {
	number := func(name string) float64 {
		x, _ := strconv.ParseFloat(r.Form.Get(name), 64)
		return x
	}
	start, end, step := number("start"), number("end"), number("step")
	var values []any
	for i := 0; start+float64(i)*step <= end+step/1000; i++ {
		values = append(values, []any{start + float64(i)*step, "7"})
	}
	return map[string]any{"metric": map[string]string{"namespace": "prod", "job": "shop", "instance": "127.0.0.1:1"}, "values": values}
}

// fast makes a configuration for tests: ten evaluations a second.
func fast(t *testing.T, prom string) *config.Config {
	c := config.Default()
	c.Global.EvaluationInterval = model.Duration(100 * time.Millisecond)
	c.Trend.Base = model.Duration(100 * time.Millisecond)
	c.Storage.URL = "mem://"
	u, err := url.Parse(prom)
	require.NoError(t, err)
	c.Prometheus.URL.URL = u
	return &c
}

// listenOn returns the flags of the web server.
func listenOn(addresses ...string) *web.FlagConfig {
	none, no := "", false
	return &web.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &no, WebConfigFile: &none}
}

// buffer is a log that may be read while it is written.
type buffer struct {
	mtx sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.buf.String()
}

// running is an App that runs.
type running struct {
	*App
	t      *testing.T
	log    *buffer
	client *http.Client
	cycles chan []leak.Leak
	cancel context.CancelFunc
	done   chan error
}

// start makes an App and runs it until the test ends.
func start(t *testing.T, o Options) *running {
	t.Helper()
	r := &running{t: t, log: &buffer{}, cycles: make(chan []leak.Leak, 1), done: make(chan error, 1)}
	r.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	if o.Web == nil {
		o.Web = listenOn("127.0.0.1:0")
	}
	o.Logger = slog.New(slog.NewTextHandler(r.log, nil))
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.OnLeaks == nil {
		o.OnLeaks = func(_ time.Time, leaks []leak.Leak) {
			select {
			case r.cycles <- leaks:
			default:
			}
		}
	}
	var err error
	r.App, err = New(t.Context(), o)
	require.NoError(t, err)
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(t.Context())
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() {
		r.cancel()
		if err, ok := <-r.done; ok {
			require.NoError(t, err)
		}
	})
	return r
}

// stop ends it and waits.
func (r *running) stop() error {
	r.cancel()
	defer close(r.done)
	return <-r.done
}

// cycle waits for n evaluations that begin after the call.
func (r *running) cycle(n int) (leaks []leak.Leak) {
	r.t.Helper()
	deadline := time.After(patience)
	for range n + 2 { // one may have been waiting, one may be in progress
		select {
		case leaks = <-r.cycles:
		case <-deadline:
			r.t.Fatalf("no evaluation\n%s", r.log)
		}
	}
	return leaks
}

func (r *running) do(method, path string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.Addr()+path, nil)
	require.NoError(r.t, err)
	resp, err := r.client.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(body)
}

func (r *running) get(path string) (int, string) {
	r.t.Helper()
	return r.do(http.MethodGet, path)
}

// metric returns the value of a sample on /metrics, by its whole name.
func (r *running) metric(name string) float64 {
	r.t.Helper()
	_, text := r.get("/metrics")
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			x, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			require.NoError(r.t, err)
			return x
		}
	}
	r.t.Fatalf("no metric %s", name)
	return 0
}

// page returns the text of a page, with the entities that tests need resolved.
func (r *running) page(path string) string {
	r.t.Helper()
	code, text := r.get(path)
	require.Equal(r.t, http.StatusOK, code, text)
	return strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&", "&#43;", "+").Replace(text)
}

func (r *running) logged(what string) int { return strings.Count(r.log.String(), what) }

// yaml writes a configuration file for a Prometheus, and more lines.
func yaml(prom string, more ...string) string {
	return fmt.Sprintf("global: {evaluation_interval: 100ms}\ntrend: {base: 100ms}\nprometheus: {url: %q}\n%s\n", prom, strings.Join(more, "\n"))
}
