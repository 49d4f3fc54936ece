package scrape

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inProcess is a client whose requests go to a handler without a network.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

const maxBytes = 1 << 20

var shop = labels.FromStrings("job", "shop", "instance", "a:80")

func parse(t *testing.T, s string) *url.URL {
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func scraper(t *testing.T, o Options, targets ...Target) *Scraper {
	t.Helper()
	o.Targets = targets
	s, err := New(o)
	require.NoError(t, err)
	return s
}

// only returns the one target of a Scraper.
func only(s *Scraper) *target {
	for _, t := range s.targets {
		return t
	}
	return nil
}

func samples(t *testing.T, s *Scraper, from, to time.Time) []collector.Sample {
	t.Helper()
	w, err := s.Window(t.Context(), from, to)
	require.NoError(t, err)
	if len(w.Series) == 0 {
		return nil
	}
	require.Len(t, w.Series, 1)
	require.Equal(t, shop, w.Series[0].Labels)
	return w.Series[0].Samples
}

func TestNewNeedsURLAndClient(t *testing.T) {
	_, err := New(Options{Targets: []Target{{Client: &http.Client{}}}})
	require.ErrorContains(t, err, "required")
	_, err = New(Options{Targets: []Target{{URL: parse(t, "http://a")}}})
	require.ErrorContains(t, err, "required")
}

// A real service: this test's process, as client_golang shows it.
func TestScrapeOfClientGolang(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	srv := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	defer srv.Close()
	s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, srv.URL), Client: srv.Client()})
	s.scrape(t.Context(), only(s))

	now := time.Now()
	got := samples(t, s, now.Add(-time.Minute), now.Add(time.Minute))
	require.Len(t, got, 1)
	x := got[0]
	require.InDelta(t, now.UnixMilli(), x.T, 60_000)
	require.Greater(t, x.Count, 1.0)
	require.True(t, math.IsNaN(x.Load), "of one scrape there is no rate")
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		require.InDelta(t, now.Unix(), x.Start, 24*3600)
	}
	require.Equal(t, 1.0, testutil.ToFloat64(s.o.Metrics.scrapes.WithLabelValues("ok")))
}

// service is a service whose metrics the test sets.
type service struct {
	mtx        sync.Mutex
	goroutines float64
	cpu, start float64 // NaN: without that metric
	broken     http.HandlerFunc
}

// set changes the service between two scrapes.
func (s *service) set(change func()) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	change()
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mtx.Lock()
	broken := s.broken
	s.mtx.Unlock()
	if broken != nil {
		broken(w, r)
		return
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	reg := prometheus.NewRegistry()
	gauge := func(name string, v float64) {
		if !math.IsNaN(v) {
			g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name})
			g.Set(v)
			reg.MustRegister(g)
		}
	}
	gauge("go_goroutines", s.goroutines)
	gauge("process_start_time_seconds", s.start)
	if !math.IsNaN(s.cpu) {
		reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "process_cpu_seconds_total"}, func() float64 { return s.cpu }))
	}
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// run scrapes a service every ten seconds of virtual time. step waits for the next scrape and
// returns its sample.
func run(t *testing.T, svc *service, o Options) (s *Scraper, step func() *collector.Sample) {
	o.Interval = 10 * time.Second
	s = scraper(t, o, Target{Labels: shop, URL: parse(t, "http://u:hunter2@a:80/metrics"), Client: &http.Client{Transport: inProcess{svc}}})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	first := true
	return s, func() *collector.Sample {
		if first {
			wg.Go(func() { s.Run(ctx) })
			first = false
		}
		time.Sleep(o.Interval)
		synctest.Wait()
		got := samples(t, s, time.Now().Add(-o.Interval), time.Now())
		if len(got) == 0 {
			return nil
		}
		require.Len(t, got, 1)
		return &got[0]
	}
}

