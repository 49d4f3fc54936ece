package attack

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// nowhere is a configuration whose Prometheus does not answer.
const nowhere = "prometheus: {url: 'http://127.0.0.1:1'}\n"

const webhookPath = "/api/v1/alertmanager-webhook"

// ask sends a request on its own connection and returns the status and the body. header is
// "Name: value"; "Host" is one too.
func ask(t testing.TB, method, address, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(text)
}

func status(t testing.TB, method, address, body string, header ...string) int {
	t.Helper()
	resp, _ := ask(t, method, address, body, header...)
	return resp.StatusCode
}

// An evil website resolves its own name to the address of gorowatch. Its scripts, in the
// browser of a visitor, read and change nothing.
func TestWebsiteThatPointsItsNameHere(t *testing.T) {
	t.Parallel()
	debug := e2e.FreeAddress(t)
	g := e2e.StartGorowatch(t, t.TempDir(), nowhere+"alerting: {inbound: {allow_anonymous: true}}\n",
		"--web.enable-lifecycle", "--web.enable-admin-api", "--web.external-url=http://gorowatch.example.org/", "--web.allowed-hosts=watch.lan.example.org", "--debug.listen-address="+debug)
	evil := []string{"Host: evil.example:10980", "Origin: http://evil.example:10980", "Sec-Fetch-Site: same-origin"}
	for _, path := range []string{
		"/", "/services", "/targets", "/status", "/compare?head=profiles/a", "/pprof/-/cHJvZmlsZXMvYQ/top", "/nosuch", "/static/../api/v1/status",
		"/api/v1/leaks", "/api/v1/services", "/api/v1/targets", "/api/v1/status", "/api/v1/captures", "/api/v1/profiles/a/b.pb.gz", "/api/v1/diff?head=profiles/a",
	} {
		require.Equal(t, http.StatusForbidden, status(t, http.MethodGet, g.URL+path, "", evil...), path)
	}
	for _, path := range []string{"/-/reload", webhookPath, "/api/v1/services/x/profiles?instance=y"} {
		require.Equal(t, http.StatusForbidden, status(t, http.MethodPost, g.URL+path, `{"version":"4","alerts":[{"status":"firing","labels":{"job":"x"}}]}`, evil...), path)
	}
	require.Equal(t, http.StatusForbidden, status(t, http.MethodGet, "http://"+debug+"/debug/pprof/heap", "", evil...))
	require.Equal(t, 1.0, g.Metric(t, "gorowatch_config_last_reload_successful"))
	require.NotContains(t, g.Output(), "reloaded")

	// Legitimate requests use one of these names.
	for _, host := range []string{"gorowatch.example.org", "watch.lan.example.org", "localhost:10980", "gorowatch", "gorowatch.monitoring.svc:10980", "gorowatch.monitoring.svc.cluster.local", "[::1]:80"} {
		require.Equal(t, http.StatusOK, status(t, http.MethodGet, g.URL+"/api/v1/leaks", "", "Host: "+host), host)
	}
	require.Equal(t, http.StatusOK, status(t, http.MethodPost, g.URL+"/-/reload", ""))
	for _, path := range []string{"/-/healthy", "/metrics"} {
		require.Equal(t, http.StatusOK, status(t, http.MethodGet, g.URL+path, "", "Host: some.name.of.the.platform"), path)
	}
}

// A page of another site posts to gorowatch by its right name.
func TestOtherSitesPost(t *testing.T) {
	t.Parallel()
	g := e2e.StartGorowatch(t, t.TempDir(), nowhere+"alerting: {inbound: {allow_anonymous: true}}\n", "--web.enable-lifecycle", "--web.enable-admin-api")
	for _, header := range []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: https://evil.example"} {
		for _, path := range []string{"/-/reload", webhookPath, "/services/x/profile", "/leaks/x/profile", "/api/v1/services/x/profiles"} {
			require.Equal(t, http.StatusForbidden, status(t, http.MethodPost, g.URL+path, "", header), "%s %s", header, path)
		}
	}
}

