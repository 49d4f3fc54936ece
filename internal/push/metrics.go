package push

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count what is sent. The reasons are there from the start, at 0.
type metrics struct {
	profiles *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	bytes    prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		profiles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_push_profiles_total",
			Help: "Goroutine profiles of watched instances that were pushed, by result: used, or unneeded at the time.",
		}, []string{"result"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_push_dropped_total",
			Help: "Pushed profiles, and requests that push some, that were dropped, by reason.",
		}, []string{"reason"}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_push_bytes_total",
			Help: "Bytes of requests that push profiles, as they were sent.",
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
