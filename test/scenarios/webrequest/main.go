// Webrequest asks another service for a quote ten times a second and does not
// wait long for it. For want of another service it answers itself.
//
// Its profiles are where they are in most programs: on the default mux, by an
// import alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	_ "net/http/pprof"
	"time"

	"github.com/gorowatch/gorowatch/test/scenarios/internal/service"
)

func main() {
	var opts service.Options
	opts.Flags(flag.CommandLine)
	upstream := flag.String("upstream", "", "base URL of the service to ask; empty: this one")
	flag.Parse()

	market := &service.Latency{Usual: 5 * time.Millisecond, Slow: 300 * time.Millisecond, Every: 6}
	http.HandleFunc("GET /quote", func(w http.ResponseWriter, _ *http.Request) {
		market.Wait()
		fmt.Fprintln(w, "42.17")
	})
	c := client{http: &http.Client{}, timeout: 80 * time.Millisecond}
	ask := c.quote
	if opts.Fixed {
		ask = c.quoteBound
	}
	service.Main(opts, http.DefaultServeMux, func(ctx context.Context, self string) {
		url := self + "/quote"
		if *upstream != "" {
			url = *upstream + "/quote"
		}
		poll(ctx, 100*time.Millisecond, func() {
			if _, err := ask(ctx, url); err != nil {
				slog.Debug("no quote", "err", err)
			}
		})
	})
}

// poll calls f at every interval until ctx ends.
func poll(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}

// client asks for quotes.
type client struct {
	http    *http.Client
	timeout time.Duration
}

// quote leaks the request that took too long: its answer has nowhere to go.
func (c client) quote(ctx context.Context, url string) (string, error) {
	type answer struct {
		body string
		err  error
	}
	answers := make(chan answer)
	go func() {
		body, err := c.get(ctx, url)
		answers <- answer{body, err} // LEAK
	}()
	select {
	case a := <-answers:
		return a.body, a.err
	case <-time.After(c.timeout):
		return "", fmt.Errorf("%s: no answer within %s", url, c.timeout)
	}
}

// quoteBound ends the request itself after the timeout and needs no goroutine.
func (c client) quoteBound(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.get(ctx, url)
}

func (c client) get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return string(body), err
}
