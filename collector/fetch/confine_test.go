package fetch

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// counting returns a server that counts its connections.
func counting(t *testing.T, h http.HandlerFunc) (s *httptest.Server, connections *atomic.Int64) {
	t.Helper()
	connections = &atomic.Int64{}
	s = httptest.NewUnstartedServer(h)
	s.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		connections.Add(1)
		return ctx
	}
	s.Start()
	t.Cleanup(s.Close)
	return s, connections
}

func TestBodyIsBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	}))
	defer s.Close()
	for max, fails := range map[int64]bool{0: false, 1001: false, 1000: false, 999: true, 1: true} {
		c := Confine(s.Client(), Rules{MaxBytes: max, TooLarge: "more than was agreed"})
		resp, err := c.Get(s.URL)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		if fails {
			require.EqualError(t, err, "more than was agreed")
			require.Equal(t, collector.ReasonTooLarge, collector.ReasonOf(err))
			_, again := resp.Body.Read(make([]byte, 1))
			require.Equal(t, err, again, "it goes on failing")
			require.LessOrEqual(t, int64(len(text)), max)
		} else {
			require.NoError(t, err)
			require.Len(t, text, 1000)
		}
		require.NoError(t, resp.Body.Close())
	}
}

// A connection can be used again even if the body was closed without being read.
func TestConnectionIsUsedAgain(t *testing.T) {
	s, connections := counting(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/little" {
			w.WriteHeader(http.StatusBadGateway)
		}
		for range 8 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			_ = http.NewResponseController(w).Flush()
		}
	})
	c := Confine(s.Client(), Rules{})
	for range 5 {
		resp, err := c.Get(s.URL + "/little")
		require.NoError(t, err)
		require.Len(t, Explanation(resp), maxExplained)
		require.NoError(t, resp.Body.Close())
	}
	require.EqualValues(t, 1, connections.Load())
	c.CloseIdleConnections()
	resp, err := c.Get(s.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.EqualValues(t, 2, connections.Load())
}

// A body may be closed while it is read, as an API client does whose context ends.
func TestCloseWhileReading(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer s.Close()
	resp, err := Confine(s.Client(), Rules{MaxBytes: 10}).Get(s.URL)
	require.NoError(t, err)
	reading, done := make(chan struct{}), make(chan error)
	go func() {
		close(reading)
		_, err := io.ReadAll(resp.Body)
		done <- err
	}()
	<-reading
	for resp.Body.(*body).mtx.TryLock() { // until it is read
		resp.Body.(*body).mtx.Unlock()
	}
	require.NoError(t, resp.Body.Close())
	require.Error(t, <-done)
}

// A redirect that would turn a delivery into the GET of a page is not followed.
func TestSameMethod(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/login":
			http.Redirect(w, r, "/page", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/page", http.StatusTemporaryRedirect)
		default:
			_, _ = io.WriteString(w, r.Method)
		}
	}))
	defer s.Close()
	post := func(r Rules, path string) (int, string) {
		resp, err := Confine(s.Client(), r).Post(s.URL+path, "text/plain", strings.NewReader("x"))
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode, Explanation(resp)
	}
	code, _ := post(Rules{SameMethod: true}, "/login")
	require.Equal(t, http.StatusFound, code)
	_, text := post(Rules{SameMethod: true}, "/moved")
	require.Equal(t, http.MethodPost, text)
	_, text = post(Rules{}, "/login")
	require.Equal(t, http.MethodGet, text)
}
