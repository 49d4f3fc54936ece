package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/test/e2e"
)

func write(t *testing.T, path, text string) string {
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestNewFailsWithEverythingUndone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "file"), "")

	for name, c := range map[string]struct {
		change func(o *Options)
		text   string
	}{
		"no address":          {func(o *Options) { o.Web = nil }, "--web.listen-address"},
		"missing file":        {func(o *Options) { o.ConfigFile = filepath.Join(dir, "none.yml") }, "none.yml: no such file"},
		"mistake in the file": {func(o *Options) { o.ConfigFile = write(t, filepath.Join(dir, "c.yml"), "trend: {base: 2d}") }, "trend.base: 2d is out of range"},
		"nothing to watch":    {func(o *Options) { o.Config.Prometheus.URL.URL = nil }, "there is nothing to watch: set --prometheus.url"},
		"not a URL":           {func(o *Options) { o.PrometheusURL = "http://u:hunter2@%zz" }, "--prometheus.url: not a URL: invalid URL escape"},
		"not a Prometheus":    {func(o *Options) { o.PrometheusURL = "prometheus:9090" }, "prometheus.url: "},
		"address in use":      {func(o *Options) { addSecond(o, taken.Addr().String()) }, "address already in use"},
		"no such address":     {func(o *Options) { addSecond(o, "127.0.0.1:http?") }, "--web.listen-address"},
		"bad external URL":    {func(o *Options) { o.ExternalURL = "gorowatch.example.org" }, `--web.external-url: "gorowatch.example.org", expected http://`},
		"missing web config":  {func(o *Options) { none := filepath.Join(dir, "web.yml"); o.Web.WebConfigFile = &none }, "--web.config.file"},
		"unknown bucket":      {func(o *Options) { o.StorageURL = "gopher://x" }, `storage.url: scheme "gopher"`},
		"bucket is a file":    {func(o *Options) { o.StorageURL = "file://" + file }, "not a directory"},
		"missing token file":  {func(o *Options) { withCA(o, filepath.Join(dir, "ca.pem")) }, "ca.pem"},
		"metrics exist": {func(o *Options) {
			o.Registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "gorowatch_alerting_alertmanagers"}))
		}, "alerting metrics"},
		"web metrics exist": {func(o *Options) {
			o.Registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "gorowatch_web_requests_total"}))
		}, "web: metrics"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := e2e.FreeAddress(t)
			o := Options{Web: listenOn(addr), Config: fast(t, "http://127.0.0.1:1"), Registry: prometheus.NewRegistry()}
			c.change(&o)
			a, err := New(t.Context(), o)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "hunter2")
			require.Nil(t, a)
			l, err := net.Listen("tcp", addr)
			require.NoError(t, err, "the listener is closed")
			require.NoError(t, l.Close())
		})
	}
}

func addSecond(o *Options, addr string) {
	both := append(*o.Web.WebListenAddresses, addr)
	o.Web.WebListenAddresses = &both
}

func withCA(o *Options, file string) {
	o.Config.Prometheus.HTTPClientConfig.TLSConfig.CAFile = file
}

// withUnreadableLeaks makes a bucket whose leaks cannot be listed, by a link to itself.
func withUnreadableLeaks(t *testing.T) string {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "leaks"), 0o700))
	require.NoError(t, os.Symlink("loop.json", filepath.Join(dir, "leaks", "loop.json")))
	return dir
}