// The process works at half a CPU, then at two. It restarts, and loses one metric after the
// other. The load is the rate of the counter over five minutes.
func TestLoadAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nan := math.NaN()
		svc := &service{}
		_, step := run(t, svc, Options{})
		restart := float64(time.Now().Add(6*10*time.Second - 5*time.Second).Unix())
		var counter signals.Points
		for i, c := range []struct {
			goroutines, cpu, start float64
			unknown                bool
		}{
			{10, 100, 5000, true}, // the first
			{11, 105, 5000, false},
			{12, 125, 5000, false},
			{12, 125, 5000, false},
			{12, 130, 5002, false}, // the exporter computes the start anew
			{12, 135, 5000, false},
			{7, 200, restart, true}, // another process: the rate must not use samples of the one before
			{7, 203, restart, true},
			{8, 1, nan, false}, // restarted, and only the counter shows it
			{8, 2, nan, false},
			{8, nan, nan, false}, // the rate is that of the earlier samples
			{8, 5, nan, false},
			{9, 6, nan, false},
		} {
			svc.set(func() { svc.goroutines, svc.cpu, svc.start = c.goroutines, c.cpu, c.start })
			got := step()
			require.NotNil(t, got, i)
			require.Equal(t, c.goroutines, got.Count, i)
			require.InDelta(t, c.start, got.Start, 1e-9, i)
			if !math.IsNaN(c.cpu) {
				counter.Append(got.T, c.cpu)
			}
			want, _ := signals.Rate(counter.T, counter.V, got.T, 0)
			if c.unknown {
				want = nan
			}
			require.InDelta(t, want, got.Load, 1e-9, i)
		}
		svc.set(func() { svc.cpu, svc.start = nan, 5000 })
		for range 31 {
			step()
		}
		require.True(t, math.IsNaN(step().Load), "the counter is gone for longer than the rate looks back")
	})
}

// A service is scraped by the names that it has. Of two names the first one counts.
func TestNamesOfOtherLibraries(t *testing.T) {
	const otel = `# TYPE go_goroutine_count gauge
go_goroutine_count{otel_scope_name="runtime"} 30
# TYPE process_cpu_time_seconds_total counter
process_cpu_time_seconds_total{otel_scope_name="host",state="user"} 2
process_cpu_time_seconds_total{otel_scope_name="host",state="system"} 1
# TYPE process_uptime_seconds gauge
process_uptime_seconds 600
`
	custom, err := signals.Parse(signals.Names{Goroutines: []string{"vault_runtime_num_goroutines"}, Load: []string{"in_flight", "requests_total"}})
	require.NoError(t, err)
	requests, err := signals.Parse(signals.Names{Load: []string{"http_requests_total", "http_server_request_duration_seconds_count"}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		text string
		set  signals.Set
		want collector.Scrape
	}{
		"OpenTelemetry": {otel, signals.Default(), collector.Scrape{Count: 30, CPU: 3, Start: 600, Names: [3]string{"go_goroutine_count", "process_cpu_time_seconds_total", "process_uptime_seconds"}}},
		"both":          {otel + "go_goroutines 29\n", signals.Default(), collector.Scrape{Count: 29, CPU: 3, Start: 600, Names: [3]string{"go_goroutines", "process_cpu_time_seconds_total", "process_uptime_seconds"}}},
		"configured":    {otel + "vault_runtime_num_goroutines 5\nin_flight 7\nrequests_total 100\n", custom, collector.Scrape{Count: 5, CPU: 7, Start: 600, Names: [3]string{"vault_runtime_num_goroutines", "in_flight", "process_uptime_seconds"}}},
		"requests of all handlers": {`go_goroutines 5
process_uptime_seconds 600
# TYPE http_requests_total counter
http_requests_total{code="200",handler="/"} 100
http_requests_total{code="500",handler="/"} 1
http_requests_total{code="200",handler="/metrics"} 10
`, requests, collector.Scrape{Count: 5, CPU: 111, Start: 600, Names: [3]string{"go_goroutines", "http_requests_total", "process_uptime_seconds"}}},
		"requests of a histogram": {`go_goroutines 5
process_uptime_seconds 600
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{route="/",le="1"} 7
http_server_request_duration_seconds_bucket{route="/",le="+Inf"} 9
http_server_request_duration_seconds_sum{route="/"} 3.5
http_server_request_duration_seconds_count{route="/"} 9
http_server_request_duration_seconds_bucket{route="/x",le="+Inf"} 2
http_server_request_duration_seconds_sum{route="/x"} 1
http_server_request_duration_seconds_count{route="/x"} 2
`, requests, collector.Scrape{Count: 5, CPU: 11, Start: 600, Names: [3]string{"go_goroutines", "http_server_request_duration_seconds_count", "process_uptime_seconds"}}},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, c.text) }))
			defer srv.Close()
			s := scraper(t, Options{Signals: c.set}, Target{Labels: shop, URL: parse(t, srv.URL), Client: srv.Client()})
			x, err := only(s).read(t.Context(), time.Minute, &c.set)
			require.NoError(t, err)
			at := x.T
			x.T = 0
			require.Equal(t, c.want, x)
			s.o.Store.SetSignals(c.set)
			x.T = at
			require.NoError(t, s.o.Store.Append(shop, x))
			got := samples(t, s, time.UnixMilli(at-1), time.UnixMilli(at))
			require.InDelta(t, float64(at)/1000-600, got[0].Start, 1e-3)
			require.Contains(t, s.Signals(), signals.Use{Signal: "goroutines", Name: c.want.Names[0], Instances: 1})
		})
	}
	_, err = New(Options{Signals: signals.Set{Goroutines: signals.List{{Name: "sum(x)", Kind: signals.Expression}}}})
	require.ErrorContains(t, err, `"sum(x)" is an expression, which needs a Prometheus`)
}

