package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/web/view"
)

// targetSet reads a set as a configuration file has it.
func targetSet(t *testing.T, text string) config.TargetSet {
	t.Helper()
	c, err := config.Load([]byte("targets:\n- " + strings.ReplaceAll(text, "\n", "\n  ")))
	require.NoError(t, err)
	return c.Targets[0]
}

// eventually waits until a page has a text.
func (r *running) eventually(path, text string) string {
	r.t.Helper()
	var page string
	require.Eventually(r.t, func() bool {
		page = r.page(path)
		return strings.Contains(page, text)
	}, patience, 20*time.Millisecond, "%s does not say %q", path, text)
	return page
}

// A series of Prometheus whose profiles are elsewhere, behind a login, found by service
// discovery; and a target without a series.
func TestDiscoveredTarget(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); p != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		pprof.Index(w, r)
	}))
	t.Cleanup(target.Close)
	addr := strings.TrimPrefix(target.URL, "http://")
	conf := fast(t, newPrometheus(t).URL)
	conf.Profiles.BaselineInterval = model.Duration(time.Second)
	conf.Targets = []config.TargetSet{targetSet(t, `static_configs: [{targets: ["`+addr+`"]}, {targets: ["10.255.0.9:80"], labels: {instance: stranger}}]
relabel_configs: [{source_labels: [__address__], regex: '127.*', replacement: '127.0.0.1:1', target_label: instance}]
basic_auth: {username: me, password: hunter2}`)}
	r := start(t, Options{Config: conf})
	page := r.eventually("/api/v1/targets", `"state":"up"`)
	require.Contains(t, page, target.URL+"/debug/pprof/goroutine")
	page = r.eventually("/targets", "no watched series is of this target")
	require.Contains(t, page, "http://10.255.0.9:80/debug/pprof/goroutine")
	require.Contains(t, page, "1 up, 0 down, 1 unmatched")
	r.cycle(1)
	require.Equal(t, 1.0, r.metric(`gorowatch_targets{state="up"}`))
	require.Equal(t, 1.0, r.metric(`gorowatch_targets{state="unmatched"}`))

	require.NotContains(t, r.log.String(), "hunter2")
}

// The counts equal the lists, for every kind: found by Prometheus, by service discovery and in
// the configuration; up, down, refused and unused; and two at one place.
func TestCountedTargetsAreThoseListed(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(pprof.Index))
	t.Cleanup(target.Close)
	addr := strings.TrimPrefix(target.URL, "http://")
	conf := fast(t, newPrometheus(t).URL)
	conf.Profiles.BaselineInterval = model.Duration(time.Second)
	conf.Targets = []config.TargetSet{
		targetSet(t, `static_configs: [{targets: ["`+addr+`"], labels: {instance: "127.0.0.1:1"}}, {targets: ["`+addr+`"], labels: {instance: twin}}, {targets: ["10.255.0.9:80"]}, {targets: ["a/b"]}]`),
		targetSet(t, `static: ["`+addr+`", "10.255.0.8:80"]
labels: {job: nobody}`),
	}
	r := start(t, Options{Config: conf})
	r.eventually("/api/v1/targets", `"state":"up"`)
	require.Eventually(t, func() bool {
		want := map[view.TargetState]int{}
		for _, x := range (state{r.App}).Targets() {
			want[x.State]++
		}
		for _, s := range view.TargetStates {
			if r.metric(`gorowatch_targets{state="`+string(s)+`"}`) != float64(want[s]) {
				return false
			}
		}
		return want[view.TargetUp] == 1 && want[view.TargetUnmatched] == 3
	}, patience, 20*time.Millisecond)
}

// Without a Prometheus, the targets of service discovery are scraped.
func TestDiscoveredTargetsAreScraped(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			_, _ = w.Write([]byte("# TYPE go_goroutines gauge\ngo_goroutines 7\n"))
			return
		}
		pprof.Index(w, r)
	}))
	t.Cleanup(target.Close)
	conf := fast(t, "")
	conf.Prometheus.URL.URL = nil
	conf.Targets = []config.TargetSet{targetSet(t, `static_configs: [{targets: ["`+strings.TrimPrefix(target.URL, "http://")+`"], labels: {job: shop}}]`)}
	r := start(t, Options{Config: conf})
	r.eventually("/services", "shop")
	require.Eventually(t, func() bool { return r.metric("gorowatch_series") == 1 }, patience, 20*time.Millisecond)
	r.eventually("/api/v1/targets", `"instance":"`+strings.TrimPrefix(target.URL, "http://")+`"`)
}

// However a target answers, no page, log line or metric has its credentials.
func TestSecretsOfTargetsStayInside(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a request went to another host, with %v", r.Header)
	}))
	t.Cleanup(elsewhere.Close)
	for name, h := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/?token=hunter2", 302)
		},
		"echoes": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		},
		"hangs up": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan string, 100)
			target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				select {
				case asked <- r.Header.Get("Authorization") + r.Header.Get("X-Key"):
				default:
				}
				h(w, r)
			}))
			t.Cleanup(target.Close)
			u, err := url.Parse(target.URL)
			require.NoError(t, err)
			conf := fast(t, newPrometheus(t).URL)
			conf.Profiles.BaselineInterval = model.Duration(time.Second)
			conf.Targets = []config.TargetSet{targetSet(t, `static: ["`+u.Host+`"]
labels: {instance: "127.0.0.1:1"}
authorization: {credentials: hunter2}
http_headers: {X-Key: {secrets: [hunter2]}}`)}
			r := start(t, Options{Config: conf})
			r.eventually("/api/v1/targets", `"state":"down"`)
			require.Equal(t, "Bearer hunter2hunter2", <-asked)
			for _, path := range []string{"/", "/targets", "/services", "/status", "/api/v1/targets", "/api/v1/services", "/api/v1/leaks", "/metrics"} {
				_, text := r.get(path)
				require.NotContains(t, text, "hunter2", path)
			}
			require.NotContains(t, r.log.String(), "hunter2")
		})
	}
}

// If a Prometheus names a host that the entry does not allow, that host does not get the
// entry's credentials, and the page says why. An allowed target is pulled.
func TestCredentialsGoToAllowedHostsAlone(t *testing.T) {
	for name, c := range map[string]struct {
		allow string
		want  string
	}{
		"allowed":     {`["127.0.0.0/8"]`, `"state":"up"`},
		"not allowed": {`["*.prod.svc", "10.0.0.0/8"]`, `targets[0].allow does not name the host \"127.0.0.1\", so it does not get the credentials`},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				pprof.Index(w, r)
			}))
			t.Cleanup(target.Close)
			p, inner := newPrometheus(t), &fakePrometheus{}
			p.breaks(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/api/v1/targets" {
					inner.ServeHTTP(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = fmt.Fprintf(w, `{"status": "success", "data": {"activeTargets": [{"labels": {"namespace": "prod", "job": "shop", "instance": "127.0.0.1:1"}, "scrapeUrl": %q}]}}`, target.URL+"/metrics")
			})
			conf := fast(t, p.URL)
			conf.Profiles.BaselineInterval = model.Duration(time.Second)
			conf.Targets = []config.TargetSet{targetSet(t, `matchers: ['job="shop"']
allow: `+c.allow+`
authorization: {credentials: hunter2}`)}
			r := start(t, Options{Config: conf})
			r.eventually("/api/v1/targets", c.want)
			if name == "allowed" {
				require.Positive(t, asked.Load())
				return
			}
			r.eventually("/targets", `does not get the credentials`)
			r.cycle(3)
			require.Zero(t, asked.Load())
		})
	}
}
