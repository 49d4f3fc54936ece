package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/web/inbound"
)

func TestHosts(t *testing.T) {
	external := &url.URL{Scheme: "https", Host: "Monitoring.Example.org:8443", Path: "/gorowatch/"}
	h, err := NewHosts(external, []string{"Watch.example.net", "*.lan.example.net"})
	require.NoError(t, err)
	for _, host := range []string{
		"", "monitoring.example.org", "monitoring.example.org:443", "MONITORING.example.ORG.:80", "watch.example.net:10980", "a.lan.example.net", "a.b.lan.example.net",
		"localhost", "localhost:10980", "LOCALHOST.", "app.localhost:1", "127.0.0.1", "127.0.0.1:10980", "10.0.3.17:80", "[::1]", "[::1]:10980", "[fe80::1%25eth0]:80", "0.0.0.0",
		"gorowatch", "gorowatch:10980", "gorowatch.monitoring.svc", "gorowatch.monitoring.svc:10980", "gorowatch.monitoring.svc.cluster.local.:10980",
	} {
		require.True(t, h.Allows(host), host)
	}
	for _, host := range []string{
		"evil.example", "evil.example:10980", "evil.example:443", "monitoring.example.org.evil.example", "xmonitoring.example.org", "example.org", "a.watch.example.net", "lan.example.net",
		"xlan.example.net", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "evil.example#localhost", "evil.example:80:80", "gorowatch.monitoring", "evil.cluster.local", "evil.svc.example", "[evil.example]",
		"evil.example\x00.localhost.example", "evil.example..", "evil.local",
	} {
		require.False(t, h.Allows(host), host)
	}

	any, err := NewHosts(nil, []string{"*"})
	require.NoError(t, err)
	require.True(t, any.Allows("evil.example"))

	for _, bad := range []string{"", "http://x.example", "x.example:80", "x.example/path", "a b", "*.", "*x.example", "x..example", "x.*.example", "ü.example", strings.Repeat("a", 300)} {
		_, err := NewHosts(nil, []string{bad})
		require.ErrorContains(t, err, "is not a host, expected a name without scheme, port or path", bad)
	}
	_, err = New(Options{Backend: &backend{State: &state{}}, AllowedHosts: []string{"x:1"}})
	require.ErrorContains(t, err, `"x:1" is not a host`)
}

// TestRebinding: a website that has its own name point at gorowatch reads and
// changes nothing, whatever the path; probes and scrapes come by any name.
func TestRebinding(t *testing.T) {
	for _, prefix := range []string{"", "/go/watch"} {
		o := options(leaking())
		o.ExternalURL = &url.URL{Scheme: "http", Host: "gorowatch.example.org", Path: prefix + "/"}
		a := asks{anonymous: true}
		o.Inbound = &a
		reloads := 0
		o.EnableLifecycle, o.Reload = true, func(context.Context) error { reloads++; return nil }
		loggedIn := false
		o.Login = func() bool { return loggedIn }
		h, err := New(o)
		require.NoError(t, err)
		ask := func(method, path, host string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, prefix+path, strings.NewReader(message("firing job=checkout")))
			r.Host = host
			r.Header.Set("Origin", "http://"+host)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		for _, path := range openPaths {
			require.Equal(t, http.StatusOK, ask(http.MethodGet, path, "evil.example").Code, path)
		}
		for _, r := range h.routes() {
			path := strings.NewReplacer("{$}", "", "{id}", "3f9c2a7b", "{base}", "-", "{head}", "-", "{view}", "top", "{key...}", "x").Replace(r.Path)
			if strings.HasPrefix(path, "/-/") {
				continue
			}
			w := ask(r.Method, path, "evil.example:10980")
			require.Equal(t, http.StatusForbidden, w.Code, "%s %s", r.Method, path)
			require.Contains(t, w.Body.String(), "--web.allowed-hosts", path)
			require.NotContains(t, w.Body.String(), "evil", path)
		}
		for _, path := range []string{"/nosuch", "/api/nosuch", "/-/../api/v1/leaks", "//api/v1/leaks", "/metrics/../api/v1/leaks", "/static/../api/v1/leaks", "/static/%2e%2e/api/v1/leaks"} {
			w := ask(http.MethodGet, path, "evil.example")
			require.NotContains(t, w.Body.String(), "checkout", path)
		}
		require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/-/reload", "evil.example").Code)
		require.Zero(t, reloads)
		require.Empty(t, a.list)

		require.Equal(t, http.StatusOK, ask(http.MethodPost, "/-/reload", "gorowatch.example.org").Code)
		require.Equal(t, 1, reloads)
		require.Equal(t, http.StatusOK, ask(http.MethodPost, inbound.Path, "gorowatch.example.org").Code)
		require.Len(t, a.list, 1)
		loggedIn = true
		require.Equal(t, http.StatusOK, ask(http.MethodGet, "/", "another.example").Code, "a browser sends the login to no other name")
	}
}
