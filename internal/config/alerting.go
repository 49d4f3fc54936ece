package config

import (
	"errors"
	"fmt"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/relabel"
)

// Alerting says where alerts go and what they say.
type Alerting struct {
	Alertmanagers []Alertmanager `yaml:"alertmanagers,omitempty"`
	Webhooks      []Webhook      `yaml:"webhooks,omitempty"`
	// AlertRelabelConfigs rewrite the labels of all alerts.
	AlertRelabelConfigs []*relabel.Config `yaml:"alert_relabel_configs,omitempty"`
	// Annotations are templates for annotations, by name.
	Annotations map[string]string `yaml:"annotations,omitempty"`
	// MinConfidence is the probability of a leak from which one alerts.
	MinConfidence float64 `yaml:"min_confidence"`
	// GoroutineLimit is the number of goroutines that a process can bear. 0: not known.
	GoroutineLimit int `yaml:"goroutine_limit"`
	// CriticalWithin is how long before a known limit a critical alert fires too.
	// 0: never.
	CriticalWithin model.Duration `yaml:"critical_within"`
	// ResendInterval is the time after which a firing alert is sent again.
	ResendInterval model.Duration `yaml:"resend_interval,omitempty"`
	// Inbound says who may request profiles by a webhook.
	Inbound Inbound `yaml:"inbound,omitempty"`
}

// Inbound is what requests to the incoming webhook must have. Empty: it is off.
type Inbound struct {
	// Credentials is the bearer token.
	Credentials     commoncfg.Secret `yaml:"credentials,omitempty"`
	CredentialsFile string           `yaml:"credentials_file,omitempty"`
	// AllowAnonymous accepts requests without a token.
	AllowAnonymous bool `yaml:"allow_anonymous,omitempty"`
}

// alerting checks the section alerting.
func (v *validator) alerting(a *Alerting) {
	for i := range a.Alertmanagers {
		v.alertmanager(fmt.Sprintf("alerting.alertmanagers[%d]", i), &a.Alertmanagers[i])
	}
	names := map[string]bool{}
	for i := range a.Webhooks {
		v.webhook(fmt.Sprintf("alerting.webhooks[%d]", i), &a.Webhooks[i], names)
	}
	v.relabel("alerting.alert_relabel_configs", a.AlertRelabelConfigs)
	for name := range a.Annotations {
		v.labelName("alerting.annotations", name)
	}
	if c := a.MinConfidence; !(c >= 0.5 && c <= 0.9999) {
		v.add("alerting.min_confidence", fmt.Errorf("%g is out of range, expected 0.5 to 0.9999", c))
	}
	v.between("alerting.goroutine_limit", a.GoroutineLimit, 0, 1_000_000_000)
	v.duration("alerting.critical_within", a.CriticalWithin, 0, 365*24*time.Hour)
	if a.Inbound.Credentials != "" && a.Inbound.CredentialsFile != "" {
		v.add("alerting.inbound", errors.New("has both credentials and credentials_file, expected one of them"))
	}
	if a.Inbound.AllowAnonymous && (a.Inbound.Credentials != "" || a.Inbound.CredentialsFile != "") {
		v.add("alerting.inbound.allow_anonymous", errors.New("true, expected no credentials beside it, or false"))
	}
}
