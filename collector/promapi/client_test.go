package promapi

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// inProcess sends requests to a handler, for virtual time.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

// steady answers any range query with one series of the value 7.
func steady(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	matrix(w, nil, stream(map[string]string{"instance": "a"}, value{json.Number(r.Form.Get("end")), "7"}))
}

// virtual makes a source over a handler.
func virtual(t *testing.T, h http.HandlerFunc, change ...func(*Options)) (*Source, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	o := Options{URL: &url.URL{Scheme: "http", Host: "prom"}, Client: &http.Client{Transport: inProcess{h}}, Metrics: NewMetrics(reg)}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	require.NoError(t, err)
	return s, reg
}

// failing answers the first n requests with a status.
type failing struct {
	mtx    sync.Mutex
	n      int
	status int
	after  string
	asked  []time.Time
}

func (f *failing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mtx.Lock()
	f.asked = append(f.asked, time.Now())
	fails := f.n > 0
	f.n--
	f.mtx.Unlock()
	if !fails {
		_ = r.ParseForm()
		matrix(w, nil, stream(map[string]string{"instance": "a"}, at(time.Unix(0, 0), 0, "7")))
		return
	}
	if f.after != "" {
		w.Header().Set("Retry-After", f.after)
	}
	http.Error(w, "<html>busy</html>", f.status)
}

