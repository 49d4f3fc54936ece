package reading

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/gorowatch/gorowatch/collector"
)

type metrics struct {
	cycles   *prometheus.CounterVec
	lastRead prometheus.Gauge
	lag      prometheus.Gauge
	progress prometheus.Gauge
	samples  prometheus.Counter
	series   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := promauto.With(reg)
	m := &metrics{
		cycles: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_evaluations_total",
			Help: "Evaluations by result: ok or the reason why series could not be read.",
		}, []string{"result"}),
		lastRead: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series_read_timestamp_seconds",
			Help: "Time up to which series have been read.",
		}),
		lag: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series_lag_seconds",
			Help: "How far reading series lags behind the latest evaluation: 0 when up to date, more while the history is read or series cannot be read.",
		}),
		progress: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_backfill_progress_ratio",
			Help: "Part of the history read since the start or since an outage: 1 is all.",
		}),
		samples: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_samples_total",
			Help: "Samples of goroutine counts read.",
		}),
		series: f.NewGauge(prometheus.GaugeOpts{
			Name: "gorowatch_series",
			Help: "Instances with samples in the last evaluation.",
		}),
	}
	m.cycles.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.cycles.WithLabelValues(string(r))
	}
	return m
}
