package app

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	yamlv2 "go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/leak"
)

// redirectWorld has names for the servers of the test: one that redirects, and places that must
// not get credentials.
type redirectWorld struct {
	addresses map[string]string // by host:port of the dial
	ca        string

	mtx     sync.Mutex
	to      string   // where the first server redirects to
	strayed []string // requests that arrived at the wrong place, with their credentials
	there   int      // requests that arrived at the same origin after the redirect
}

func newRedirectWorld(t *testing.T) *redirectWorld {
	t.Helper()
	w := &redirectWorld{addresses: map[string]string{}}
	stray := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.mtx.Lock()
		defer w.mtx.Unlock()
		w.strayed = append(w.strayed, fmt.Sprintf("%s with %v", r.Host, r.Header))
		rw.WriteHeader(http.StatusTeapot)
	})
	first := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.mtx.Lock()
		defer w.mtx.Unlock()
		if r.URL.Path == "/moved" {
			w.there++
			rw.WriteHeader(http.StatusTeapot)
			return
		}
		http.Redirect(rw, r, w.to, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(first.Close)
	w.ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: first.Certificate().Raw}))
	// The certificate of net/http/httptest is for example.com.
	w.addresses["example.com:443"] = first.Listener.Addr().String()
	for _, place := range []string{"example.com:80", "elsewhere.example:80"} {
		s := httptest.NewServer(stray)
		t.Cleanup(s.Close)
		w.addresses[place] = s.Listener.Addr().String()
	}
	for _, place := range []string{"example.com:8443", "www.example.com:443"} {
		s := httptest.NewUnstartedServer(stray)
		s.TLS = &tls.Config{Certificates: first.TLS.Certificates}
		s.StartTLS()
		t.Cleanup(s.Close)
		w.addresses[place] = s.Listener.Addr().String()
	}
	return w
}

// client makes a client as the configuration does, in a world without DNS.
func (w *redirectWorld) client(t *testing.T, credentials string) *http.Client {
	t.Helper()
	c := commoncfg.DefaultHTTPClientConfig
	require.NoError(t, yamlv2.UnmarshalStrict([]byte(credentials), &c))
	c.TLSConfig.CA = w.ca
	client, err := commoncfg.NewClientFromConfig(c, "test", commoncfg.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		to, known := w.addresses[strings.ToLower(address)]
		if !known {
			return nil, fmt.Errorf("nobody is at %s", address)
		}
		return d.DialContext(ctx, network, to)
	}))
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func (w *redirectWorld) redirectTo(place string) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	w.to, w.strayed, w.there = place, nil, 0
}

func (w *redirectWorld) arrived() (strayed []string, there int) {
	w.mtx.Lock()
	defer w.mtx.Unlock()
	return slices.Clone(w.strayed), w.there
}