func TestStopWithoutRun(t *testing.T) {
	addr := e2e.FreeAddress(t)
	a, err := New(t.Context(), Options{Web: listenOn(addr), Config: fast(t, "http://127.0.0.1:1")})
	require.NoError(t, err)
	require.Equal(t, addr, a.Addr())
	_, err = net.Listen("tcp", addr)
	require.Error(t, err, "the address is bound")
	require.NoError(t, a.Stop())
	require.NoError(t, a.Stop(), "once is enough")
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// From start to end: healthy at once, ready after the first evaluation, gone after the signal.
func TestLife(t *testing.T) {
	prom := newPrometheus(t)
	release := make(chan struct{})
	prom.breaks(func(w http.ResponseWriter, r *http.Request) { // the first reading takes its time
		select {
		case <-release:
			prom.breaks(nil)
			prom.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
	r := start(t, Options{Config: fast(t, prom.URL), Flags: map[string]string{"prometheus.url": "from-a-flag"}})

	code, text := r.get("/-/healthy")
	require.Equal(t, http.StatusOK, code, text)
	code, text = r.get("/-/ready")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, text, "first evaluation")
	require.Contains(t, r.page("/"), "the first evaluation is not done yet")

	close(release)
	r.cycle(2)
	code, _ = r.get("/-/ready")
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, r.page("/"), "the first evaluation is not done yet")
	require.NotContains(t, r.page("/"), "cannot be read")
	require.Contains(t, r.page("/services"), "shop")
	require.Contains(t, r.page("/targets"), "127.0.0.1:1")
	require.Contains(t, r.page("/status"), "from-a-flag")
	require.Contains(t, r.page("/status"), "evaluation_interval: 100ms")
	require.Len(t, r.Services(), 1)
	require.Equal(t, 7.0, r.Services()[0].Count)
	require.Equal(t, 1.0, r.metric("gorowatch_series"))
	require.GreaterOrEqual(t, r.metric(`gorowatch_evaluations_total{result="ok"}`), 2.0)
	require.Equal(t, 1.0, r.metric("gorowatch_config_last_reload_successful"))
	code, _ = r.get("/api/v1/leaks/nobody")
	require.Equal(t, http.StatusNotFound, code)
	code, _ = r.get("/api/v1/profiles/nobody/20260301T120000Z.pb.gz")
	require.Equal(t, http.StatusNotFound, code)

	require.NoError(t, r.stop())
	_, err := net.Dial("tcp", r.Addr())
	require.Error(t, err, "nobody listens any more")
}

func TestPrometheusOfTheCommandLineComesFirst(t *testing.T) {
	fromFlag, fromFile := newPrometheus(t), newPrometheus(t)
	r := start(t, Options{Config: fast(t, fromFile.URL), PrometheusURL: fromFlag.URL})
	r.cycle(1)
	require.Positive(t, fromFlag.requests())
	require.Zero(t, fromFile.requests())
}

// Prometheus fails in some way. The cycle continues, the pages show why, and the log has it
// once. Then it works again.
func TestPrometheusThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		reason  string
		text    string
	}{
		"503": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", 503) }, "status", "503 Service Unavailable"},
		"web page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>Sign in</html>"))
		}, "bad_data", "is this the URL of a Prometheus"},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout", "deadline exceeded"},
		"hangs up": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		}, "refused", ""},
		"login": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "unauthorized", "it wants a login"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			prom := newPrometheus(t)
			prom.breaks(c.handler)
			conf := fast(t, strings.Replace(prom.URL, "//", "//reader:hunter2@", 1))
			if c.reason == "timeout" {
				conf.Prometheus.Timeout = model.Duration(300 * time.Millisecond)
			}
			r := start(t, Options{Config: conf})
			r.cycle(3)
			code, _ := r.get("/-/ready")
			require.Equal(t, http.StatusServiceUnavailable, code)
			healthy, _ := r.get("/-/healthy")
			require.Equal(t, http.StatusOK, healthy)
			page := r.page("/")
			require.Contains(t, page, "Cannot read series since the start: prometheus "+prom.URL)
			require.Contains(t, page, c.text)
			require.GreaterOrEqual(t, r.metric(`gorowatch_evaluations_total{result="`+c.reason+`"}`), 3.0)
			require.Equal(t, 1, r.logged("Cannot read series"), r.log)
			require.Equal(t, 1, r.logged("reason="+c.reason))

			prom.breaks(nil)
			conf.Prometheus.Timeout = config.Default().Prometheus.Timeout
			require.NoError(t, r.Reload(t.Context()))
			for code != http.StatusOK {
				r.cycle(1)
				code, _ = r.get("/-/ready")
			}
			require.NotContains(t, r.page("/"), "cannot be read")
			require.Equal(t, 1, r.logged("Cannot read series"), r.log)
			require.Equal(t, 1, r.logged("Series can be read again"))
			require.NotContains(t, r.log.String(), "hunter2")
			require.NotContains(t, page, "hunter2")
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := start(t, Options{Config: fast(t, "http://127.0.0.1:1")})
		r.cycle(3)
		require.Contains(t, r.page("/"), "connection refused")
		require.Equal(t, 1, r.logged("Cannot read series"), r.log)
	})
}

