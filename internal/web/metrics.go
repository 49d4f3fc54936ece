package web

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// newMeasure makes the metrics of the handlers.
func newMeasure(reg prometheus.Registerer) (func(string, http.HandlerFunc) http.Handler, error) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "gorowatch", Subsystem: "web", Name: "requests_total",
		Help: "Requests, by handler and status code.",
	}, []string{"handler", "code"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "gorowatch", Subsystem: "web", Name: "request_duration_seconds",
		Help:    "Time to answer a request, by handler.",
		Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5, 10},
	}, []string{"handler"})
	if reg != nil {
		for _, c := range []prometheus.Collector{requests, seconds} {
			if err := reg.Register(c); err != nil {
				return nil, err
			}
		}
	}
	return func(name string, next http.HandlerFunc) http.Handler {
		l := prometheus.Labels{"handler": name}
		requests.MustCurryWith(l).WithLabelValues("200")
		return promhttp.InstrumentHandlerCounter(requests.MustCurryWith(l),
			promhttp.InstrumentHandlerDuration(seconds.MustCurryWith(l), next))
	}, nil
}