// At first all is well. Then the target answers 503 three times, then 404 twice. Then it is
// well again, with the load over the gap.
func TestFailureIsLoggedOncePerChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		svc := &service{goroutines: 5, cpu: 10, start: 1}
		s, step := run(t, svc, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NotNil(t, step())
		require.Empty(t, log.String())

		svc.set(func() {
			svc.broken = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
		})
		for range 3 {
			require.Nil(t, step(), "a failure is no sample")
		}
		svc.set(func() { svc.broken = http.NotFound })
		for range 2 {
			require.Nil(t, step())
		}
		svc.set(func() { svc.broken, svc.cpu = nil, 40 })
		x := step()
		require.NotNil(t, x)
		require.InDelta(t, (10+30)/300., x.Load, 1e-9, "over the gap, from where the counter was 0")
		require.NotNil(t, step())

		require.Equal(t, 2, strings.Count(log.String(), "Cannot scrape a target"), log.String())
		require.Contains(t, log.String(), "reason=status")
		require.Contains(t, log.String(), "reason=not_found")
		require.Equal(t, 1, strings.Count(log.String(), "Target scraped again"))
		require.NotContains(t, log.String(), "hunter2")
		count := func(result string) float64 {
			return testutil.ToFloat64(s.o.Metrics.scrapes.WithLabelValues(result))
		}
		require.Equal(t, []float64{3, 3, 2}, []float64{count("ok"), count("status"), count("not_found")})
	})
}

func TestHangingTargetIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		svc := &service{broken: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		s, step := run(t, svc, Options{Timeout: 3 * time.Second})
		require.Nil(t, step())
		for range 3 {
			require.Nil(t, step())
		}
		require.Equal(t, 4.0, testutil.ToFloat64(s.o.Metrics.scrapes.WithLabelValues("timeout")))
	})
}

// numbered makes one of many targets, without a network.
func numbered(t *testing.T, i int) Target {
	return Target{
		Labels: labels.FromStrings("instance", fmt.Sprint(i)), URL: parse(t, "http://a/"),
		Client: &http.Client{Transport: inProcess{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "go_goroutines 1\n")
		})}},
	}
}

func TestTargetsAreSpreadOverTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, interval = 400, 8 * time.Second
		var targets []Target
		for i := range n {
			targets = append(targets, numbered(t, i))
		}
		s := scraper(t, Options{Interval: interval}, targets...)
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2*interval-1)
		defer cancel()
		s.Run(ctx)
		w, err := s.Window(t.Context(), began.Add(-1), time.Now())
		require.NoError(t, err)
		require.Len(t, w.Series, n)
		early := 0
		for _, series := range w.Series {
			require.Len(t, series.Samples, 2, "%s", series.Labels)
			require.Equal(t, interval.Milliseconds(), series.Samples[1].T-series.Samples[0].T)
			if series.Samples[0].T < began.Add(interval/2).UnixMilli() {
				early++
			}
		}
		require.InDelta(t, n/2, early, n/8, "half of them in the first half")
	})
}

// Targets come and go while others stay; nothing is left of those that went.
func TestTargetsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		s := scraper(t, Options{Interval: time.Hour}, numbered(t, -1))
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		synctest.Wait()
		// Goroutines of other tests may end meanwhile: the number may fall, but must not stay
		// above.
		before := runtime.NumGoroutine()
		stays := *only(s)
		for range 10 {
			many := []Target{{Labels: stays.Labels, URL: stays.URL, Client: stays.origin}}
			for i := range n {
				many = append(many, numbered(t, i))
			}
			require.NoError(t, s.Set(many))
			time.Sleep(time.Second)
			synctest.Wait()
			require.Greater(t, runtime.NumGoroutine(), n, "each has its own")
			require.NoError(t, s.Set(many[:1]))
			synctest.Wait()
			require.Less(t, runtime.NumGoroutine(), before+10)
		}
		time.Sleep(time.Hour)
		w, err := s.Window(t.Context(), time.Now().Add(-time.Hour), time.Now())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(w.Series, func(s collector.Series) bool { return labels.Equal(s.Labels, stays.Labels) }), "it is scraped in its rhythm")
		cancel()
		wg.Wait()
	})
}

func TestTwoTargetsOfOneName(t *testing.T) {
	var log bytes.Buffer
	a, b := numbered(t, 1), numbered(t, 1)
	b.URL = parse(t, "http://u:hunter2@b/")
	s := scraper(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}, a, b)
	require.Len(t, s.targets, 1)
	require.Equal(t, "a", only(s).URL.Host)
	require.Contains(t, log.String(), "http://b/")
	require.NotContains(t, log.String(), "hunter2")
}

