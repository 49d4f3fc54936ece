package service

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	gometrics "github.com/hashicorp/go-metrics"
	sink "github.com/hashicorp/go-metrics/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/runtime"
	"go.opentelemetry.io/otel/attribute"
	otelexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// DefaultMetrics is the default instrumentation of a service.
const DefaultMetrics = "client_golang"

// instrumentations are the ways in which services export their metrics, each with the library
// that real services use.
var instrumentations = map[string]func(reg *prometheus.Registry) (stop func(context.Context) error, err error){
	// As most services do it.
	DefaultMetrics: func(reg *prometheus.Registry) (func(context.Context) error, error) {
		return nil, register(reg, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	},
	// The same with the metrics of Go's scheduler.
	"scheduler": func(reg *prometheus.Registry) (func(context.Context) error, error) {
		return nil, register(reg,
			collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(collectors.MetricsScheduler)),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	},
	"otel": startOTel,
	// As HashiCorp's programs do it, under the name of Vault.
	"vault": startVault,
	// A service in a container, without metrics of its process: the kubelet has them.
	"container": func(reg *prometheus.Registry) (func(context.Context) error, error) {
		return nil, register(reg, collectors.NewGoCollector())
	},
	// No metrics at all.
	"none": func(*prometheus.Registry) (func(context.Context) error, error) { return nil, nil },
}

func register(reg *prometheus.Registry, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// startOTel exports OpenTelemetry's runtime metrics by its Prometheus exporter. The
// attributes that name the service are labels of each metric; all of them are in
// target_info.
func startOTel(reg *prometheus.Registry) (func(context.Context) error, error) {
	exporter, err := otelexporter.New(otelexporter.WithRegisterer(reg),
		otelexporter.WithResourceAsConstantLabels(attribute.NewAllowKeysFilter("service.name", "service.namespace", "service.instance.id")))
	if err != nil {
		return nil, err
	}
	provider := metric.NewMeterProvider(metric.WithReader(exporter), metric.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "checkout"), attribute.String("service.namespace", "shop"),
		attribute.String("service.instance.id", "checkout-1"), attribute.String("service.version", "1.42.0"),
		attribute.String("k8s.namespace.name", "shop"), attribute.String("k8s.pod.name", "checkout-7d9c8b6f5-x2x4z"),
	)))
	return provider.Shutdown, runtime.Start(runtime.WithMeterProvider(provider), runtime.WithMinimumReadMemStatsInterval(time.Second))
}

// startVault exports the runtime metrics of HashiCorp's library as Vault has them.
func startVault(reg *prometheus.Registry) (func(context.Context) error, error) {
	s, err := sink.NewPrometheusSinkFrom(sink.PrometheusOpts{Registerer: reg})
	if err != nil {
		return nil, err
	}
	c := gometrics.DefaultConfig("vault")
	c.EnableHostname, c.ProfileInterval = false, time.Second
	m, err := gometrics.New(c, s)
	if err != nil {
		return nil, err
	}
	return func(context.Context) error { m.Shutdown(); return nil }, nil
}

// addMetrics serves the metrics of an instrumentation, and those of the container that the
// kubelet would have for the service in a pod.
func addMetrics(mux *http.ServeMux, o Options) (stop func(context.Context) error, err error) {
	reg := prometheus.NewRegistry()
	start, ok := instrumentations[o.Metrics]
	if !ok {
		return nil, fmt.Errorf("-metrics=%s: expected one of %s", o.Metrics, strings.Join(slices.Sorted(maps.Keys(instrumentations)), ", "))
	}
	if stop, err = start(reg); err != nil {
		return nil, err
	}
	if stop == nil {
		stop = func(context.Context) error { return nil }
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	container := prometheus.NewRegistry()
	ls := prometheus.Labels{"namespace": "taps", "pod": o.Pod, "container": "app"}
	began := float64(time.Now().UnixMilli()) / 1000
	container.MustRegister(
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "container_cpu_usage_seconds_total", Help: "CPU time.", ConstLabels: ls}, cpuSeconds),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "container_start_time_seconds", Help: "Start.", ConstLabels: ls}, func() float64 { return began }))
	mux.Handle("GET /metrics/cadvisor", promhttp.HandlerFor(container, promhttp.HandlerOpts{}))
	return stop, nil
}

// cpuSeconds returns the CPU time of the process so far, as its container would have it.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
