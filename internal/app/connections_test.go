package app

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections are pipes, for virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// until waits for the other end to close the connection, and returns after how
// long it has.
func until(c net.Conn) time.Duration {
	began := time.Now()
	_, _ = io.Copy(io.Discard, c)
	return time.Since(began)
}

// Whatever a client leaves undone, its connection ends.
func TestNoClientHoldsAConnectionForEver(t *testing.T) {
	for name, c := range map[string]struct {
		send string
		want time.Duration
	}{
		"nothing":                 {"", headerTimeout},
		"half a header":           {"GET / HTTP/1.1\r\nHost: x\r\n", headerTimeout},
		"half a body":             {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", readTimeout},
		"half a chunk":            {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf", readTimeout},
		"a request, and no other": {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				limit := newConnections(10, slog.New(slog.DiscardHandler))
				server := newServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), limit)
				p := newPipes()
				done := make(chan error)
				go func() { done <- server.Serve(limit.listener(p)) }()
				client := p.dial()
				go func() { _, _ = io.WriteString(client, c.send) }()
				require.InDelta(t, c.want.Seconds(), until(client).Seconds(), 1)
				synctest.Wait()
				require.Empty(t, limit.open)
				require.NoError(t, server.Close())
				require.ErrorIs(t, <-done, http.ErrServerClosed)
			})
		})
	}
}

// A reader that takes none of a long answer does not keep it for ever either.
func TestNoReaderHoldsAnAnswerForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := newConnections(10, slog.New(slog.DiscardHandler))
		var failed error
		server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for failed == nil {
				_, failed = w.Write(make([]byte, 64<<10))
			}
		}), limit)
		server.WriteTimeout = writeTimeout
		p := newPipes()
		done := make(chan error)
		go func() { done <- server.Serve(limit.listener(p)) }()
		client := p.dial()
		began := time.Now()
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		time.Sleep(writeTimeout + time.Second) // virtual
		synctest.Wait()
		require.Error(t, failed)
		require.Empty(t, limit.open, "after %s", time.Since(began))
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
}

// Many clients that finish nothing keep nobody out: not idle ones, and not those
// that are always in the middle of a request.
func TestAlwaysRoomForOneMore(t *testing.T) {
	const limit = 8
	for name, c := range map[string]struct {
		send   string
		within time.Duration // until another one is answered
	}{
		"idle":        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0},
		"silent":      {"", evictAfter},
		"slow bodies": {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf", evictAfter},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				open := newConnections(limit, slog.New(slog.DiscardHandler))
				server := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, "fine")
				}), open)
				p := newPipes()
				done := make(chan error)
				go func() { done <- server.Serve(open.listener(p)) }()
				var clients []net.Conn
				for range 3 * limit {
					client := p.dial()
					clients = append(clients, client)
					_, err := io.WriteString(client, c.send)
					require.NoError(t, err)
					if strings.HasPrefix(c.send, "GET") {
						_, err := http.ReadResponse(bufio.NewReader(client), nil)
						require.NoError(t, err)
					}
					synctest.Wait()
					require.LessOrEqual(t, len(open.open), limit)
				}
				began := time.Now()
				probe := p.dial()
				_, err := io.WriteString(probe, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				require.NoError(t, err)
				resp, err := http.ReadResponse(bufio.NewReader(probe), nil)
				require.NoError(t, err)
				require.Equal(t, http.StatusOK, resp.StatusCode)
				require.LessOrEqual(t, time.Since(began), c.within)
				for _, c := range append(clients, probe) {
					require.NoError(t, c.Close())
				}
				require.NoError(t, server.Close())
				require.ErrorIs(t, <-done, http.ErrServerClosed)
			})
		})
	}
}

// The end comes at once, also while a connection waits for room.
func TestCloseWhileOneWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := newConnections(1, slog.New(slog.DiscardHandler))
		p := newPipes()
		l := open.listener(p)
		first := p.dialTo(t, l)
		errs := make(chan error)
		go func() {
			_, err := l.Accept()
			errs <- err
		}()
		waits := p.dial()
		synctest.Wait()
		require.NoError(t, l.Close())
		require.ErrorIs(t, <-errs, net.ErrClosed)
		require.Zero(t, until(waits))
		require.NoError(t, first.Close())
	})
}

// dialTo is a connection that l has accepted.
func (p *pipes) dialTo(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	accepted := make(chan net.Conn)
	go func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	_ = p.dial()
	return <-accepted
}

func TestMaxConnections(t *testing.T) {
	require.Equal(t, 512, maxConnections(512, 0), "not known")
	require.Equal(t, 512, maxConnections(512, 1<<20))
	require.Equal(t, 100, maxConnections(512, 200))
	require.Equal(t, 1, maxConnections(512, 1))
	require.Equal(t, 512, maxConnections(512, 1<<63))
}

// TestHostsOfTheApp: a name that is not ours is answered with a login alone,
// on the own profiles too; probes and metrics always.
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

// The webhook is off until somebody configures who may use it, and again when
// the configuration says so no more.
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
