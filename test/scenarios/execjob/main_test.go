package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "report.run"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endless returns a report that starts, says so through started, and ends when the
// test does or release is called.
func endless(t *testing.T) (rep report, started *os.File, release func()) {
	dir := t.TempDir()
	gate, ready := filepath.Join(dir, "gate"), filepath.Join(dir, "ready")
	for _, fifo := range []string{gate, ready} {
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	}
	// Opened for both, so that neither end waits for the other. The command
	// opens the gate before it says that it has started, so it sees the end of
	// the gate when this end is closed.
	hold, err := os.OpenFile(gate, os.O_RDWR, 0)
	require.NoError(t, err)
	started, err = os.OpenFile(ready, os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = hold.Close(), started.Close() })
	return report{command: []string{"sh", "-c", "exec <" + gate + "; echo >" + ready + "; exec cat"}}, started, func() { _ = hold.Close() }
}

// giveUp asks for the report n times and goes away while it is running.
func giveUp(t *testing.T, n int, handle http.HandlerFunc, started io.Reader) {
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	for range n {
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
		require.NoError(t, err)
		gone := make(chan error, 1)
		go func() {
			resp, err := http.DefaultClient.Do(req)
			if err == nil {
				err = resp.Body.Close()
			}
			gone <- err
		}()
		_, err = started.Read(make([]byte, 1))
		require.NoError(t, err)
		cancel()
		require.ErrorIs(t, <-gone, context.Canceled)
	}
}

func TestLeakyLeavesAGoroutineForEveryReportNobodyWaitsFor(t *testing.T) {
	site := goroutines.At(t, leaking)
	rep, started, release := endless(t)
	giveUp(t, 5, rep.run, started)
	site.Holds(5)
	release()
	site.Holds(0)
}

func TestFixedLeavesNothing(t *testing.T) {
	rep, started, _ := endless(t)
	ignore := goleak.IgnoreCurrent()
	giveUp(t, 5, rep.runBound, started)
	// Besides its own goroutines the server has one to accept connections.
	goroutines.NoneLeft(t, ignore, goleak.IgnoreAnyFunction("net/http.(*Server).Serve"))
}

func TestBothSendWhatTheReportPrints(t *testing.T) {
	rep := report{command: []string{"echo", "fine"}}
	for _, handle := range []http.HandlerFunc{rep.run, rep.runBound} {
		rec := httptest.NewRecorder()
		handle(rec, httptest.NewRequest(http.MethodPost, "/report", nil))
		require.Equal(t, "fine\n", rec.Body.String())
	}
	broken := report{command: []string{"false"}}
	for _, handle := range []http.HandlerFunc{broken.run, broken.runBound} {
		rec := httptest.NewRecorder()
		handle(rec, httptest.NewRequest(http.MethodPost, "/report", nil))
		require.Equal(t, http.StatusBadGateway, rec.Code)
	}
}