// Everything that changes something, and everything about gorowatch itself, is off by default.
func TestOffByDefault(t *testing.T) {
	t.Parallel()
	g := e2e.StartGorowatch(t, t.TempDir(), nowhere)
	for _, path := range []string{"/-/reload", webhookPath, "/api/v1/services/x/profiles?instance=y"} {
		resp, text := ask(t, http.MethodPost, g.URL+path, `{"version":"4","alerts":[{"status":"firing","labels":{"job":"x"}}]}`)
		require.Equal(t, http.StatusForbidden, resp.StatusCode, path)
		require.Regexp(t, `not enabled|is off`, text, path)
	}
	_, captures := ask(t, http.MethodGet, g.URL+"/api/v1/captures", "")
	require.Contains(t, captures, `"total":0`)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/vars"} {
		require.Equal(t, http.StatusNotFound, status(t, http.MethodGet, g.URL+path, ""), path)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		for _, path := range []string{"/", "/api/v1/leaks", "/api/v1/profiles/a/b.pb.gz", "/api/v1/services"} {
			require.Equal(t, http.StatusMethodNotAllowed, status(t, method, g.URL+path, ""), "%s %s", method, path)
		}
	}
}

// The webhook with a token accepts no other one.
func TestWebhookWantsItsToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token"), []byte("abacus\n"), 0o600))
	g := e2e.StartGorowatch(t, dir, nowhere+"alerting: {inbound: {credentials_file: token}}\n")
	for _, header := range []string{"X-No: token", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: Bearer abacus2", "Authorization: Basic YWJhY3VzOg==", "Authorization: abacu"} {
		require.Equal(t, http.StatusUnauthorized, status(t, http.MethodPost, g.URL+webhookPath, "{}", header), header)
	}
	// A Kubernetes Service of a cluster with its own domain, or any other name.
	require.Equal(t, http.StatusBadRequest, status(t, http.MethodPost, g.URL+webhookPath, "{}", "Authorization: Bearer abacus", "Host: gorowatch.monitoring.svc.prod.example"))
}

// 260 clients never finish a request, or keep their connection for the next, in a process that
// may have 200 files open. A probe is answered before the kubelet gives up on it.
func TestSlowClientsKeepNoProbeOut(t *testing.T) {
	t.Parallel()
	const files, clients, patience = 200, 260, 5 * time.Second
	g := e2e.StartGorowatchBy(t, t.TempDir(), nowhere, []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, files), "sh"})
	address := strings.TrimPrefix(g.URL, "http://")
	for _, send := range []string{
		"POST " + webhookPath + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nslow",
		"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET /-/healthy HTTP/1.1\r\nHost: localh",
		"",
	} {
		for range clients {
			c, err := net.DialTimeout("tcp", address, time.Minute)
			require.NoError(t, err)
			t.Cleanup(func() { _ = c.Close() })
			_, _ = io.WriteString(c, send) // it may have been closed for another one
		}
		client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
		for _, path := range []string{"/-/healthy", "/metrics", "/api/v1/leaks"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+path, nil)
			require.NoError(t, err)
			began := time.Now()
			resp, err := client.Do(req)
			require.NoError(t, err, "%s beside %q", path, send)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, http.StatusOK, resp.StatusCode, path)
			t.Logf("%s after %s beside %q", path, time.Since(began).Round(time.Millisecond), send)
		}
	}
	require.NotContains(t, g.Output(), "too many open files")
}

var elsewhere = regexp.MustCompile(`(?:href|src|action)="(?:[a-z]+:)?//`)

