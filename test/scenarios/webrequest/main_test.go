package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/goroutines"
)

const leaking = "client.quote.func1"

// The leaky form leaves its goroutines to the end of the process.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/gorowatch/gorowatch/test/scenarios/webrequest."+leaking))
}

// late asks n times for a quote that comes only when nobody waits for it.
func late(t *testing.T, n int, ask func(client) func(context.Context, string) (string, error)) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
		fmt.Fprintln(w, "42.17")
	}))
	defer server.Close()
	c := client{http: server.Client(), timeout: time.Millisecond}
	for range n {
		_, err := ask(c)(t.Context(), server.URL)
		require.Error(t, err)
	}
	close(done)
}

func TestLeakyLeavesEveryLateRequest(t *testing.T) {
	site := goroutines.At(t, leaking)
	late(t, 5, func(c client) func(context.Context, string) (string, error) { return c.quote })
	site.Holds(5)
}

func TestFixedLeavesNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	late(t, 5, func(c client) func(context.Context, string) (string, error) { return c.quoteBound })
	goroutines.NoneLeft(t, ignore)
}

func TestBothReturnTheQuote(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "42.17")
	}))
	defer server.Close()
	c := client{http: server.Client(), timeout: time.Minute}
	for _, ask := range []func(context.Context, string) (string, error){c.quote, c.quoteBound} {
		got, err := ask(t.Context(), server.URL)
		require.NoError(t, err)
		require.Equal(t, "42.17", got)
	}
}

func TestPollEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
		defer cancel()
		calls := 0
		poll(ctx, 100*time.Millisecond, func() { calls++ })
		require.Equal(t, 10, calls)
	})
}
