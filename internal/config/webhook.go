package config

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
)

// Webhook is a URL that gets alerts directly, in the format of Alertmanager's webhooks.
type Webhook struct {
	// Name identifies the webhook, also when its URL changes. Empty: made from the URL.
	Name string `yaml:"name,omitempty"`
	// URL may be a secret, so it may be in a file instead.
	URL     commoncfg.Secret `yaml:"url,omitempty"`
	URLFile string           `yaml:"url_file,omitempty"`
	// SendResolved sends resolved alerts too.
	SendResolved bool `yaml:"send_resolved"`
	// MaxAlerts bounds the alerts of one message.
	MaxAlerts           int                        `yaml:"max_alerts"`
	Timeout             model.Duration             `yaml:"timeout,omitempty"`
	AlertRelabelConfigs []*relabel.Config          `yaml:"alert_relabel_configs,omitempty"`
	HTTPClientConfig    commoncfg.HTTPClientConfig `yaml:"http_config,omitempty"`
}

// UnmarshalYAML decodes the webhook over its defaults.
func (w *Webhook) UnmarshalYAML(unmarshal func(any) error) error {
	*w = Webhook{
		SendResolved:     true,
		MaxAlerts:        64,
		Timeout:          model.Duration(10 * time.Second),
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
	type webhooksSection Webhook
	return unmarshal((*webhooksSection)(w))
}

// WebhookURL parses the URL of a webhook. The error does not show the URL, which may be a
// secret.
func WebhookURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("is not an address, expected http://host:port/path or https://host:port/path")
	}
	return u, nil
}

// webhook checks an entry of alerting.webhooks. names are those of the entries before.
func (v *validator) webhook(field string, w *Webhook, names map[string]bool) {
	switch {
	case (w.URL == "") == (w.URLFile == ""):
		v.add(field, errors.New("expected one of url and url_file"))
	case w.URL != "":
		if _, err := WebhookURL(string(w.URL)); err != nil {
			v.add(field+".url", err)
		}
	}
	if w.Name != "" && names[w.Name] {
		v.add(field+".name", fmt.Errorf("%q is the name of another one", w.Name))
	}
	names[w.Name] = true
	v.between(field+".max_alerts", w.MaxAlerts, 1, 10_000)
	v.duration(field+".timeout", w.Timeout, 100*time.Millisecond, 10*time.Minute)
	v.relabel(field+".alert_relabel_configs", w.AlertRelabelConfigs)
	v.add(field+".http_config", w.HTTPClientConfig.Validate())
}
