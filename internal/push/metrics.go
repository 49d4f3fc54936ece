package push

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count the pushed profiles. All reasons exist from the start, at 0.
type metrics struct {
	profiles *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	bytes    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		profiles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_push_profiles_total",
			Help: "Pushed goroutine profiles of watched instances, by result: used, or unneeded at the time.",
		}, []string{"result"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_push_dropped_total",
			Help: "Pushed profiles and push requests dropped, by reason.",
		}, []string{"reason"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_push_bytes_total",
			Help: "Bytes of push requests, as sent.",
		}),
	}
	m.profiles.WithLabelValues("used")
	m.profiles.WithLabelValues("unneeded")
	for reason := range answers {
		m.dropped.WithLabelValues(string(reason))
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(reg.Register(m.profiles), reg.Register(m.dropped), reg.Register(m.bytes))
}
