package alerting

import (
	"github.com/prometheus/client_golang/prometheus"
)

// failure is why a request to an Alertmanager failed: a closed set, used as a
// label.
type failure string

const (
	failTimeout    failure = "timeout"    // no answer in time
	failConnection failure = "connection" // refused, reset, TLS, name not found
	failRedirect   failure = "redirect"   // 3xx that is not followed
	failAuth       failure = "unauthorized"
	failRejected   failure = "rejected" // 400, 413, 422: this very content
	fail4xx        failure = "status_4xx"
	fail5xx        failure = "status_5xx"
	failOther      failure = "other"
)

var failures = [...]failure{failTimeout, failConnection, failRedirect, failAuth, failRejected, fail4xx, fail5xx, failOther}

// loss is why an alert was dropped: a closed set, used as a label.
type loss string

const (
	lossQueueFull loss = "queue_full"
	lossRejected  loss = "rejected" // Alertmanager does not take it
	lossExpired   loss = "expired"  // would have ended before it arrived
	lossShutdown  loss = "shutdown" // could not be delivered while stopping
)

var losses = [...]loss{lossQueueFull, lossRejected, lossExpired, lossShutdown}

type metrics struct {
	alertmanagers prometheus.Gauge
	capacity      prometheus.Gauge
	sent          *prometheus.CounterVec
	dropped       *prometheus.CounterVec
	errors        *prometheus.CounterVec
	queue         *prometheus.GaugeVec
	latency       *prometheus.HistogramVec
	told          *prometheus.CounterVec
	pending       *prometheus.GaugeVec
}

const (
	byAlertmanager = "alertmanager"
	byWebhook      = "webhook"
)

// newMetrics makes the metrics of a Notifier and registers them with reg, which
// may be nil.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	const ns, sub = "gorowatch", "alerting"
	m := &metrics{
		alertmanagers: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "alertmanagers",
			Help: "Number of Alertmanagers that alerts are sent to.",
		}),
		capacity: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "queue_capacity",
			Help: "How many alerts the queue of each Alertmanager can hold.",
		}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "sent_total",
			Help: "Alerts that an Alertmanager took.",
		}, []string{byAlertmanager}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "dropped_total",
			Help: "Alerts that were given up, by reason.",
		}, []string{byAlertmanager, "reason"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "errors_total",
			Help: "Requests to an Alertmanager that failed, by reason.",
		}, []string{byAlertmanager, "reason"}),
		queue: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "queue_length",
			Help: "Alerts that wait to be sent.",
		}, []string{byAlertmanager}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: ns, Subsystem: sub, Name: "latency_seconds",
			Help:    "Time that an Alertmanager took to answer a request.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{byAlertmanager}),
		told: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "webhook_messages_total",
			Help: "Messages to a webhook, by result: ok or the reason of the failure.",
		}, []string{byWebhook, "result"}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "webhook_pending_alerts",
			Help: "Alerts that a webhook is still to be told of.",
		}, []string{byWebhook}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.alertmanagers, m.capacity, m.sent, m.dropped, m.errors, m.queue, m.latency, m.told, m.pending} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add makes the series of an Alertmanager.
func (m *metrics) add(name string) {
	m.sent.WithLabelValues(name)
	for _, r := range losses {
		m.dropped.WithLabelValues(name, string(r))
	}
	for _, r := range failures {
		m.errors.WithLabelValues(name, string(r))
	}
	m.queue.WithLabelValues(name)
	m.latency.WithLabelValues(name)
}

// addWebhook makes the series of a webhook.
func (m *metrics) addWebhook(name string) {
	m.told.WithLabelValues(name, "ok")
	for _, r := range failures {
		m.told.WithLabelValues(name, string(r))
	}
	m.pending.WithLabelValues(name)
}

// removeWebhook deletes them.
func (m *metrics) removeWebhook(name string) {
	m.told.DeletePartialMatch(prometheus.Labels{byWebhook: name})
	m.pending.DeletePartialMatch(prometheus.Labels{byWebhook: name})
}

// remove deletes those of an Alertmanager.
func (m *metrics) remove(name string) {
	l := prometheus.Labels{byAlertmanager: name}
	m.sent.DeletePartialMatch(l)
	m.dropped.DeletePartialMatch(l)
	m.errors.DeletePartialMatch(l)
	m.queue.DeletePartialMatch(l)
	m.latency.DeletePartialMatch(l)
}
