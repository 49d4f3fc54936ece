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

func TestNewChecksTheHosts(t *testing.T) {
	_, err := New(Options{Backend: &backend{State: &state{}}, AllowedHosts: []string{"x:1"}})
	require.ErrorContains(t, err, `"x:1" is not a host`)
}

// TestRebinding: a website that points its own name at gorowatch reads and changes nothing,
// whatever the path. Probes and scrapes come by any name.
func TestRebinding(t *testing.T) {
	for _, prefix := range []string{"", "/go/watch"} {
		o := options(leaking())
		o.ExternalURL = &url.URL{Scheme: "http", Host: "gorowatch.example.org", Path: prefix + "/"}
		a := asks{anonymous: true}
		o.Inbound = &a
		reloads := 0
		o.Reloader = reloading(func(context.Context) error { reloads++; return nil })
		loggedIn := false
		of(o).login = func() bool { return loggedIn }
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
