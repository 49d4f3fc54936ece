package service

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// grace is how long requests may take to end after SIGTERM. A leaky handler never ends, and its
// connection is closed then.
const grace = time.Second

// DefaultPprofPath is where net/http/pprof puts the profiles.
const DefaultPprofPath = "/debug/pprof/"

// Options are the flags that all scenarios have.
type Options struct {
	Listen     string // host:port, port 0 for a free one
	Fixed      bool   // run the repaired form
	PprofPath  string // prefix of the profiles, with a slash at both ends
	PprofToken string // bearer token that the profiles require; empty: none
	Metrics    string // how the service is instrumented
	Pod        string // that the metrics of the container name
}

// Flags registers the flags of o with fs. The values of o are the defaults; if Listen,
// PprofPath or Metrics is empty, it gets a default.
func (o *Options) Flags(fs *flag.FlagSet) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.PprofPath == "" {
		o.PprofPath = DefaultPprofPath
	}
	if o.Metrics == "" {
		o.Metrics = DefaultMetrics
	}
	fs.StringVar(&o.Listen, "listen", o.Listen, "address to listen on; port 0 takes a free one")
	fs.BoolVar(&o.Fixed, "fixed", o.Fixed, "run the form that does not leak")
	fs.StringVar(&o.PprofPath, "pprof.path", o.PprofPath, "path of the profiles")
	fs.StringVar(&o.PprofToken, "pprof.token", o.PprofToken, "bearer token that the profiles ask for")
	fs.StringVar(&o.Metrics, "metrics", o.Metrics, "how the service is instrumented: "+strings.Join(slices.Sorted(maps.Keys(instrumentations)), ", "))
	fs.StringVar(&o.Pod, "pod", o.Pod, "pod that /metrics/cadvisor names")
}

// Loop is background work of a service until ctx ends. self is the service's own base URL.
type Loop func(ctx context.Context, self string)

// Main serves mux, and metrics and profiles beside it, until SIGTERM or SIGINT,
// and ends the process if it cannot.
func Main(o Options, mux *http.ServeMux, loops ...Loop) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := Run(ctx, o, mux, loops...)
	stop()
	if err != nil {
		slog.Error("stopped", "err", err)
		os.Exit(1)
	}
}

// Run serves mux, and metrics and profiles beside it, until ctx ends. The bound
// address is printed on standard output when connections are accepted.
func Run(ctx context.Context, o Options, mux *http.ServeMux, loops ...Loop) (failed error) {
	root := http.NewServeMux()
	root.Handle("/", mux)
	if err := addProfiles(root, o, mux == http.DefaultServeMux); err != nil {
		return err
	}
	stopMetrics, err := addMetrics(root, o)
	if err != nil {
		return err
	}
	defer func() { failed = errors.Join(failed, stopMetrics(context.WithoutCancel(ctx))) }()

	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())

	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for _, loop := range loops {
		running.Go(func() { loop(ctx, "http://"+listener.Addr().String()) })
	}

	server := &http.Server{Handler: root, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancelGrace := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancelGrace()
	if err := server.Shutdown(ctx); err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		slog.Warn("cutting the connections of requests that do not end")
		return server.Close()
	}
	return nil
}
