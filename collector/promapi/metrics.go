package promapi

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/collector"
)

// Metrics of the queries. They outlive a Source: a reload makes a new one.
type Metrics struct {
	queries  *prometheus.CounterVec
	duration prometheus.Histogram
	points   prometheus.Counter
	dropped  *prometheus.CounterVec
}

// The reasons for which a sample or series is dropped.
const (
	dropNotFinite  = "not_finite"
	dropOutOfOrder = "out_of_order"
	dropDuplicate  = "duplicate_series"
	dropLimit      = "series_limit"
	dropNotCount   = "not_a_count"
	dropOutOfRange = "out_of_range"
	dropLabels     = "labels"
)

// NewMetrics makes the metrics and registers them with reg, unless it is nil.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	f := promauto.With(reg)
	m := &Metrics{
		queries: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_prometheus_queries_total",
			Help: "Queries to Prometheus by result: ok or the reason of the failure.",
		}, []string{"result"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "gorowatch_prometheus_query_duration_seconds",
			Help:    "Duration of a query to Prometheus.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 8),
		}),
		points: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_prometheus_points_total",
			Help: "Points read from Prometheus: counts, loads and start times.",
		}),
		dropped: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_prometheus_dropped_total",
			Help: "Samples and series from Prometheus that were dropped as unusable.",
		}, []string{"reason"}),
	}
	m.queries.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.queries.WithLabelValues(string(r))
	}
	for _, r := range []string{dropNotFinite, dropOutOfOrder, dropDuplicate, dropLimit, dropNotCount, dropOutOfRange, dropLabels} {
		m.dropped.WithLabelValues(r)
	}
	return m
}
