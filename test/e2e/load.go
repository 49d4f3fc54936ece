package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Load is what the clients of a service do again and again.
type Load struct {
	Every    time.Duration // from one round to the next
	AtATime  int           // requests in a round
	Patience time.Duration // after which a client gives up
	Method   string
	// Path of the nth request, from 0, with query.
	Path func(n int) string
	Body string
}

// Traffic is a running load, with its results.
type Traffic struct {
	Sent, Answered, GaveUp, Failed atomic.Int64
}

func (tr *Traffic) String() string {
	return fmt.Sprintf("%d sent, %d answered, %d given up, %d failed",
		tr.Sent.Load(), tr.Answered.Load(), tr.GaveUp.Load(), tr.Failed.Load())
}

// Start puts the service at addr under load until the test ends. It never has more than AtATime
// concurrent requests: a round that does not end in time delays the next one.
func (l Load) Start(t testing.TB, addr string) *Traffic {
	t.Helper()
	traffic, _ := l.start(t, addr)
	return traffic
}

// StartUntil is Start until stop is called.
func (l Load) StartUntil(t testing.TB, addr string) (stop func()) {
	t.Helper()
	_, stop = l.start(t, addr)
	return stop
}

func (l Load) start(t testing.TB, addr string) (traffic *Traffic, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: l.AtATime}
	client := &http.Client{Transport: transport, Timeout: l.Patience}
	traffic = &Traffic{}
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(l.Every)
		defer ticker.Stop()
		for n := 0; ; n += l.AtATime {
			var round sync.WaitGroup
			for i := range l.AtATime {
				round.Go(func() { l.send(ctx, client, "http://"+addr+l.Path(n+i), traffic) })
			}
			round.Wait()
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
	stop = func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	}
	t.Cleanup(stop)
	return traffic, stop
}

func (l Load) send(ctx context.Context, client *http.Client, url string, traffic *Traffic) {
	req, err := http.NewRequestWithContext(ctx, l.Method, url, strings.NewReader(l.Body))
	if err != nil {
		traffic.Failed.Add(1)
		return
	}
	traffic.Sent.Add(1)
	resp, err := client.Do(req)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		traffic.Answered.Add(1)
	case errors.As(err, &timeout) && timeout.Timeout():
		traffic.GaveUp.Add(1)
	default:
		traffic.Failed.Add(1)
	}
}
