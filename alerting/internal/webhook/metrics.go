package webhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// byWebhook is the label with the name of the webhook.
const byWebhook = "webhook"

// Metrics are the metrics of all webhooks.
type Metrics struct {
	messages *prometheus.CounterVec
	pending  *prometheus.GaugeVec
}

// NewMetrics makes the metrics and registers them with reg, which may be nil.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	const ns, sub = "gorowatch", "alerting"
	m := &Metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: ns, Subsystem: sub, Name: "webhook_messages_total",
			Help: "Messages to a webhook, by result: ok or the reason of the failure.",
		}, []string{byWebhook, "result"}),
		pending: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: ns, Subsystem: sub, Name: "webhook_pending_alerts",
			Help: "Alerts waiting to be delivered to the webhook.",
		}, []string{byWebhook}),
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.messages, m.pending} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// add makes the series of a webhook, so that its counters are there at 0.
func (m *Metrics) add(name string) {
	m.messages.WithLabelValues(name, "ok")
	for _, r := range post.Failures() {
		m.messages.WithLabelValues(name, string(r))
	}
	m.pending.WithLabelValues(name)
}

// remove deletes the series of a webhook.
func (m *Metrics) remove(name string) {
	m.messages.DeletePartialMatch(prometheus.Labels{byWebhook: name})
	m.pending.DeletePartialMatch(prometheus.Labels{byWebhook: name})
}
