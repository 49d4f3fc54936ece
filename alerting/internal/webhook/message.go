package webhook

import (
	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// message is the payload of Alertmanager's webhooks, version 4.
type message struct {
	*amtemplate.Data
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

// newMessage makes the message about alerts of one service.
func newMessage(target alerting.Webhook, alerts []pendingAlert) message {
	groupLabels := alerting.GroupLabels(alerts[0].Leak.Service)
	m := message{
		Version:  "4",
		GroupKey: "{}:" + groupLabels.String(),
		Data: &amtemplate.Data{
			Receiver: target.Name, Status: string(model.AlertResolved), GroupLabels: groupLabels.Map(), ExternalURL: target.ExternalURL,
			CommonLabels: alerts[0].alert.Labels.Map(), CommonAnnotations: amtemplate.KV{},
		},
	}
	for name, value := range alerts[0].alert.Annotations {
		m.CommonAnnotations[name] = value
	}
	for _, p := range alerts {
		a := amtemplate.Alert{
			Status: string(model.AlertResolved), Labels: p.alert.Labels.Map(), Annotations: p.alert.Annotations,
			StartsAt: p.alert.StartsAt, GeneratorURL: p.alert.GeneratorURL, Fingerprint: fingerprint(p.alert.Labels),
		}
		if p.Leak.State == leak.Firing {
			a.Status, m.Status = string(model.AlertFiring), string(model.AlertFiring)
		} else {
			a.EndsAt = p.alert.EndsAt // Alertmanager leaves it out for firing alerts too
		}
		m.Alerts = append(m.Alerts, a)
		keepCommon(m.CommonLabels, a.Labels)
		keepCommon(m.CommonAnnotations, a.Annotations)
	}
	return m
}

// keepCommon deletes from all what other does not have.
func keepCommon(all, other amtemplate.KV) {
	for name, value := range all {
		if v, ok := other[name]; !ok || v != value {
			delete(all, name)
		}
	}
}

// fingerprint returns the identity that Alertmanager gives to an alert.
func fingerprint(ls labels.Labels) string {
	set := make(model.LabelSet, ls.Len())
	ls.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return set.Fingerprint().String()
}
