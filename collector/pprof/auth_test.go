package pprof

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/collector"
)

// httpClient makes the client of a target set with a configuration.
func httpClient(t *testing.T, text string) *http.Client {
	t.Helper()
	c := commoncfg.DefaultHTTPClientConfig
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &c))
	require.NoError(t, c.Validate())
	client, err := commoncfg.NewClientFromConfig(c, "targets")
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func get(t *testing.T, c *http.Client, u *url.URL) error {
	t.Helper()
	_, err := New(Options{Timeout: time.Minute}).Fetch(t.Context(), c, u, collector.KindGoroutine, 0)
	return err
}

// secretFile makes a file with a secret.
func secretFile(t *testing.T, secret string) string {
	path := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(path, []byte(secret), 0o600))
	return path
}

// guarded returns a target that answers requests with the login, and refuses others with a status.
// At one path it redirects to another host.
func guarded(t *testing.T, allowed func(*http.Request) bool) (u, redirecting *url.URL) {
	t.Helper()
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a request went to another host, with %v", r.Header)
	}))
	t.Cleanup(other.Close)
	u = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/away"):
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		case allowed(r):
			_, _ = w.Write(proto("goroutine", 1))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	away := *u
	away.Path = "/away/goroutine"
	return u, &away
}

// Each way to log in: a request with the login gets an answer, one without gets an error that
// says so. The login goes to no other host and into no error.
func TestLogins(t *testing.T) {
	header := func(name, value string) func(*http.Request) bool {
		return func(r *http.Request) bool { return r.Header.Get(name) == value }
	}
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		id, secret, ok := r.BasicAuth()
		if !ok {
			id, secret = r.Form.Get("client_id"), r.Form.Get("client_secret")
		}
		if id != "me" || secret != "hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token": "hunter2-token", "token_type": "Bearer", "expires_in": 3600}`)
	}))
	t.Cleanup(tokens.Close)
	for name, c := range map[string]struct {
		config  string
		wrong   string
		allowed func(*http.Request) bool
	}{
		"bearer": {
			"authorization: {credentials: hunter2}", "authorization: {credentials: hunter3}",
			header("Authorization", "Bearer hunter2"),
		},
		"bearer, short": {"bearer_token: hunter2", "bearer_token: hunter3", header("Authorization", "Bearer hunter2")},
		"bearer in a file": {
			"authorization: {credentials_file: " + secretFile(t, "hunter2\n") + "}", "authorization: {credentials_file: " + secretFile(t, "hunter3") + "}",
			header("Authorization", "Bearer hunter2"),
		},
		"another type": {"authorization: {type: Token, credentials: hunter2}", "authorization: {credentials: hunter2}", header("Authorization", "Token hunter2")},
		"basic": {
			"basic_auth: {username: me, password: hunter2}", "basic_auth: {username: me, password: hunter3}",
			func(r *http.Request) bool { u, p, _ := r.BasicAuth(); return u == "me" && p == "hunter2" },
		},
		"basic in a file": {
			"basic_auth: {username: me, password_file: " + secretFile(t, "hunter2") + "}", "basic_auth: {username: you, password_file: " + secretFile(t, "hunter2") + "}",
			func(r *http.Request) bool { u, p, _ := r.BasicAuth(); return u == "me" && p == "hunter2" },
		},
		"OAuth2": {
			"oauth2: {client_id: me, client_secret: hunter2, token_url: " + tokens.URL + "}", "oauth2: {client_id: me, client_secret: hunter3, token_url: " + tokens.URL + "}",
			header("Authorization", "Bearer hunter2-token"),
		},
		"header": {
			"http_headers: {X-Api-Key: {secrets: [hunter2]}}", "http_headers: {X-Api-Key: {secrets: [hunter3]}}",
			header("X-Api-Key", "hunter2"),
		},
		"header in a file": {
			"http_headers: {X-Api-Key: {files: [" + secretFile(t, "hunter2") + "]}}", "{}",
			header("X-Api-Key", "hunter2"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			u, away := guarded(t, c.allowed)
			require.NoError(t, get(t, httpClient(t, c.config), u))

			err := get(t, httpClient(t, c.wrong), u)
			require.Error(t, err)
			if name != "OAuth2" {
				require.Equal(t, collector.ReasonUnauthorized, collector.ReasonOf(err))
			}
			require.NotContains(t, err.Error(), "hunter")

			err = get(t, httpClient(t, c.config), away)
			require.Equal(t, collector.ReasonRedirect, collector.ReasonOf(err), "%v", err)
			require.NotContains(t, err.Error(), "hunter")
		})
	}
}

// A token file is rewritten while gorowatch runs, as Kubernetes does. The next request has the
// new token.
func TestRotatedToken(t *testing.T) {
	want := "one"
	u, _ := guarded(t, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer "+want })
	file := secretFile(t, "one")
	c := httpClient(t, "authorization: {credentials_file: "+file+"}")
	require.NoError(t, get(t, c, u))
	want = "two"
	require.Equal(t, collector.ReasonUnauthorized, collector.ReasonOf(get(t, c, u)))
	require.NoError(t, os.WriteFile(file, []byte("two"), 0o600))
	require.NoError(t, get(t, c, u))
	require.NoError(t, os.Remove(file))
	err := get(t, c, u)
	require.ErrorContains(t, err, "secret", "which file is missing")
}

// authority signs certificates of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // its own certificate
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	require.NoError(t, err)
	a.file = a.pem("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) pem(name, typ string, der []byte) string {
	path := filepath.Join(a.t.TempDir(), name)
	require.NoError(a.t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600))
	return path
}

// sign makes a certificate for a name that is valid until a time.
func (a *authority) sign(name string, until time.Time) (cert tls.Certificate, certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, a.pem("cert.pem", "CERTIFICATE", der), a.pem("key.pem", "PRIVATE KEY", keyDER)
}

// secure serves profiles with a certificate. If clients is set, clients need a certificate of
// that authority.
func secure(t *testing.T, cert tls.Certificate, clients *authority) *url.URL {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(proto("goroutine", 1)) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	if clients != nil {
		s.TLS.ClientAuth, s.TLS.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		s.TLS.ClientCAs.AddCert(mustParse(t, clients.file))
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/debug/pprof/goroutine")
	require.NoError(t, err)
	return u
}

func mustParse(t *testing.T, file string) *x509.Certificate {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	return cert
}

func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	good, _, _ := ours.sign("shop.prod.svc", time.Now().Add(time.Hour))
	old, _, _ := ours.sign("shop.prod.svc", time.Now().Add(-time.Hour))
	_, cert, key := ours.sign("gorowatch", time.Now().Add(time.Hour))
	_, strangeCert, strangeKey := theirs.sign("gorowatch", time.Now().Add(time.Hour))
	trust := "ca_file: " + ours.file + ", server_name: shop.prod.svc"
	for name, c := range map[string]struct {
		url    *url.URL
		config string
		says   string // empty: it works
	}{
		"server name":             {secure(t, good, nil), "tls_config: {" + trust + "}", ""},
		"no server name":          {secure(t, good, nil), "tls_config: {ca_file: " + ours.file + "}", "certificate"},
		"unknown authority":       {secure(t, good, nil), "{}", "certificate"},
		"anything":                {secure(t, good, nil), "tls_config: {insecure_skip_verify: true}", ""},
		"expired":                 {secure(t, old, nil), "tls_config: {" + trust + "}", "; the target's certificate has expired, or a clock is wrong"},
		"client certificate":      {secure(t, good, ours), "tls_config: {" + trust + ", cert_file: " + cert + ", key_file: " + key + "}", ""},
		"no client certificate":   {secure(t, good, ours), "tls_config: {" + trust + "}", "certificate required"},
		"another's client":        {secure(t, good, ours), "tls_config: {" + trust + ", cert_file: " + strangeCert + ", key_file: " + strangeKey + "}", "tls: "},
		"no certificate to trust": {secure(t, good, nil), "tls_config: {ca_file: " + theirs.file + ", server_name: shop.prod.svc}", "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			err := get(t, httpClient(t, c.config), c.url)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
			require.Equal(t, collector.ReasonTLS, collector.ReasonOf(err), "%v", err)
		})
	}
}

// raw returns a server that lets do handle each connection.
func raw(t *testing.T, do func(*net.TCPConn)) *url.URL {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			do(c.(*net.TCPConn))
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/debug/pprof/goroutine"}
}

// The failures of a network, each with its reason.
func TestBadNetworks(t *testing.T) {
	// The answer of a name server must not depend on this machine's.
	nameless := &http.Client{Transport: &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: addr, IsNotFound: true}}
	}}}
	half := make(chan *net.TCPConn, 10)
	t.Cleanup(func() {
		close(half)
		for c := range half {
			_ = c.Close()
		}
	})
	request := func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 4096)) }
	for name, c := range map[string]struct {
		url    *url.URL
		reason collector.Reason
	}{
		"no such name": {&url.URL{Scheme: "http", Host: "no-such-host.invalid:80", Path: "/"}, collector.ReasonRefused},
		"refused":      {&url.URL{Scheme: "http", Host: "127.0.0.1:1", Path: "/debug/pprof/goroutine"}, collector.ReasonRefused},
		"reset": {raw(t, func(c *net.TCPConn) {
			request(c)
			_ = c.SetLinger(0)
			_ = c.Close()
		}), collector.ReasonRefused},
		"reset in the middle": {raw(t, func(c *net.TCPConn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ngoroutine profile: total 1\n")
			_ = c.Close()
		}), collector.ReasonTruncated},
		"half-open": {raw(t, func(c *net.TCPConn) { half <- c }), collector.ReasonTimeout},
		"half-open in the middle": {raw(t, func(c *net.TCPConn) {
			request(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\ngoroutine profile: total 1\n")
			half <- c
		}), collector.ReasonTimeout},
		"no HTTP": {raw(t, func(c *net.TCPConn) {
			request(c)
			_, _ = io.WriteString(c, "-ERR unknown command\r\n")
			_ = c.Close()
		}), collector.ReasonBadData},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute
			if c.reason == collector.ReasonTimeout {
				timeout = 50 * time.Millisecond
			}
			from := client(t)
			if name == "no such name" {
				from = nameless
			}
			_, err := New(Options{Timeout: timeout}).Fetch(t.Context(), from, c.url, collector.KindGoroutine, 0)
			require.Equal(t, c.reason, collector.ReasonOf(err), "%v", err)
		})
	}
}

func TestProxyThatAnswersForTheTarget(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "<html><title>Sign in to the network</title>")
	}))
	t.Cleanup(proxy.Close)
	err := get(t, httpClient(t, "proxy_url: "+proxy.URL), &url.URL{Scheme: "http", Host: "10.255.0.1:80", Path: "/debug/pprof/goroutine"})
	require.Equal(t, collector.ReasonNotProfile, collector.ReasonOf(err))
	require.ErrorContains(t, err, "that is a web page, not a profile: is there a login or a proxy in front of it?")
}

func TestRetryAfter(t *testing.T) {
	var header atomic.Value
	code := http.StatusTooManyRequests
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", header.Load().(string))
		w.Header().Set("Date", "Sun, 01 Mar 2026 12:00:00 GMT")
		w.WriteHeader(code)
	})
	for text, want := range map[string]time.Duration{
		"120":                           2 * time.Minute,
		"Sun, 01 Mar 2026 12:05:00 GMT": 5 * time.Minute, // by the server's own clock
		"Sun, 01 Mar 2026 11:00:00 GMT": 0,
		"soon":                          0,
		"-5":                            0,
		"99999999999999999999":          0,
	} {
		header.Store(text)
		for _, code = range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
			err := get(t, client(t), u)
			var e *collector.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, want, e.RetryAfter, text)
		}
	}
}