// A service has names that would be markup or commands elsewhere. Every page stays intact,
// loads nothing from elsewhere, and forbids it. The service gets only GET requests.
func TestPagesOfAHostileService(t *testing.T) {
	t.Parallel()
	const bad = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\u2066\x1b[31m<!here>"
	var mu sync.Mutex
	var methods []string
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		methods = append(methods, r.Method+" "+r.URL.Path)
		mu.Unlock()
		if r.URL.Path == "/metrics" {
			_, _ = io.WriteString(w, "go_goroutines 7\nprocess_start_time_seconds 1\n")
			return
		}
		w.Header().Set("X-Bad", "<script>")
		http.Error(w, bad, http.StatusTeapot)
	}))
	defer target.Close()
	config := fmt.Sprintf("global: {evaluation_interval: 1s}\ntrend: {base: 1s}\nprofiles: {baseline_interval: 1s}\ntargets:\n- static: [%q]\n  labels: {namespace: prod, job: %q, note: %q}\n",
		strings.TrimPrefix(target.URL, "http://"), strings.ReplaceAll(bad, "\x1b", ""), strings.Repeat("long ", 400)) // labels of more than 2 KiB are left out
	g := e2e.StartGorowatch(t, t.TempDir(), config, "--storage.tsdb.path="+t.TempDir())
	g.WaitReady(t)
	var id string
	e2e.Eventually(t, time.Minute, "the service is watched and was asked for a profile", func() error {
		_, text := ask(t, http.MethodGet, g.URL+"/api/v1/services", "")
		m := regexp.MustCompile(`"id":"([0-9a-f]+)"`).FindStringSubmatch(text)
		_, targets := ask(t, http.MethodGet, g.URL+"/api/v1/targets", "")
		if m == nil || !strings.Contains(targets, `"state":"down"`) {
			return fmt.Errorf("services: %.300s, targets: %.300s", text, targets)
		}
		id = m[1]
		return nil
	})
	for _, path := range []string{"/", "/services", "/services/" + id, "/targets", "/status", "/nosuch", "/?q=" + url.QueryEscape(bad), "/services?match=" + url.QueryEscape(bad), "/leaks/" + url.PathEscape(bad), "/compare"} {
		resp, page := ask(t, http.MethodGet, g.URL+path, "")
		policy := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'", path)
		require.NotContains(t, policy, "unsafe", path)
		require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"), path)
		require.Empty(t, elsewhere.FindAllString(page, -1), path)
		for _, never := range []string{"<script>alert", "<img src=x", "\x1b"} {
			require.NotContains(t, page, never, path)
		}
		if path != "/status" { // shows the configuration unchanged
			require.NotContains(t, page, "\u202e", path)
			require.NotContains(t, page, "\u2066", path)
			require.NotContains(t, page, strings.Repeat("long ", 100), path)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, methods)
	for _, m := range methods {
		require.Regexp(t, `^GET (/metrics|/debug/pprof/goroutine(leak)?)$`, m)
	}
}

// None of pprof's pages that read files of this host, run a program or store settings is
// served, and no path of the API leads out of the bucket.
func TestNoFileOfTheHostIsRead(t *testing.T) {
	t.Parallel()
	bucket := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(bucket), "secret.pb.gz"), []byte("hunter2"), 0o600))
	g := e2e.StartGorowatch(t, t.TempDir(), nowhere, "--storage.url=file://"+filepath.ToSlash(bucket))
	for _, view := range []string{"source", "disasm", "weblist", "saveconfig", "deleteconfig", "download", "graph", "", "x"} {
		code := status(t, http.MethodGet, g.URL+"/pprof/-/cHJvZmlsZXMvYQ/"+view, "")
		require.Contains(t, []int{http.StatusNotFound, http.StatusFound}, code, view)
		require.True(t, code != http.StatusFound || view == "", view)
	}
	for _, key := range []string{
		"..%2f..%2fsecret.pb.gz", "..%2fsecret.pb.gz", "%2e%2e/%2e%2e/secret.pb.gz", "profiles/..%2f..%2f..%2fsecret.pb.gz", "%2fetc%2fpasswd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "..%5c..%5csecret.pb.gz", "a%00",
	} {
		resp, text := ask(t, http.MethodGet, g.URL+"/api/v1/profiles/"+key, "")
		require.NotEqual(t, http.StatusOK, resp.StatusCode, key)
		require.NotContains(t, text, "hunter2", key)
		for _, name := range []string{"head", "base"} {
			resp, text = ask(t, http.MethodGet, g.URL+"/api/v1/diff?head=profiles/x&"+name+"=profiles/"+key, "")
			require.NotEqual(t, http.StatusOK, resp.StatusCode, key)
			require.NotContains(t, text, "hunter2", key)
		}
	}
}

