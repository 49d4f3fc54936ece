package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoadCountsWhatCameOfIt(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	enter := func(d int) {
		mu.Lock()
		defer mu.Unlock()
		now += d
		most = max(most, now)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		enter(1)
		defer enter(-1)
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
	Eventually(t, time.Minute, "two rounds", func() error {
		if traffic.Answered.Load() < 2 || traffic.GaveUp.Load() < 2 || traffic.Failed.Load() < 2 {
			return fmt.Errorf("%s", traffic)
		}
		return nil
	})
	// A handler may be about to return when the next round is there.
	mu.Lock()
	defer mu.Unlock()
	require.LessOrEqual(t, most, 2*load.AtATime)
}

func TestEveryScenarioSaysWhereItLeaks(t *testing.T) {
	for _, l := range leaks {
		require.Regexp(t, `^main\.go:\d+$`, LeakingLine(t, l.name))
	}
}
