package notify

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/alerting"
)

// Defaults of Options and Config.
const (
	DefaultResendInterval = time.Minute
	DefaultQueueCapacity  = 10_000
	DefaultDrainTimeout   = 10 * time.Second
)

// Config is the part of the configuration that a reload may change.
type Config struct {
	// Alertmanagers all get every alert. The same URL with the same client twice is
	// one Alertmanager; with another client, user or query it may be another tenant.
	Alertmanagers []alerting.Alertmanager
	// Webhooks get each new state of an alert.
	Webhooks []alerting.Webhook
	Render   alerting.RenderOptions
	// Relabel rewrites the labels of all alerts, or drops alerts, before the rules of
	// each Alertmanager or webhook.
	Relabel []*relabel.Config
	// NotifySuspected sends suspected leaks to the Alertmanagers too, with severity info.
	NotifySuspected bool
	// ResendInterval is how often a leak is sent while it fires and for a while after
	// it resolved, DefaultResendInterval if 0.
	ResendInterval time.Duration
	// UpdateInterval is how often Update is called, if that is less often than the
	// ResendInterval. Alerts must not end between two calls.
	UpdateInterval time.Duration
}

// Options configure a Notifier. All may be zero: without a receiver it does nothing.
type Options struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	Config
	// Notes outlive the process. Nil: there are none.
	Notes Notes
	// QueueCapacity is how many alerts may wait for one receiver,
	// DefaultQueueCapacity if 0.
	QueueCapacity int
	// DrainTimeout bounds how long Run goes on sending after its context is done,
	// DefaultDrainTimeout if 0.
	DrainTimeout time.Duration
}

// complete returns the configuration with its defaults, or all mistakes in it.
func (c Config) complete() (Config, error) {
	c.ResendInterval = cmp.Or(c.ResendInterval, DefaultResendInterval)
	var errs []error
	c.Alertmanagers = slices.Clone(c.Alertmanagers)
	for i := range c.Alertmanagers {
		a := &c.Alertmanagers[i]
		if err := checkAlertmanager(*a); err != nil {
			errs = append(errs, fmt.Errorf("alertmanager %d: %w", i+1, err))
		}
		a.Timeout = cmp.Or(a.Timeout, alerting.DefaultTimeout)
	}
	names := make(map[string]bool, len(c.Webhooks))
	c.Webhooks = slices.Clone(c.Webhooks)
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		if err := checkWebhook(*w); err != nil {
			errs = append(errs, fmt.Errorf("webhook %d: %w", i+1, err))
		} else if names[w.Name] {
			errs = append(errs, fmt.Errorf("webhook %d: the name %q is taken", i+1, w.Name))
		}
		names[w.Name] = true
		w.Timeout = cmp.Or(w.Timeout, alerting.DefaultTimeout)
		w.MaxAlerts = cmp.Or(w.MaxAlerts, alerting.DefaultMaxAlerts)
	}
	if c.ResendInterval < 0 {
		errs = append(errs, fmt.Errorf("resend interval %s: must be positive", c.ResendInterval))
	}
	return c, errors.Join(errs...)
}

// checkAlertmanager returns what is wrong with the configuration of an Alertmanager.
func checkAlertmanager(a alerting.Alertmanager) error {
	switch {
	case a.URL == nil:
		return errors.New("URL is missing")
	case a.URL.Scheme != "http" && a.URL.Scheme != "https":
		return fmt.Errorf("URL %q: expected http:// or https://", a.URL.Redacted())
	case a.URL.Host == "":
		return fmt.Errorf("URL %q: the host is missing", a.URL.Redacted())
	case a.Timeout < 0:
		return fmt.Errorf("timeout %s: must be positive", a.Timeout)
	}
	return nil
}

// checkWebhook returns what is wrong with the configuration of a webhook.
func checkWebhook(w alerting.Webhook) error {
	switch {
	case w.Name == "":
		return errors.New("the name is missing")
	case w.URL == nil:
		return errors.New("URL is missing")
	case w.Timeout < 0:
		return fmt.Errorf("timeout %s: must be positive", w.Timeout)
	case w.MaxAlerts < 0:
		return fmt.Errorf("max alerts %d: must not be negative", w.MaxAlerts)
	}
	return nil
}

// sendInterval returns how often a firing alert is sent.
func (c Config) sendInterval() time.Duration { return max(c.ResendInterval, c.UpdateInterval) }
