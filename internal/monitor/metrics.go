package monitor

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/trend"
)

type metrics struct {
	duration prometheus.Histogram
	services *prometheus.GaugeVec
	open     prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "gorowatch_evaluation_duration_seconds",
			Help:    "Duration of an evaluation, including reading series and excluding pulling profiles.",
			Buckets: prometheus.ExponentialBuckets(0.005, 4, 8),
		}),
		services: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gorowatch_services",
			Help: "Services watched, by verdict.",
		}, []string{"verdict"}),
		open: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_leaks_firing",
			Help: "Firing leaks.",
		}),
	}
	m.verdicts(nil)
	return m
}

func (m *metrics) verdicts(n map[trend.Status]int) {
	for _, s := range []trend.Status{trend.Quiet, trend.Suspicious, trend.Provisional, trend.Leaking, trend.Plateaued} {
		m.services.WithLabelValues(string(s)).Set(float64(n[s]))
	}
}