func TestReload(t *testing.T) {
	one, two := newPrometheus(t), newPrometheus(t)
	file := filepath.Join(t.TempDir(), "gorowatch.yml")
	const mem = "storage: {url: 'mem://'}"
	write(t, file, yaml(one.URL, mem))
	r := start(t, Options{ConfigFile: file, EnableLifecycle: true})
	r.cycle(1)
	since := r.metric("gorowatch_config_last_reload_success_timestamp_seconds")
	require.Positive(t, since)

	// With a mistake, the old configuration stays.
	write(t, file, yaml(two.URL, mem, "trend: {base: 5}"))
	code, text := r.do(http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, text, file)
	require.Equal(t, 0.0, r.metric("gorowatch_config_last_reload_successful"))
	require.Equal(t, since, r.metric("gorowatch_config_last_reload_success_timestamp_seconds"))
	before := one.requests()
	r.cycle(2)
	require.Greater(t, one.requests(), before)
	require.Zero(t, two.requests())
	require.Equal(t, 1, r.logged("Cannot reload the configuration"))
	require.Contains(t, r.page("/status"), one.URL)

	// So it does if the new one is valid but cannot run.
	write(t, file, "global: {evaluation_interval: 100ms}\n"+mem)
	require.ErrorContains(t, r.Reload(t.Context()), "there is nothing to watch")
	write(t, file, yaml(two.URL, "storage: {url: 'gopher://x'}"))
	require.ErrorContains(t, r.Reload(t.Context()), `storage.url: scheme "gopher"`)
	require.Equal(t, 0.0, r.metric("gorowatch_config_last_reload_successful"))
	r.cycle(1)
	require.Zero(t, two.requests())

	// The mistake is corrected.
	write(t, file, yaml(two.URL, mem))
	code, text = r.do(http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusOK, code, text)
	require.Equal(t, 1.0, r.metric("gorowatch_config_last_reload_successful"))
	require.GreaterOrEqual(t, r.metric("gorowatch_config_last_reload_success_timestamp_seconds"), since)
	before = one.requests()
	r.cycle(2)
	require.Positive(t, two.requests())
	require.Equal(t, before, one.requests(), "the old one is left alone")
	require.Contains(t, r.page("/status"), two.URL)

	// The labels of services may change too, also in the archive.
	write(t, file, yaml(two.URL, mem, "services: {group_by: [instance]}"))
	require.NoError(t, r.Reload(t.Context()))
	r.cycle(1)
	require.Equal(t, `{instance="127.0.0.1:1"}`, r.Services()[0].Labels.String())
	ref, err := r.archive.SaveProfile(t.Context(), r.Services()[0].Labels, "i", time.Unix(0, 0), &collector.Profile{})
	require.NoError(t, err)
	require.Equal(t, "profiles/127.0.0.1:1/i/19700101T000000Z.pb.gz", ref.Key)
}

func TestReloadByRequestMustBeAllowed(t *testing.T) {
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL)})
	code, _ := r.do(http.MethodPost, "/-/reload")
	require.Equal(t, http.StatusForbidden, code)
	require.NoError(t, r.Reload(t.Context()), "the signal always is")
}

// The interval is an hour, until a reload makes it ten a second. The reload does not wait for
// the end of the hour.
func TestReloadChangesTheInterval(t *testing.T) {
	prom := newPrometheus(t)
	file := filepath.Join(t.TempDir(), "gorowatch.yml")
	write(t, file, strings.Replace(yaml(prom.URL, "storage: {url: 'mem://'}"), "interval: 100ms", "interval: 1h", 1))
	r := start(t, Options{ConfigFile: file})
	<-r.cycles // the first is at once
	write(t, file, yaml(prom.URL, "storage: {url: 'mem://'}"))
	require.NoError(t, r.Reload(t.Context()))
	r.cycle(2)
}

// Without a Prometheus, static targets are scraped; a reload changes them.
func TestEmbeddedScraping(t *testing.T) {
	metrics := func(n string) *httptest.Server {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/varz" {
				_, _ = w.Write([]byte("go_goroutines " + n + "\n"))
				return
			}
			http.NotFound(w, r)
		}))
		t.Cleanup(srv.Close)
		return srv
	}
	one, two := metrics("11"), metrics("22")
	conf := func(srv *httptest.Server) string {
		return "global: {evaluation_interval: 100ms}\ntrend: {base: 100ms}\nstorage: {url: 'mem://'}\n" +
			"targets: [{static: ['" + srv.Listener.Addr().String() + "'], labels: {job: shop}, metrics_path: /varz}]\n"
	}
	file := write(t, filepath.Join(t.TempDir(), "gorowatch.yml"), conf(one))
	r := start(t, Options{ConfigFile: file})
	count := func() float64 {
		services := r.Services()
		if len(services) == 0 {
			return 0
		}
		require.Equal(t, `{job="shop"}`, services[0].Labels.String())
		return services[0].Count
	}
	for count() != 11 {
		r.cycle(1)
	}
	require.GreaterOrEqual(t, r.metric(`gorowatch_scrapes_total{result="ok"}`), 1.0)
	write(t, file, conf(two))
	require.NoError(t, r.Reload(t.Context()))
	for n := count(); n != 22 && n != 33; n = count() { // the old instance is remembered for a while
		r.cycle(1)
	}
}

