package connections

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// until waits for the other end to close the connection, and returns how long that took.
func until(c net.Conn) time.Duration {
	began := time.Now()
	_, _ = io.Copy(io.Discard, c)
	return time.Since(began)
}

// Whatever a client does not finish, its connection ends.
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
				limit := New(10, slog.New(slog.DiscardHandler))
				server := NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }), limit)
				p := newPipes()
				done := make(chan error)
				go func() { done <- server.Serve(limit.Listener(p)) }()
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

// A client that does not read a long answer cannot keep the connection for ever either.
func TestNoReaderHoldsAnAnswerForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := New(10, slog.New(slog.DiscardHandler))
		var failed error
		server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for failed == nil {
				_, failed = w.Write(make([]byte, 64<<10))
			}
		}), limit)
		server.WriteTimeout = WriteTimeout
		p := newPipes()
		done := make(chan error)
		go func() { done <- server.Serve(limit.Listener(p)) }()
		client := p.dial()
		began := time.Now()
		_, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		time.Sleep(WriteTimeout + time.Second) // virtual
		synctest.Wait()
		require.Error(t, failed)
		require.Empty(t, limit.open, "after %s", time.Since(began))
		require.NoError(t, client.Close())
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
	})
}

// Many clients that never finish do not block others, whether they are idle or always in the
// middle of a request.
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
				open := New(limit, slog.New(slog.DiscardHandler))
				server := NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					_, _ = io.WriteString(w, "fine")
				}), open)
				p := newPipes()
				done := make(chan error)
				go func() { done <- server.Serve(open.Listener(p)) }()
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

// Shutdown is immediate, also while a connection waits for room.
func TestCloseWhileOneWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		open := New(1, slog.New(slog.DiscardHandler))
		p := newPipes()
		l := open.Listener(p)
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

// dialTo makes a connection that l has accepted.
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
	require.Equal(t, 512, Max(512, 0), "not known")
	require.Equal(t, 512, Max(512, 1<<20))
	require.Equal(t, 100, Max(512, 200))
	require.Equal(t, 1, Max(512, 1))
	require.Equal(t, 512, Max(512, 1<<63))
}