func TestBadAnswers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed, with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
	}
	flood := func(w io.Writer) { // twice as many metrics as the parser takes, which gorowatch does not read
		line := []byte("x_total{path=\"/\"} 1\n# " + strings.Repeat("x", 32<<10) + "\n")
		for n := 0; n < 2*maxBytes; n += len(line) {
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		reason  collector.Reason
		text    string
	}{
		"web page":      {text("<!DOCTYPE html><html><body>Sign in</body></html>"), collector.ReasonBadData, "not metrics"},
		"empty":         {text(""), collector.ReasonBadData, "has no go_goroutines: is it a Go service"},
		"another thing": {text("# TYPE up gauge\nup 1\n"), collector.ReasonBadData, "has no go_goroutines"},
		"binary":        {text("\x00\x01\x02\xff"), collector.ReasonBadData, "not metrics"},
		"no number":     {text("go_goroutines many\n"), collector.ReasonBadData, "not metrics"},
		"cut in a line": {text("go_goroutines 1"), collector.ReasonBadData, "unexpected end"},
		"404":           {http.NotFound, collector.ReasonNotFound, "404 Not Found"},
		"401":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, collector.ReasonUnauthorized, "401"},
		"403":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, collector.ReasonUnauthorized, "403"},
		"429":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, collector.ReasonRateLimited, "429"},
		"500":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, collector.ReasonStatus, "500"},
		"204":           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, collector.ReasonStatus, "204"},
		"401, by name":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, collector.ReasonUnauthorized, "401 Unauthorized: it wants a login: set authorization or basic_auth in its entry of targets"},
		"NaN":           {text("go_goroutines NaN\n"), collector.ReasonBadData, "go_goroutines is NaN, which is not a number of goroutines"},
		"infinite":      {text("go_goroutines +Inf\n"), collector.ReasonBadData, "go_goroutines is +Inf"},
		"negative":      {text("go_goroutines -1\n"), collector.ReasonBadData, "go_goroutines is -1"},
		"absurd":        {text("go_goroutines 1e300\n"), collector.ReasonBadData, "go_goroutines is 1e+300"},
		"the most":      {text("go_goroutines 9223372036854775807\n"), collector.ReasonBadData, "go_goroutines is 9.223372036854776e+18"},
		"a long word":   {text("go_goroutines " + strings.Repeat("x", 200_000) + "\n"), collector.ReasonBadData, "not metrics"},
		"another host": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, 302) },
			collector.ReasonRedirect, "to " + elsewhere.URL + ", which does not get the credentials; set scheme, port or metrics_path",
		},
		"in circles": {
			func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", 302) },
			collector.ReasonRedirect, "in a circle",
		},
		"huge": {func(w http.ResponseWriter, _ *http.Request) { flood(w) }, collector.ReasonTooLarge, "more than 1 MiB"},
		"huge when unpacked": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			flood(z)
			_ = z.Close()
		}, collector.ReasonTooLarge, "more than 1 MiB"},
		"ends before its time": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "go_goroutines 1\n")
		}, collector.ReasonTruncated, "unexpected EOF"},
		"trickles": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "go_goroutines 1\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, collector.ReasonTimeout, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(c.handler)
			defer srv.Close()
			s := scraper(t, Options{MaxBytes: maxBytes}, Target{Labels: shop, URL: parse(t, strings.Replace(srv.URL, "//", "//u:hunter2@", 1)), Client: srv.Client()})
			timeout := time.Minute
			if c.reason == collector.ReasonTimeout {
				timeout = 50 * time.Millisecond
			}
			_, err := only(s).read(t.Context(), timeout, new(signals.Default()))
			require.Equal(t, c.reason, collector.ReasonOf(err), err)
			require.ErrorContains(t, err, c.text)
			require.ErrorContains(t, err, srv.URL)
			require.Less(t, len(err.Error()), 1000)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
	t.Run("refused", func(t *testing.T) {
		s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, "http://127.0.0.1:1"), Client: &http.Client{Transport: &http.Transport{}}})
		_, err := only(s).read(t.Context(), time.Minute, new(signals.Default()))
		require.Equal(t, collector.ReasonRefused, collector.ReasonOf(err), err)

		s.scrape(t.Context(), only(s))
		list, err := s.Targets(t.Context())
		require.NoError(t, err)
		require.Equal(t, []collector.ScrapeTarget{{Labels: shop, Scheme: "http", Host: "127.0.0.1:1", Unreachable: true}}, list)
	})
	t.Run("not refused", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		defer srv.Close()
		s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, srv.URL), Client: srv.Client()})
		s.scrape(t.Context(), only(s))
		list, err := s.Targets(t.Context())
		require.NoError(t, err)
		require.False(t, list[0].Unreachable, "it answers, if only with an error")
	})
}

// The labels of a target from service discovery have the same bounds as those of a series.
func TestTargetWithLabelsThatAreNone(t *testing.T) {
	var log bytes.Buffer
	long := labels.FromStrings("job", "shop", "instance", "b:80", "notes", strings.Repeat("x", 200_000))
	s := scraper(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		Target{Labels: shop, URL: parse(t, "http://a:80"), Client: &http.Client{}}, Target{Labels: long, URL: parse(t, "http://b:80"), Client: &http.Client{}})
	require.Len(t, s.targets, 1)
	require.Equal(t, shop, only(s).Labels)
	require.Contains(t, log.String(), "Target has invalid labels; it is not scraped")
	require.Contains(t, log.String(), "has a value of 200000 bytes, more than 2048")
	require.Less(t, log.Len(), 1000)
}