// A request for a reload at shutdown gets an answer, and does not block the shutdown.
func TestReloadAtTheEnd(t *testing.T) {
	evaluating, release := make(chan struct{}), make(chan struct{})
	first := true
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL), EnableLifecycle: true, OnLeaks: func(time.Time, []leak.Leak) {
		if first {
			first = false
			close(evaluating)
			<-release
		}
	}})
	<-evaluating
	answered := make(chan error, 1)
	go func() { answered <- r.Reload(context.WithoutCancel(t.Context())) }()
	r.cancel()
	close(release)
	require.NoError(t, r.stop())
	if err := <-answered; err != nil { // it may have been in time
		require.ErrorIs(t, err, errEnded)
	}
	require.ErrorIs(t, r.Reload(t.Context()), errEnded)
}

// A firing leak is in the bucket at the start: Alertmanager gets it, the pages show it, and it
// ends with its instances.
func TestLeakFromTheBucket(t *testing.T) {
	alerts := make(chan string, 100)
	am := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var list []struct{ Labels, Annotations map[string]string }
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, a := range list {
			alerts <- a.Labels["job"] + " " + a.Labels["leak"] + " " + a.Labels["cluster"]
		}
	}))
	defer am.Close()
	dir := t.TempDir()
	old, err := archive.Open(t.Context(), "file://"+dir, archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }})
	require.NoError(t, err)
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	require.NoError(t, old.SaveLeak(t.Context(), leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), State: leak.Firing, Evidence: leak.Growth,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
	}))
	require.NoError(t, old.Close())

	conf := fast(t, newPrometheus(t).URL)
	conf.Storage.URL = "file://" + dir
	conf.Global.ExternalLabels = map[string]string{"cluster": "c-1"}
	conf.Alerting.Alertmanagers = []config.Alertmanager{{
		Scheme: "http", Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
		StaticConfigs: []config.StaticConfig{{Targets: []string{am.Listener.Addr().String()}}},
	}}
	r := start(t, Options{Config: conf})
	select {
	case got := <-alerts:
		require.Equal(t, "shop abc123 c-1", got)
	case <-time.After(patience):
		t.Fatalf("no alert\n%s", r.log)
	}
	require.Contains(t, r.page("/leaks/abc123"), "shop")
	require.Contains(t, r.page("/status"), am.Listener.Addr().String())
	require.NoError(t, r.stop())
}

func TestBucketThatNobodyHasChosen(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "file"), "")
	log := &buffer{}
	o := archive.Options{
		GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil },
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	_, _, err := openBucket(t.Context(), "file://"+file+"/gorowatch", true, o)
	require.ErrorContains(t, err, file, "who chose it must know")

	b, notice, err := openBucket(t.Context(), "file://"+file+"/gorowatch", false, o)
	require.NoError(t, err)
	require.Contains(t, notice, "kept in memory and lost on exit")
	require.Contains(t, notice, file)
	require.Contains(t, notice, "--storage.url")
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"))
	require.NoError(t, b.SaveLeak(t.Context(), leak.Leak{ID: "x"}))
	require.NoError(t, b.Close())

	a := &App{}
	a.memoryNotice.Store(&notice)
	require.Equal(t, []string{notice}, a.lastingNotices())
}

// Leaks of earlier runs cannot be read: gorowatch watches nevertheless, and the pages say so.
func TestBucketThatCannotBeRead(t *testing.T) {
	dir := withUnreadableLeaks(t)
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL), StorageURL: "file://" + dir})
	r.cycle(2)
	require.Contains(t, r.page("/"), "to the archive;")
	require.Equal(t, 1, r.logged("Cannot write to the archive"))
	require.NoError(t, os.Remove(filepath.Join(dir, "leaks", "loop.json")))
	for strings.Contains(r.page("/"), "to the archive;") {
		r.cycle(1)
	}
}