// Credentials of every kind, in the configuration and in files, while everything that uses them
// fails: none is on a page, in the API, in the metrics or in the log.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("hunter2-"+name+"\n"), 0o600))
		return name
	}
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "no", http.StatusUnauthorized)
	}))
	defer refuses.Close()
	host := strings.TrimPrefix(refuses.URL, "http://")
	config := fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus:
  url: http://reader:hunter2-url@%[1]s
  authorization: {credentials: hunter2-inline}
targets:
- static: [%[1]q]
  labels: {job: a}
  basic_auth: {username: me, password: hunter2-password}
- static: ['127.0.0.1:1']
  labels: {job: b}
  authorization: {credentials_file: %[2]s}
alerting:
  alertmanagers:
  - static_configs: [{targets: [%[1]q]}]
    basic_auth: {username: me, password_file: %[3]s}
  webhooks:
  - {name: chat, url: 'http://%[1]s/hunter2-path?token=hunter2-query'}
  - {name: other, url_file: %[4]s}
  inbound: {credentials: hunter2-inbound}
`, host, file("target"), file("alertmanager"), file("webhook"))
	g := e2e.StartGorowatch(t, dir, config, "--web.enable-admin-api", "--log.level=debug")
	e2e.Eventually(t, time.Minute, "Prometheus refuses the login", func() error {
		if _, text := ask(t, http.MethodGet, g.URL+"/api/v1/status", ""); !strings.Contains(text, "401") {
			return fmt.Errorf("%.2000s", text)
		}
		return nil
	})
	for _, path := range []string{"/", "/services", "/targets", "/status", "/nosuch", "/api/v1/status", "/api/v1/targets", "/metrics", "/debug/pprof/cmdline"} {
		_, text := ask(t, http.MethodGet, g.URL+path, "")
		require.NotContains(t, text, "hunter2", path)
	}
	_, text := ask(t, http.MethodPost, g.URL+webhookPath, "{}", "Authorization: Bearer hunter2")
	require.NotContains(t, text, "hunter2-inbound")
	require.NotContains(t, g.Output(), "hunter2")
}

// Without the password no page, API or metric can be read; with it gorowatch answers under any
// name.
func TestLogin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	web := filepath.Join(dir, "web.yml")
	require.NoError(t, os.WriteFile(web, []byte("basic_auth_users: {oncall: $2a$04$WJ.FENak60oXkyNXo0tc4e3rrvXWkvAsQSoUgHYHnZRqoVZJbVAyq}\n"), 0o600))
	g := e2e.StartGorowatch(t, dir, nowhere, "--web.config.file="+web)
	for _, path := range []string{"/", "/status", "/api/v1/leaks", "/metrics", "/static/page.js", "/-/healthy"} {
		require.Equal(t, http.StatusUnauthorized, status(t, http.MethodGet, g.URL+path, ""), path)
		require.Equal(t, http.StatusUnauthorized, status(t, http.MethodGet, g.URL+path, "", "Authorization: Basic b25jYWxsOndyb25n"), path)
		require.Equal(t, http.StatusOK, status(t, http.MethodGet, g.URL+path, "", "Authorization: Basic b25jYWxsOmFiYWN1cw==", "Host: any.name.example"), path)
	}
}
