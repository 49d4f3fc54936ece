package exhibit

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Exhibit is a running program of the museum. Its fields are set before the
// program's own function is called, and do not change afterwards.
type Exhibit struct {
	// Ctx ends when the program has to.
	Ctx context.Context
	// Mux serves the program's own paths, beside metrics and profiles.
	Mux *http.ServeMux
	// Fixed asks for the form that does not leak, where the difference is in the
	// program and not in a released version.
	Fixed bool
	// URL is the program's own base URL.
	URL string

	// World is the base URL of the HTTP server outside that programs use, Kube that of a
	// Kubernetes API server, and Stuck, GRPC and Redis are the addresses of a peer that accepts
	// and never sends anything, of a gRPC server with the health service, and of a Redis.
	World, Kube, Stuck, GRPC, Redis string
	// Dir is a folder for files, gone after the end.
	Dir string

	rate  float64 // events an hour
	speed float64 // hours of life in an hour
	limit int     // goroutines at which leaking stops
	start time.Time
}

// Main runs a program of the museum: it starts build, serves until the time of -for is over or
// SIGTERM comes, and prints the address on standard output. It returns when the program has to
// end, whatever it has leaked by then.
func Main(build func(*Exhibit)) {
	e := &Exhibit{Mux: http.NewServeMux(), start: time.Now()}
	life := flag.Duration("for", 4*time.Hour, "time after which the program ends")
	flag.BoolVar(&e.Fixed, "fixed", false, "run the form that does not leak")
	flag.Float64Var(&e.rate, "rate", 600, "leaks, or arrivals, an hour on average")
	flag.Float64Var(&e.speed, "speed", 1, "how many times faster than life everything happens")
	flag.IntVar(&e.limit, "limit", 20000, "goroutines at which the program stops leaking")
	flag.StringVar(&e.World, "world", "", "base URL of the HTTP server outside")
	flag.StringVar(&e.Kube, "kube", "", "base URL of a Kubernetes API server")
	flag.StringVar(&e.Stuck, "stuck", "", "address of a peer that never answers")
	flag.StringVar(&e.GRPC, "grpc", "", "address of a gRPC server")
	flag.StringVar(&e.Redis, "redis", "", "address of a Redis")
	flag.Parse()
	if e.rate <= 0 || e.speed <= 0 || e.limit <= 0 {
		log.Fatalf("-rate=%g -speed=%g -limit=%d: all must be above 0", e.rate, e.speed, e.limit)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *life)
	defer cancel()
	e.Ctx = ctx

	e.Dir = Must(os.MkdirTemp("", "museum-"))
	defer os.RemoveAll(e.Dir)
	listener := Must(net.Listen("tcp", "127.0.0.1:0"))
	e.URL = "http://" + listener.Addr().String()
	e.serve(listener)
	build(e)
	e.traffic()
	fmt.Println("listening on", listener.Addr())
	<-ctx.Done()
}

// serve puts metrics and profiles beside the program's own paths.
func (e *Exhibit) serve(listener net.Listener) {
	reg := prometheus.NewRegistry()
	pulls := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "museum_profile_requests_total",
		Help: "Requests for profiles, by their level of detail.",
	}, []string{"debug"})
	seconds := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "museum_profile_seconds_total",
		Help: "Time that requests for profiles took.",
	})
	reg.MustRegister(pulls, seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	e.Mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	e.Mux.HandleFunc("GET /debug/pprof/", func(w http.ResponseWriter, r *http.Request) {
		debug := r.FormValue("debug")
		if !strings.Contains("012", debug) || debug == "" {
			debug = "0"
		}
		pulls.WithLabelValues(debug).Inc()
		began := time.Now()
		pprof.Index(w, r)
		seconds.Add(time.Since(began).Seconds())
	})
	server := &http.Server{Handler: e.Mux, ReadHeaderTimeout: time.Minute}
	go func() { log.Fatal(server.Serve(listener)) }()
}