// clientsOfOurs make one request each, to https://example.com, and return the error or status.
var clientsOfOurs = map[string]func(t *testing.T, u *url.URL, c *http.Client) string{
	"Prometheus, series": func(t *testing.T, u *url.URL, c *http.Client) string {
		s, err := promapi.New(promapi.Options{URL: u, Client: c})
		require.NoError(t, err)
		_, err = s.Window(t.Context(), time.Now().Add(-time.Minute), time.Now())
		return fmt.Sprint(err)
	},
	"Prometheus, targets": func(t *testing.T, u *url.URL, c *http.Client) string {
		s, err := promapi.New(promapi.Options{URL: u, Client: c})
		require.NoError(t, err)
		_, err = s.Targets(t.Context())
		return fmt.Sprint(err)
	},
	"profiles": func(t *testing.T, u *url.URL, c *http.Client) string {
		_, err := pprof.New(pprof.Options{}).Fetch(t.Context(), c, u.JoinPath("debug", "pprof", "goroutine"), collector.KindGoroutine, 0)
		return fmt.Sprint(err)
	},
	"metrics": func(t *testing.T, u *url.URL, c *http.Client) string {
		const interval = 10 * time.Second // which bounds the time-out
		var log lockedBuffer
		s, err := scrape.New(scrape.Options{
			Targets:  []scrape.Target{{Labels: soonScraped(interval), URL: u.JoinPath("metrics"), Client: c}},
			Interval: interval, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		require.Eventually(t, func() bool { return strings.Contains(log.String(), "Cannot scrape a target") }, patience, time.Millisecond)
		cancel()
		<-done
		return log.String()
	},
	"Alertmanager": func(t *testing.T, u *url.URL, c *http.Client) string {
		return notified(t, notify.Config{Alertmanagers: []alerting.Alertmanager{{URL: u, Client: c}}})
	},
	"webhook": func(t *testing.T, u *url.URL, c *http.Client) string {
		hook := u.JoinPath("services", "hunter2")
		return notified(t, notify.Config{Webhooks: []alerting.Webhook{{Name: "chat", URL: func() (*url.URL, error) { return hook, nil }, Client: c}}})
	},
}

// soonScraped returns labels of a target that is scraped at the beginning of the interval,
// which depends on their hash.
func soonScraped(interval time.Duration) labels.Labels {
	for i := 0; ; i++ {
		ls := labels.FromStrings("job", fmt.Sprint("shop", i))
		if at := time.Duration(ls.Hash() % uint64(interval)); at > 20*time.Millisecond && at < 80*time.Millisecond {
			return ls
		}
	}
}

// notified returns the state of a receiver after it was sent a leak.
func notified(t *testing.T, c notify.Config) string {
	t.Helper()
	n, err := notify.New(t.Context(), notify.Options{Config: c, DrainTimeout: time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.Update([]leak.Leak{{ID: "a", State: leak.Firing, DetectedAt: time.Now(), Service: labels.FromStrings("job", "shop")}}, time.Now())
	require.Eventually(t, func() bool { return n.Status()[0].LastError != "" }, patience, time.Millisecond)
	text := n.Status()[0].LastError
	cancel()
	require.NoError(t, <-done)
	return text
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mtx sync.Mutex
	b   strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	return b.b.String()
}

// No client follows a redirect to another scheme, host or port, so that no credentials go
// there. Each says where it was sent and what to set. Within its origin each follows.
func TestNoClientTakesCredentialsElsewhere(t *testing.T) {
	w := newRedirectWorld(t)
	credentials := map[string]string{
		"bearer":     "authorization: {credentials: hunter2}",
		"basic":      "basic_auth: {username: me, password: hunter2}",
		"headers":    "http_headers: {X-Key: {secrets: [hunter2]}, Cookie: {secrets: [session=hunter2]}}",
		"in the URL": "{}",
	}
	for name, ask := range clientsOfOurs {
		for kind, text := range credentials {
			t.Run(name+", "+kind, func(t *testing.T) {
				c := w.client(t, text)
				u := &url.URL{Scheme: "https", Host: "example.com"}
				if kind == "in the URL" {
					u.User = url.UserPassword("me", "hunter2")
				}
				for _, place := range []string{
					"http://example.com", "http://elsewhere.example", "https://www.example.com", "https://example.com:8443",
				} {
					w.redirectTo(place + "/moved?token=hunter2")
					said := ask(t, u, c)
					strayed, _ := w.arrived()
					require.Empty(t, strayed, "redirected to %s", place)
					require.Contains(t, said, "it redirects from https://example.com to "+place+", which does not get the credentials; set ")
					require.NotContains(t, said, "hunter2")
				}

				for _, place := range []string{"/moved", "https://example.com/moved", "https://EXAMPLE.com:443/moved"} {
					w.redirectTo(place)
					said := ask(t, u, c)
					strayed, there := w.arrived()
					require.Empty(t, strayed)
					require.NotZero(t, there, "redirected to %s: %s", place, said)
					require.Contains(t, said, "418")
				}
			})
		}
	}
}
