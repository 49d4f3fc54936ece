package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
)

// ServiceCommand is the subcommand that runs Serve.
const ServiceCommand = "demo-service"

const (
	// requestsPerSecond is the traffic of the service, which it generates itself.
	requestsPerSecond = 20
	// patience is how long a request waits for a price.
	patience = 25 * time.Millisecond
)

// ServiceOptions of the demo's service.
type ServiceOptions struct {
	// Fixed leaves the leak out.
	Fixed bool
	// SlowAfter is when the supplier becomes slow, so that requests time out.
	SlowAfter time.Duration
}

// shop answers with prices that it asks a supplier for.
type shop struct {
	fixed bool
	slow  time.Time // when the supplier becomes slow
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	price, err := s.price(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusGatewayTimeout)
		return
	}
	fmt.Fprintf(w, "%.2f\n", price)
}

// price asks the supplier, and gives up when that takes too long. Here is the leak: if the
// supplier answers later, nobody receives, and its goroutine waits for ever. A buffer for one
// answer would fix it.
func (s *shop) price(ctx context.Context) (float64, error) {
	room := 0
	if s.fixed {
		room = 1
	}
	answer := make(chan float64, room)
	go func() {
		answer <- s.askSupplier()
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case p := <-answer:
		return p, nil
	case <-ctx.Done():
		return 0, errors.New("the supplier took too long")
	}
}

func (s *shop) askSupplier() float64 {
	if time.Now().After(s.slow) && time.Now().UnixMilli()%3 != 0 {
		time.Sleep(4 * patience)
	}
	return 9.99
}

// Serve runs the service until ctx is done or in, its standard input, ends. That happens
// whenever the demo ends, even by a kill. Its address is the first line on out.
func Serve(ctx context.Context, o ServiceOptions, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/price", &shop{fixed: o.Fixed, slow: time.Now().Add(o.SlowAfter)})
	mux.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintln(out, l.Addr())

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends only with in: a read of standard input cannot be interrupted
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return server.Close()
	})
	g.Go(func() error {
		traffic(ctx, "http://"+l.Addr().String()+"/price")
		return nil
	})
	return g.Wait()
}

// traffic asks for a price, again and again.
func traffic(ctx context.Context, url string) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	tick := time.NewTicker(time.Second / requestsPerSecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