// Two processes on one bucket: both say so in a log line, a metric and a banner, until one
// ends.
func TestTwoOnOneBucket(t *testing.T) {
	dir := t.TempDir()
	prom := newPrometheus(t)
	one := start(t, Options{Config: fast(t, prom.URL), StorageURL: "file://" + dir})
	one.cycle(1)
	require.NotContains(t, one.page("/"), "Another gorowatch")
	two := start(t, Options{Config: fast(t, prom.URL), StorageURL: "file://" + dir})
	for _, r := range []*running{one, two} {
		for !strings.Contains(r.page("/"), "Another gorowatch (process ") {
			r.cycle(1)
		}
		require.Equal(t, 1.0, r.metric("gorowatch_archive_shared"))
		require.Equal(t, 1, r.logged("Another gorowatch writes"))
	}
	require.NoError(t, two.stop())
	for strings.Contains(one.page("/"), "Another gorowatch") {
		one.cycle(1)
	}
	require.Zero(t, one.metric("gorowatch_archive_shared"))
}

// A reload moves to another bucket, which gets the firing leaks. A bucket that cannot be opened
// changes nothing.
func TestReloadChangesTheBucket(t *testing.T) {
	prom := newPrometheus(t)
	dir := t.TempDir()
	o := archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }}
	since := time.Now().Add(-time.Hour).Truncate(time.Second)
	save := func(id, job string) string {
		url := "file://" + filepath.ToSlash(filepath.Join(dir, job))
		a, err := archive.Open(t.Context(), url, o)
		require.NoError(t, err)
		require.NoError(t, a.SaveLeak(t.Context(), leak.Leak{
			ID: id, Service: labels.FromStrings("namespace", "prod", "job", job), State: leak.Firing, Evidence: leak.Growth,
			Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
		}))
		require.NoError(t, a.Close())
		return url
	}
	one, two := save("one", "shop"), save("two", "mail")
	file := filepath.Join(dir, "gorowatch.yml")
	write(t, file, yaml(prom.URL, "storage: {url: '"+one+"'}"))
	r := start(t, Options{ConfigFile: file})
	r.cycle(1)
	ids := func() (out []string) {
		for _, l := range (state{r.App}).Leaks() {
			out = append(out, l.ID)
		}
		return out
	}
	require.Equal(t, []string{"one"}, ids())

	write(t, file, yaml(prom.URL, "storage: {url: 'file://"+file+"'}"))
	require.ErrorContains(t, r.Reload(t.Context()), "not a directory")
	r.cycle(1)
	require.Equal(t, []string{"one"}, ids())

	write(t, file, yaml(prom.URL, "storage: {url: '"+two+"'}"))
	require.NoError(t, r.Reload(t.Context()))
	for len(ids()) < 2 {
		r.cycle(1)
	}
	require.Equal(t, []string{"one", "two"}, ids())
	for {
		if _, err := os.Stat(filepath.Join(dir, "mail", "leaks", "one.json")); err == nil {
			break
		}
		r.cycle(1)
	}
	require.NoError(t, r.stop())
}

func TestExternalURL(t *testing.T) {
	hostname, err := os.Hostname()
	require.NoError(t, err)
	for _, c := range []struct{ given, addr, want string }{
		{"", "127.0.0.1:10980", "http://127.0.0.1:10980/"},
		{"", "[::1]:80", "http://[::1]:80/"},
		{"", "0.0.0.0:10980", "http://" + hostname + ":10980/"},
		{"", "[::]:10980", "http://" + hostname + ":10980/"},
		{"http://g.example.org", "127.0.0.1:1", "http://g.example.org/"},
		{"https://g.example.org:8443/tools/leaks", "127.0.0.1:1", "https://g.example.org:8443/tools/leaks/"},
		{"https://g.example.org/tools//", "127.0.0.1:1", "https://g.example.org/tools/"},
	} {
		got, err := externalURL(c.given, c.addr)
		require.NoError(t, err)
		require.Equal(t, c.want, got.String())
		_, err = url.Parse(got.String())
		require.NoError(t, err)
	}
	for _, bad := range []string{"g.example.org", "g.example.org:80", "/leaks", "ftp://g", "http://", "http://g/?a=b", "http://g/#x", "http://%zz"} {
		_, err := externalURL(bad, "127.0.0.1:1")
		require.ErrorContains(t, err, "--web.external-url", bad)
	}
}

func TestPagesUnderAPrefix(t *testing.T) {
	r := start(t, Options{Config: fast(t, newPrometheus(t).URL), ExternalURL: "https://example.org/leaks"})
	require.Equal(t, "https://example.org/leaks/", r.ExternalURL().String())
	code, _ := r.get("/leaks/-/healthy")
	require.Equal(t, http.StatusOK, code)
	code, _ = r.get("/-/healthy")
	require.Equal(t, http.StatusNotFound, code)
}