// The clock was set back, or two scrapes came at once.
func TestMemoryRefusesWhatIsNotLater(t *testing.T) {
	m := NewMemory()
	require.NoError(t, m.Append(shop, collector.Scrape{T: 2000, Count: 1}))
	for _, at := range []int64{2000, 1000} {
		err := m.Append(shop, collector.Scrape{T: at, Count: 2})
		require.Equal(t, collector.ReasonBadData, collector.ReasonOf(err))
		require.ErrorContains(t, err, "is not later than those before it: has the clock been set back?")
	}
	require.NoError(t, m.Append(shop, collector.Scrape{T: 3000, Count: 3, CPU: 1e300, Start: 1e300}))
	w, err := m.Window(t.Context(), time.UnixMilli(0), time.UnixMilli(9000))
	require.NoError(t, err)
	require.Len(t, w.Series[0].Samples, 2)
	require.True(t, math.IsNaN(w.Series[0].Samples[1].Load) && math.IsNaN(w.Series[0].Samples[1].Start))
}

func TestRedirectWithinTheHostIsFollowed(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.Redirect(w, r, "/metrics", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "go_goroutines 7\n")
	}))
	defer srv.Close()
	s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, srv.URL), Client: srv.Client()})
	x, err := only(s).read(t.Context(), time.Minute, new(signals.Default()))
	require.NoError(t, err)
	require.Equal(t, 7.0, x.Count)
	require.True(t, math.IsNaN(x.Start) && math.IsNaN(x.CPU))

	// Unless the configuration forbids all redirects.
	srv.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s = scraper(t, Options{}, Target{Labels: shop, URL: parse(t, srv.URL), Client: srv.Client()})
	_, err = only(s).read(t.Context(), time.Minute, new(signals.Default()))
	require.ErrorContains(t, err, "302 Found")
}

func TestWindowIsAfterFromUpToTo(t *testing.T) {
	s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, "http://a"), Client: &http.Client{}})
	at := time.UnixMilli
	for _, ms := range []int64{1000, 2000, 3000} {
		require.NoError(t, s.o.Store.Append(shop, collector.Scrape{T: ms, Count: float64(ms)}))
	}
	counts := func(from, to int64) (out []float64) {
		for _, x := range samples(t, s, at(from), at(to)) {
			out = append(out, x.Count)
		}
		return out
	}
	require.Equal(t, []float64{2000, 3000}, counts(1000, 3000))
	require.Equal(t, []float64{1000, 2000}, counts(999, 2999))
	require.Equal(t, []float64{1000, 2000, 3000}, counts(0, 9000))
	require.Empty(t, counts(3000, 9000))
	require.Empty(t, counts(2000, 2000))
	require.Equal(t, []float64{1000, 2000, 3000}, counts(0, 9000), "reading takes nothing away: after a reload it is read again")
}

func TestMemoryIsBounded(t *testing.T) {
	s := scraper(t, Options{}, Target{Labels: shop, URL: parse(t, "http://a"), Client: &http.Client{}})
	const n = 5 * maxSamples
	for i := range int64(n) {
		require.NoError(t, s.o.Store.Append(shop, collector.Scrape{T: 1000 * i, Count: float64(i), CPU: float64(i)}))
	}
	kept := s.o.Store.(*Memory).instances[string(shop.Bytes(nil))].samples
	require.LessOrEqual(t, cap(kept), 2*maxSamples)
	got := samples(t, s, time.UnixMilli(-1), time.UnixMilli(1000*n))
	require.LessOrEqual(t, len(got), maxSamples)
	require.GreaterOrEqual(t, len(got), maxSamples*9/10, "the latest stay")
	for i, x := range got {
		require.Equal(t, float64(n-len(got)+i), x.Count)
		require.Equal(t, 1.0, x.Load)
	}
}

func TestResultsAreAClosedSet(t *testing.T) {
	reg := prometheus.NewRegistry()
	NewMetrics(reg)
	n, err := testutil.GatherAndCount(reg, "gorowatch_scrapes_total")
	require.NoError(t, err)
	require.Equal(t, 1+len(collector.Reasons), n)
}
