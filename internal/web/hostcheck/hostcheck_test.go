package hostcheck

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAllows(t *testing.T) {
	external := &url.URL{Scheme: "https", Host: "Monitoring.Example.org:8443", Path: "/gorowatch/"}
	p, err := New(external, []string{"Watch.example.net", "*.lan.example.net"})
	require.NoError(t, err)
	for _, host := range []string{
		"", "monitoring.example.org", "monitoring.example.org:443", "MONITORING.example.ORG.:80", "watch.example.net:10980", "a.lan.example.net", "a.b.lan.example.net",
		"localhost", "localhost:10980", "LOCALHOST.", "app.localhost:1", "127.0.0.1", "127.0.0.1:10980", "10.0.3.17:80", "[::1]", "[::1]:10980", "[fe80::1%25eth0]:80", "0.0.0.0",
		"gorowatch", "gorowatch:10980", "gorowatch.monitoring.svc", "gorowatch.monitoring.svc:10980", "gorowatch.monitoring.svc.cluster.local.:10980",
	} {
		require.True(t, p.Allows(host), host)
	}
	for _, host := range []string{
		"evil.example", "evil.example:10980", "evil.example:443", "monitoring.example.org.evil.example", "xmonitoring.example.org", "example.org", "a.watch.example.net", "lan.example.net",
		"xlan.example.net", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example#localhost", "evil.example:80:80", "gorowatch.monitoring", "evil.cluster.local", "evil.svc.example", "[evil.example]",
		"evil.example\x00.localhost.example", "evil.example..", "evil.local",
	} {
		require.False(t, p.Allows(host), host)
	}

	every, err := New(nil, []string{"*"})
	require.NoError(t, err)
	require.True(t, every.Allows("evil.example"))

	for _, bad := range []string{"", "http://x.example", "x.example:80", "x.example/path", "a b", "*.", "*x.example", "x..example", "x.*.example", "ü.example", strings.Repeat("a", 300)} {
		_, err := New(nil, []string{bad})
		require.ErrorContains(t, err, "is not a host, expected a name without scheme, port or path", bad)
	}
}

// login is a Login.
type login bool

func (l login) RequiresLogin() bool { return bool(l) }

// TestGuard: a request under another name is refused, unless it has passed a login.
func TestGuard(t *testing.T) {
	p, err := New(&url.URL{Host: "gorowatch.example.org"}, nil)
	require.NoError(t, err)
	for _, c := range []struct {
		host  string
		login Login
		code  int
	}{
		{"gorowatch.example.org", nil, http.StatusNoContent},
		{"gorowatch.example.org", login(false), http.StatusNoContent},
		{"evil.example", nil, http.StatusForbidden},
		{"evil.example", login(false), http.StatusForbidden},
		{"evil.example", login(true), http.StatusNoContent},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = c.host
		require.Equal(t, c.code == http.StatusNoContent, p.Trusts(r, c.login))
		w := httptest.NewRecorder()
		p.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }), c.login).ServeHTTP(w, r)
		require.Equal(t, c.code, w.Code, "%+v", c)
		if c.code == http.StatusForbidden {
			require.Equal(t, Refusal+"\n", w.Body.String())
			require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
		}
	}
}
