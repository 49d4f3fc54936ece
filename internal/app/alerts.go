package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/internal/config"
)

// alerting makes the configuration of the receivers and of their alerts.
func (g *graph) alerting(c config.Config, external *url.URL) (notify.Config, error) {
	out := notify.Config{
		Render: alerting.RenderOptions{
			ExternalURL:    external,
			ExternalLabels: labels.FromMap(c.Global.ExternalLabels),
			Limit:          float64(c.Alerting.GoroutineLimit),
			CriticalWithin: time.Duration(c.Alerting.CriticalWithin),
			Dashboard:      alerting.Address(c.Links.Dashboard),
			Runbook:        alerting.Address(c.Links.Runbook),
		},
		Relabel:         c.Alerting.AlertRelabelConfigs,
		NotifySuspected: c.Alerting.NotifySuspected,
		ResendInterval:  time.Duration(c.Alerting.ResendInterval),
		UpdateInterval:  time.Duration(c.Global.EvaluationInterval),
	}
	var err error
	if out.Render.Annotations, err = alerting.NewTemplates(c.Alerting.Annotations); err != nil {
		return out, err
	}
	for i, set := range c.Alerting.Alertmanagers {
		client, err := g.client(set.HTTPClientConfig, fmt.Sprintf("alerting.alertmanagers[%d]", i))
		if err != nil {
			return out, err
		}
		known, err := newAlertmanagerSet(fmt.Sprintf("alerting.alertmanagers[%d]", i), set, client)
		if err != nil {
			return out, err
		}
		g.alertmanagers = append(g.alertmanagers, known)
	}
	for i, w := range c.Alerting.Webhooks {
		client, err := g.client(w.HTTPClientConfig, fmt.Sprintf("alerting.webhooks[%d].http_config", i))
		if err != nil {
			return out, err
		}
		out.Webhooks = append(out.Webhooks, alerting.Webhook{
			Name:         webhookName(w),
			URL:          func() (*url.URL, error) { return webhookURL(w) },
			Client:       client,
			Timeout:      time.Duration(w.Timeout),
			SkipResolved: !w.SendResolved,
			MaxAlerts:    w.MaxAlerts,
			Relabel:      w.AlertRelabelConfigs,
			ExternalURL:  external.String(),
		})
	}
	return out, nil
}

// webhookName returns the name of a webhook, or one that identifies it without the secrets in
// the URL.
func webhookName(w config.Webhook) string {
	if w.Name != "" {
		return w.Name
	}
	where := w.URLFile
	if u, err := config.WebhookURL(string(w.URL)); err == nil {
		where = u.Scheme + "://" + u.Host
	}
	digest := sha256.Sum256([]byte(cmp.Or(string(w.URL), w.URLFile)))
	return where + "#" + hex.EncodeToString(digest[:4])
}

// webhookURL returns the current address of a webhook.
func webhookURL(w config.Webhook) (*url.URL, error) {
	text := string(w.URL)
	if w.URLFile != "" {
		b, err := os.ReadFile(w.URLFile)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	u, err := config.WebhookURL(text)
	if err != nil {
		return nil, fmt.Errorf("url of webhook %s: %w", webhookName(w), err)
	}
	return u, nil
}
