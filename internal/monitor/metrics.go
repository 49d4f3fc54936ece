package monitor

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

type metrics struct {
	cycles   *prometheus.CounterVec
	duration prometheus.Histogram
	lastRead prometheus.Gauge
	lag      prometheus.Gauge
	progress prometheus.Gauge
	samples  prometheus.Counter
	series   prometheus.Gauge
	services *prometheus.GaugeVec
	open     prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		cycles: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_evaluations_total",
			Help: "Evaluations by result: ok or the reason why series could not be read.",
		}, []string{"result"}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "gorowatch_evaluation_duration_seconds",
			Help:    "How long an evaluation took, reading series included, pulling profiles not.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 8),
		}),
		lastRead: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series_read_timestamp_seconds",
			Help: "Up to when series have been read.",
		}),
		lag: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series_lag_seconds",
			Help: "How far reading series is behind the latest evaluation: 0 when all is well, more while the history is read, or when it cannot be.",
		}),
		progress: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_backfill_progress_ratio",
			Help: "How much of the history has been read since the start, or since a time without an answer: 1 is all.",
		}),
		samples: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_samples_total",
			Help: "Samples of goroutine counts read.",
		}),
		series: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series",
			Help: "Instances that the last evaluation had samples of.",
		}),
		services: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gorowatch_services",
			Help: "Services watched, by verdict.",
		}, []string{"verdict"}),
		open: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_leaks_firing",
			Help: "Leaks that fire.",
		}),
	}
	m.cycles.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.cycles.WithLabelValues(string(r))
	}
	m.verdicts(nil)
	return m
}

func (m *metrics) verdicts(n map[trend.Status]int) {
	for _, s := range []trend.Status{trend.Quiet, trend.Suspicious, trend.Provisional, trend.Leaking, trend.Plateaued} {
		m.services.WithLabelValues(string(s)).Set(float64(n[s]))
	}
}
