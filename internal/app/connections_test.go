package app

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHostsOfTheApp: unknown host names get an answer only with a login, for gorowatch's own
// profiles too; probes and metrics always do.
func TestHostsOfTheApp(t *testing.T) {
	file := write(t, t.TempDir()+"/web.yml", "")
	o := Options{Web: listenOn("127.0.0.1:0"), Config: fast(t, newPrometheus(t).URL), ExternalURL: "http://gorowatch.example.org/", AllowedHosts: []string{"*.lan.example.org"}, DebugAddress: "127.0.0.1:0"}
	o.Web.WebConfigFile = &file
	r := start(t, o)
	ask := func(addr, path, host string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
		require.NoError(t, err)
		req.Host = host
		req.SetBasicAuth("oncall", "abacus")
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, errors.Join(err, resp.Body.Close()))
		return resp.StatusCode
	}
	for host, code := range map[string]int{
		"evil.example": 403, r.Addr(): 200, "gorowatch.example.org": 200, "gorowatch": 200, "gorowatch.monitoring.svc:80": 200, "a.lan.example.org": 200,
	} {
		require.Equal(t, code, ask(r.Addr(), "/api/v1/services", host), host)
		require.Equal(t, code, ask(r.DebugAddr(), "/debug/pprof/cmdline", host), host)
		require.Equal(t, http.StatusOK, ask(r.Addr(), "/-/healthy", host), host)
		require.Equal(t, http.StatusOK, ask(r.Addr(), "/metrics", host), host)
	}
	write(t, file, "basic_auth_users: {oncall: $2a$04$WJ.FENak60oXkyNXo0tc4e3rrvXWkvAsQSoUgHYHnZRqoVZJbVAyq}\n")
	require.Equal(t, http.StatusOK, ask(r.Addr(), "/api/v1/services", "evil.example"), "with a login")
	require.Equal(t, http.StatusForbidden, ask(r.DebugAddr(), "/debug/pprof/cmdline", "evil.example"), "these have none")

	o = Options{Web: listenOn("127.0.0.1:0"), Config: fast(t, newPrometheus(t).URL), AllowedHosts: []string{"http://x"}}
	_, err := New(t.Context(), o)
	require.ErrorContains(t, err, `"http://x" is not a host`)
}

// The webhook is off until the configuration says who may use it, and again when it no longer
// does.
func TestInboundIsOffByDefault(t *testing.T) {
	file := write(t, t.TempDir()+"/gorowatch.yml", yaml(newPrometheus(t).URL))
	r := start(t, Options{ConfigFile: file, StorageURL: "mem://", EnableLifecycle: true})
	r.cycle(1)
	send := func() int {
		req := httptest.NewRequest(http.MethodPost, "http://"+r.Addr()+"/api/v1/alertmanager-webhook", strings.NewReader(`{"version":"4","alerts":[{"status":"firing","labels":{"namespace":"prod","job":"shop"}}]}`))
		req.RequestURI = ""
		resp, err := r.client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	reload := func(inbound string) {
		write(t, file, yaml(r.graph.Load().config.Prometheus.URL.String(), fmt.Sprintf("alerting: {inbound: {%s}}", inbound)))
		code, text := r.do(http.MethodPost, "/-/reload")
		require.Equal(t, http.StatusOK, code, text)
	}
	require.Equal(t, http.StatusForbidden, send())
	reload("allow_anonymous: true")
	require.Equal(t, http.StatusOK, send())
	reload("credentials: abacus")
	require.Equal(t, http.StatusUnauthorized, send())
	empty := write(t, t.TempDir()+"/token", "\n")
	reload("credentials_file: " + empty)
	require.Equal(t, http.StatusInternalServerError, send(), "an empty token lets nobody in")
	reload("")
	require.Equal(t, http.StatusForbidden, send())
}
