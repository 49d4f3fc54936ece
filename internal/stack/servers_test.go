package stack

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// patience bounds how long a test waits for something that must happen.
const patience = 2 * time.Minute

// The numbers equal those of go tool pprof -base on real programs under load, too.
// test/tools/install.sh installs the servers.
func TestDiffAgreesWithPprofOnServers(t *testing.T) {
	scenarios := t.TempDir()
	build := exec.Command("go", "build", "-C", "../../test/scenarios", "-buildvcs=false", "-o", scenarios, "./webrequest", "./logfollow", "./logwriter", "./rediscron", "./sumhandler", "./execjob")
	msg, err := build.CombinedOutput()
	require.NoError(t, err, "%s", msg)
	scenario := func(name string, srv server) server {
		srv.command = func(t *testing.T, _, addr string) *exec.Cmd {
			cmd := exec.Command(filepath.Join(scenarios, name), append(srv.flags, "--listen="+addr)...)
			if srv.redis {
				cmd.Args = append(cmd.Args, "--redis="+e2e.StartRedis(t))
			}
			return cmd
		}
		return srv
	}
	for name, srv := range map[string]server{
		"prometheus": {ready: "/-/ready", command: func(t *testing.T, dir, addr string) *exec.Cmd {
			config := file(t, dir, "global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ['"+addr+"']}]}]\n")
			return exec.Command(e2e.Tool(t, "prometheus", "prometheus"), "--config.file="+config, "--storage.tsdb.path="+dir, "--web.listen-address="+addr)
		}},
		"alertmanager": {ready: "/-/ready", command: func(t *testing.T, dir, addr string) *exec.Cmd {
			config := file(t, dir, "route: {receiver: none}\nreceivers: [{name: none}]\n")
			return exec.Command(e2e.Tool(t, "alertmanager", "alertmanager"), "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+addr, "--cluster.listen-address=")
		}},
		"etcd": {ready: "/health", command: func(t *testing.T, dir, addr string) *exec.Cmd {
			peer := "http://" + e2e.FreeAddress(t)
			return exec.Command(e2e.Tool(t, "etcd", "etcd"), "--enable-pprof", "--data-dir="+dir, "--listen-client-urls=http://"+addr, "--advertise-client-urls=http://"+addr,
				"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
		}},
		"webrequest": scenario("webrequest", server{}),
		"logfollow":  scenario("logfollow", server{path: "/internal/pprof/goroutine"}),
		"logwriter":  scenario("logwriter", server{}),
		"rediscron":  scenario("rediscron", server{flags: []string{"--every=50ms"}, redis: true}),
		"sumhandler": scenario("sumhandler", server{token: "abacus", leaks: "GET /sum?n=1,x HTTP/1.1\r\nHost: x\r\n\r\n"}),
		"execjob":    scenario("execjob", server{flags: []string{"--command=sleep 20"}, leaks: "POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			addr := e2e.FreeAddress(t)
			path := cmp.Or(srv.path, "/debug/pprof/goroutine")
			cmd := srv.command(t, dir, addr)
			require.NoError(t, cmd.Start())
			defer func() {
				_ = cmd.Process.Signal(syscall.SIGTERM)
				_ = cmd.Wait()
			}()
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			client := &http.Client{Transport: login{tr, srv.token}}
			require.Eventually(t, func() bool {
				resp, err := client.Get("http://" + addr + cmp.Or(srv.ready, path))
				if err != nil {
					return false
				}
				defer func() { _ = resp.Body.Close() }()
				return resp.StatusCode == http.StatusOK
			}, patience, 100*time.Millisecond)

			base := pull(t, client, addr+path, filepath.Join(dir, "base.pb.gz"))
			// Connections that send half a request, and some that are idle.
			for i := range 60 {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
				require.NoError(t, err)
				defer func() { _ = conn.Close() }()
				_, err = io.WriteString(conn, []string{cmp.Or(srv.leaks, "GET / HTTP/1.1\r\n"), "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\nqu", ""}[i%3])
				require.NoError(t, err)
			}
			head := ""
			require.Eventually(t, func() bool { // until the server has accepted them
				head = pull(t, client, addr+path, filepath.Join(dir, "head.pb.gz"))
				return total(t, head) >= total(t, base)+40
			}, patience, 100*time.Millisecond)

			out := filepath.Join(dir, "diff.pb.gz")
			pprof := exec.Command("go", "tool", "pprof", "-proto", "-symbolize=none", "-output="+out, "-base", base, head)
			pprof.Env = append(os.Environ(), "PPROF_TMPDIR="+dir)
			msg, err := pprof.CombinedOutput()
			require.NoError(t, err, "%s", msg)
			agreeWithPprof(t, base, head, out)
		})
	}
}

// server is a real program.
type server struct {
	command     func(t *testing.T, dir, addr string) *exec.Cmd
	path, ready string // of its profile, and of the answer that shows it is ready
	leaks       string // a request that leaks a goroutine

	// Of a scenario:
	flags []string
	redis bool
	token string // required by its profiles
}

// login adds a token to requests, unless it is empty.
type login struct {
	http.RoundTripper
	token string
}

func (l login) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+l.token)
	}
	return l.RoundTripper.RoundTrip(r)
}

func file(t *testing.T, dir, text string) string {
	t.Helper()
	path := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func pull(t *testing.T, client *http.Client, url, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+url, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func total(t *testing.T, path string) int64 {
	t.Helper()
	return snapshotOf(t, path).Total
}
