package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoadCountsWhatCameOfIt(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/broken":
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	paths := []string{"/", "/slow", "/broken"}
	load := Load{
		Every: 10 * time.Millisecond, AtATime: 3, Patience: 200 * time.Millisecond, Method: http.MethodPost,
		Path: func(n int) string { return paths[n%len(paths)] },
	}
	traffic := load.Start(t, server.Listener.Addr().String())
	Eventually(t, startTime, "two rounds", func() error {
		if traffic.Answered.Load() < 2 || traffic.GaveUp.Load() < 2 || traffic.Failed.Load() < 2 {
			return fmt.Errorf("%s", traffic)
		}
		return nil
	})
}

func TestLoadIsBounded(t *testing.T) {
	var now, most atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		defer now.Add(-1)
		for n, m := now.Add(1), most.Load(); n > m; m = most.Load() {
			if most.CompareAndSwap(m, n) {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	load := Load{Every: time.Millisecond, AtATime: 3, Patience: startTime, Method: http.MethodGet, Path: func(int) string { return "/" }}
	traffic := load.Start(t, server.Listener.Addr().String())
	Eventually(t, startTime, "ten rounds", func() error {
		if traffic.Answered.Load() < 30 {
			return fmt.Errorf("%s", traffic)
		}
		return nil
	})
	require.LessOrEqual(t, most.Load(), int64(load.AtATime))
}

func TestEveryScenarioSaysWhereItLeaks(t *testing.T) {
	for _, l := range leaks {
		require.Regexp(t, `^main\.go:\d+$`, LeakingLine(t, l.name))
	}
}
