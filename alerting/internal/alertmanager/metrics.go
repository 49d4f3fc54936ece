package alertmanager

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// dropReason is why an alert was dropped. The set is closed, because metrics use it
// as a label.
type dropReason string

const (
	droppedQueueFull dropReason = "queue_full"
	droppedRejected  dropReason = "rejected" // the Alertmanager rejects it
	droppedExpired   dropReason = "expired"  // would have ended before it arrived
	droppedShutdown  dropReason = "shutdown" // could not be delivered while stopping
)

var dropReasons = [...]dropReason{droppedQueueFull, droppedRejected, droppedExpired, droppedShutdown}

// byAlertmanager is the label with the name of the Alertmanager.
const byAlertmanager = "alertmanager"

// Metrics are the metrics of all Alertmanagers.
type Metrics struct {
	alertmanagers prometheus.Gauge
	capacity      prometheus.Gauge
	sent          *prometheus.CounterVec
	dropped       *prometheus.CounterVec
	errors        *prometheus.CounterVec
	queue         *prometheus.GaugeVec
	latency       *prometheus.HistogramVec
}

// NewMetrics makes the metrics and registers them with reg, which may be nil.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	const ns, sub = "gorowatch", "alerting"
	m := &Metrics{
		alertmanagers: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "alertmanagers",
			Help: "Number of Alertmanagers that alerts are sent to.",
		}),
		capacity: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "queue_capacity",
			Help: "Capacity of the alert queue of each Alertmanager.",
		}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "sent_total",
			Help: "Alerts sent.",
		}, []string{byAlertmanager}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "dropped_total",
			Help: "Alerts dropped, by reason.",
		}, []string{byAlertmanager, "reason"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "errors_total",
			Help: "Requests to an Alertmanager that failed, by reason.",
		}, []string{byAlertmanager, "reason"}),
		queue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "queue_length",
			Help: "Alerts in the queue.",
		}, []string{byAlertmanager}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "latency_seconds",
			Help:    "Latency of requests to an Alertmanager.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{byAlertmanager}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.alertmanagers, m.capacity, m.sent, m.dropped, m.errors, m.queue, m.latency} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// SetCapacity sets how many alerts each queue can hold.
func (m *Metrics) SetCapacity(n int) { m.capacity.Set(float64(n)) }

// SetAlertmanagers sets the number of Alertmanagers.
func (m *Metrics) SetAlertmanagers(n int) { m.alertmanagers.Set(float64(n)) }

// add makes the series of an Alertmanager, so that its counters are there at 0.
func (m *Metrics) add(name string) {
	m.sent.WithLabelValues(name)
	for _, r := range dropReasons {
		m.dropped.WithLabelValues(name, string(r))
	}
	for _, r := range post.Failures() {
		m.errors.WithLabelValues(name, string(r))
	}
	m.queue.WithLabelValues(name)
	m.latency.WithLabelValues(name)
}

// remove deletes the series of an Alertmanager.
func (m *Metrics) remove(name string) {
	l := prometheus.Labels{byAlertmanager: name}
	m.sent.DeletePartialMatch(l)
	m.dropped.DeletePartialMatch(l)
	m.errors.DeletePartialMatch(l)
	m.queue.DeletePartialMatch(l)
	m.latency.DeletePartialMatch(l)
}