// A server that sends Retry-After gets no earlier request: seconds are waited within the query,
// minutes until a later window.
func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{n: 1, status: 429, after: "7"}
		s, reg := virtual(t, f.ServeHTTP)
		began := time.Now()
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, f.asked, 4, "three queries, of which one comes back")
		require.Equal(t, 7*time.Second, time.Since(began))
		require.NoError(t, testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP gorowatch_prometheus_points_total Points read from Prometheus: counts, loads and start times.
# TYPE gorowatch_prometheus_points_total counter
gorowatch_prometheus_points_total 3
`), "gorowatch_prometheus_points_total"))

		f = &failing{n: 3, status: 429, after: "300"}
		s, _ = virtual(t, f.ServeHTTP)
		_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.Equal(t, collector.ReasonRateLimited, collector.ReasonOf(err))
		require.Regexp(t, "asks to wait 5m0s|asked for no request before", err.Error(), "by which query is first")
		asked := len(f.asked)
		for range 4 {
			time.Sleep(time.Minute)
			_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.ErrorContains(t, err, "it asked for no request before")
		}
		require.Len(t, f.asked, asked)
		time.Sleep(time.Minute)
		f.n = 0
		_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
	})
}

// A storm of 503: each query is tried three times at first, then once a window. Afterwards all
// is as before.
func TestStormOf503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{n: 1 << 30, status: 503}
		s, _ := virtual(t, f.ServeHTTP)
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.Equal(t, collector.ReasonStatus, collector.ReasonOf(err))
		require.LessOrEqual(t, len(f.asked), 9)
		for range 5 {
			before := len(f.asked)
			_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.Error(t, err)
			require.LessOrEqual(t, len(f.asked)-before, 3)
		}
		f.n = 0
		_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		f.n = 1
		_, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err, "one failure is no storm")
	})
}

func TestClocksThatDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		date := time.Now().Add(-2 * time.Hour)
		s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
			matrix(w, nil)
		})
		w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, w.Warnings, 1)
		require.Contains(t, w.Warnings[0], "its clock is 2h0m0s behind that of gorowatch")
		date = time.Now()
		w, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Empty(t, w.Warnings)
	})
}

// A slow query shows no wrong clock: a server may answer after 90 s with the date of then, and
// a date from before the end of the query is right too. A date outside of both is wrong.
func TestClockOfASlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			takes, ahead time.Duration
			early        bool // stamped at the beginning
			want         string
		}{
			"at once":                     {},
			"slow":                        {takes: 90 * time.Second},
			"slow, stamped early":         {takes: 90 * time.Second, early: true},
			"slow and ahead":              {takes: 90 * time.Second, ahead: 2 * time.Minute, want: "its clock is 2m0s ahead of that of gorowatch"},
			"slow and behind":             {takes: 90 * time.Second, ahead: -5 * time.Minute, want: "its clock is 3m"},
			"ahead by less than a minute": {ahead: 59 * time.Second},
			"ahead":                       {ahead: 2 * time.Minute, want: "its clock is 2m0s ahead of that of gorowatch"},
			"behind":                      {ahead: -2 * time.Minute, want: "behind that of gorowatch"},
		} {
			s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
				date := time.Now().Add(c.ahead)
				time.Sleep(c.takes)
				if !c.early {
					date = time.Now().Add(c.ahead)
				}
				w.Header().Set("Date", date.UTC().Format(http.TimeFormat))
				matrix(w, nil)
			}, func(o *Options) { o.Timeout = 2 * time.Minute })
			w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.NoError(t, err, name)
			if c.want == "" {
				require.Empty(t, w.Warnings, name)
				continue
			}
			require.Len(t, w.Warnings, 1, name)
			require.Contains(t, w.Warnings[0], c.want, name)
		}
	})
}

// Retry-After with a date is by the server's own clock, which may differ from ours.
func TestRetryAfterByTheServersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
			n := 0
			s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
				if n++; n > 1 {
					steady(w, r)
					return
				}
				now := time.Now().Add(ahead)
				w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
				w.Header().Set("Retry-After", now.Add(10*time.Second).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusServiceUnavailable)
			}, func(o *Options) { o.Client = &http.Client{Transport: oneAtATime(o.Client.Transport)} })
			began := time.Now()
			_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
			require.NoError(t, err, ahead)
			require.Equal(t, 10*time.Second, time.Since(began).Round(time.Second), ahead)
		}
	})
}

// A hundred thousand series arrive where a thousand were expected. Known ones continue, the
// rest is left out, with a warning.
func TestTooManySeries(t *testing.T) {
	var extra int
	s, reg := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		var all []any
		for i := range extra { // they come first
			all = append(all, stream(map[string]string{"instance": fmt.Sprint("x", i)}, at(t0, 1, "1")))
		}
		for i := range 10 {
			all = append(all, stream(map[string]string{"instance": fmt.Sprint(i)}, at(t0, 1, "1")))
		}
		matrix(w, nil, all...)
	}, func(o *Options) { o.SeriesLimit = 10 })
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 10)
	require.Empty(t, w.Warnings)

	extra = 5000
	for range 3 {
		w, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, w.Series, 10)
		for _, series := range w.Series {
			require.NotContains(t, series.Labels.Get("instance"), "x", "those that were known stay")
		}
		require.Contains(t, w.Warnings[0], "5000 series of go_goroutines are left out, more than the limit of 10: narrow prometheus.selector")
	}
	n, err := testutil.GatherAndCount(reg, "gorowatch_prometheus_dropped_total")
	require.NoError(t, err)
	require.Equal(t, 7, n, "a closed set of reasons")
	extra = 0
	w, err = s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Empty(t, w.Warnings)
}

// Series whose labels change each time do not fill the memory.
func TestSeriesThatChangeTheirLabels(t *testing.T) {
	n := 0 // changes between two windows alone
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		matrix(w, nil, stream(map[string]string{"instance": "a", "pod": fmt.Sprint(n)}, at(t0, 1, "1")))
	})
	for n = range 2500 {
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
	}
	for _, v := range []*vector{s.join.counts, s.join.loads, s.join.starts} {
		require.Less(t, len(v.byText), 2000)
		require.Less(t, len(v.byLabels), 2000)
		require.Len(t, v.sets, 1)
	}
}

func TestOnlyWhatIsKept(t *testing.T) {
	s, _ := virtual(t, func(w http.ResponseWriter, _ *http.Request) {
		matrix(w, nil, stream(map[string]string{"job": "a"}, at(t0, 1, "1")), stream(map[string]string{"job": "b"}, at(t0, 1, "2")))
	}, func(o *Options) {
		o.Share = &Share{GroupBy: []string{"job"}, Owns: func(ls labels.Labels) bool { return ls.Get("job") == "b" }}
	})
	for range 2 {
		w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, w.Series, 1)
		require.Equal(t, 2.0, w.Series[0].Samples[0].Count)
		require.Equal(t, 2.0, w.Series[0].Samples[0].Load)
	}
}

// Thanos gets its parameters for duplicates and partial responses, Mimir its tenant, and the
// answers show both.
func TestParametersAndTenant(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Form.Get("dedup") != "true" || r.Form.Get("partial_response") != "true" || r.Header.Get("X-Scope-OrgID") != "shop" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		matrix(w, []string{"store gateway thanos-3 is not available"}, stream(map[string]string{"instance": "a"}, at(t0, 1, "1")))
	}))
	defer srv.Close()
	conf, err := commoncfg.LoadHTTPConfig("http_headers: {X-Scope-OrgID: {values: [shop]}}")
	require.NoError(t, err)
	client, err := commoncfg.NewClientFromConfig(*conf, "test")
	require.NoError(t, err)
	defer client.CloseIdleConnections()
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	s, err := New(Options{URL: u, Client: client, Params: url.Values{"dedup": {"true"}, "partial_response": {"true"}}})
	require.NoError(t, err)
	w, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, w.Series, 1)
	require.Equal(t, []string{"store gateway thanos-3 is not available"}, w.Warnings)
}

func TestServerThatWantsGet(t *testing.T) {
	var methods []string
	s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
		methods = append(methods, r.Method)
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		steady(w, r)
	}, func(o *Options) { o.Client = &http.Client{Transport: oneAtATime(o.Client.Transport)} })
	for range 2 {
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.NoError(t, err)
	}
	require.Equal(t, "POST", methods[0])
	require.Equal(t, "GET", methods[len(methods)-1])
	require.GreaterOrEqual(t, len(methods), 7)
}

// oneAtATime serializes the requests to a handler.
func oneAtATime(next http.RoundTripper) http.RoundTripper {
	var mtx sync.Mutex
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		mtx.Lock()
		defer mtx.Unlock()
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The floor of a block is queried over exactly the steps of the block. A block in which a
// process begins is left out.
func TestBlocks(t *testing.T) {
	first := time.Unix(t0.Unix()+4*60, 0)
	begins := t0.Add(12 * time.Minute) // in the third block
	var floors []string
	var mtx sync.Mutex
	s, _ := virtual(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.Form.Get("step") != "300" || r.Form.Get("start") != fmt.Sprint(first.Unix()) {
			t.Errorf("%v", r.Form)
		}
		expr := r.Form.Get("query")
		var points []value
		for i := range 5 {
			v := "7"
			switch {
			case strings.HasPrefix(expr, "process_start") && i < 2:
				v = "1000"
			case strings.HasPrefix(expr, "process_start"):
				v = fmt.Sprint(begins.Unix())
			case strings.HasPrefix(expr, "rate"):
				v = "0.5"
			}
			points = append(points, at(first, 5*i, v))
		}
		if strings.HasPrefix(expr, "min_over") {
			mtx.Lock()
			floors = append(floors, expr+" to "+r.Form.Get("end"))
			mtx.Unlock()
		}
		matrix(w, nil, stream(map[string]string{"instance": "a"}, points...))
	}, func(o *Options) { o.Selector, o.Signals = `{job="x"}`, oneName(t) })
	w, err := s.Blocks(t.Context(), t0, t0.Add(25*time.Minute), 5*time.Minute)
	require.NoError(t, err)
	require.Equal(t, []string{`min_over_time(go_goroutines{job="x"}[4m30s:1m]) to ` + fmt.Sprint(t0.Unix()+24*60)}, floors)
	var times []int64
	for _, x := range w.Series[0].Samples {
		times = append(times, (x.T-t0.UnixMilli())/60_000)
		require.Equal(t, 7.0, x.Count)
	}
	require.Equal(t, []int64{4, 9, 19, 24}, times)
	require.Equal(t, 1000.0, w.Series[0].Samples[1].Start)
	require.Equal(t, float64(begins.Unix()), w.Series[0].Samples[2].Start)

	_, err = s.Blocks(t.Context(), t0, t0.Add(time.Hour), 90*time.Second)
	require.ErrorContains(t, err, "are not made of steps")
	none, err := s.Blocks(t.Context(), t0, t0, 5*time.Minute)
	require.NoError(t, err)
	require.Empty(t, none.Series)
}

// A name that does not exist, and untrusted certificates, give errors that help, without the
// login.
func TestNetworksThatFail(t *testing.T) {
	expired := httptest.NewUnstartedServer(http.NotFoundHandler())
	expired.Config.ErrorLog = log.New(io.Discard, "", 0)
	expired.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))}}
	expired.StartTLS()
	defer expired.Close()
	roots := x509.NewCertPool()
	roots.AddCert(expired.Certificate())
	trusting := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	defer trusting.CloseIdleConnections()
	noName := &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
	}}
	for name, c := range map[string]struct {
		address   string
		transport http.RoundTripper
		reason    collector.Reason
		text      string
	}{
		"expired": {expired.URL, trusting, collector.ReasonTLS, "certificate has expired"},
		"no name": {"http://prometheus.invalid:9090", noName, collector.ReasonRefused, "no such host"},
	} {
		s, _ := source(t, c.address, &http.Client{Transport: c.transport})
		_, err := s.Window(t.Context(), t0, t0.Add(time.Minute))
		require.Equal(t, c.reason, collector.ReasonOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, c.text)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

// certificate makes one that is valid for a time, for 127.0.0.1.
func certificate(t *testing.T, from, to time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
