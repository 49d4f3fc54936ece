package pulling

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/collector"
)

type pullMetrics struct {
	pulls    *prometheus.CounterVec
	bytes    prometheus.Counter
	cost     prometheus.Counter
	duration prometheus.Histogram
}

func newPullMetrics(reg prometheus.Registerer) *pullMetrics {
	f := promauto.With(reg)
	m := &pullMetrics{
		pulls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_profile_pulls_total",
			Help: "Planned goroutine profiles by result: ok or the reason why there is none.",
		}, []string{"result"}),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_profile_bytes_total",
			Help: "Bytes of goroutine profiles received.",
		}),
		cost: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_profile_cost_seconds_total",
			Help: "Estimated CPU time that profiles have cost the targets.",
		}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "gorowatch_profile_pull_duration_seconds",
			Help:    "Duration of a pull of a goroutine profile.",
			Buckets: prometheus.ExponentialBuckets(0.002, 4, 8),
		}),
	}
	m.pulls.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.pulls.WithLabelValues(string(r))
	}
	return m
}
