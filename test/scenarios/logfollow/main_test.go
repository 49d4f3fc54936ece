package main

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "(*journal).follow"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a journal whose lines are followed through handle.
func serve(t *testing.T, handle func(*journal) http.HandlerFunc) (*journal, string) {
	j := newJournal()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /units/{unit}/lines", j.append)
	mux.HandleFunc("GET /units/{unit}/lines", handle(j))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return j, server.URL
}

// leave follows a quiet unit n times and goes away before there is a line.
func leave(t *testing.T, url string, n int) {
	for range n {
		ctx, cancel := context.WithCancel(t.Context())
		resp := follow(ctx, t, url)
		cancel()
		require.NoError(t, resp.Body.Close())
	}
}

// speak lets the unit say something until the followers that are gone have
// noticed, so that the server can be closed.
func speak(t *testing.T, j *journal) {
	require.Eventually(t, func() bool {
		j.publish("backup", "still here")
		j.mu.Lock()
		defer j.mu.Unlock()
		return len(j.followers) == 0
	}, 2*time.Minute, 10*time.Millisecond)
}

func follow(ctx context.Context, t *testing.T, url string) *http.Response {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/units/backup/lines", nil)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp
}

func TestLeakyLeavesAHandlerForEveryClientThatLeft(t *testing.T) {
	site := goroutines.At(t, leaking)
	j, url := serve(t, func(j *journal) http.HandlerFunc { return j.follow })
	leave(t, url, 5)
	site.Holds(5)

	speak(t, j)
	site.Holds(0)
}

func TestFixedLeavesNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	j, url := serve(t, func(j *journal) http.HandlerFunc { return j.followUntilDone })
	leave(t, url, 5)
	http.DefaultClient.CloseIdleConnections()
	// Besides its own goroutines the server has one to accept connections.
	goroutines.NoneLeft(t, ignore, goleak.IgnoreAnyFunction("net/http.(*Server).Serve"))
	j.mu.Lock()
	defer j.mu.Unlock()
	require.Empty(t, j.followers)
}

func TestBothStream(t *testing.T) {
	for name, handle := range map[string]func(*journal) http.HandlerFunc{
		"leaky": func(j *journal) http.HandlerFunc { return j.follow },
		"fixed": func(j *journal) http.HandlerFunc { return j.followUntilDone },
	} {
		t.Run(name, func(t *testing.T) {
			j, url := serve(t, handle)
			resp := follow(t.Context(), t, url)
			answer, err := http.Post(url+"/units/backup/lines", "text/plain", strings.NewReader("started\nfinished\n"))
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())

			lines := bufio.NewScanner(resp.Body)
			require.True(t, lines.Scan())
			require.Equal(t, "started", lines.Text())
			require.True(t, lines.Scan())
			require.Equal(t, "finished", lines.Text())

			require.NoError(t, resp.Body.Close())
			http.DefaultClient.CloseIdleConnections()
			speak(t, j)
		})
	}
}
