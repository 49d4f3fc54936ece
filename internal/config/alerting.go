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
	// SuspectConfidence is the probability of a leak from which it is shown as suspected
	// and its profiles are pulled often.
	SuspectConfidence float64 `yaml:"suspect_confidence"`
	// NotifySuspected sends suspected leaks to the Alertmanagers, with severity="info".
	NotifySuspected bool `yaml:"notify_suspected"`
	// GoroutineLimit is the number of goroutines that a process can have. 0: not known.
	GoroutineLimit int `yaml:"goroutine_limit"`
	// CriticalWithin is how long before a known limit a critical alert fires too.
	// 0: never.
	CriticalWithin model.Duration `yaml:"critical_within"`
	// ResendInterval is the time after which a firing alert is sent again.
	ResendInterval model.Duration `yaml:"resend_interval,omitempty"`
	// Images gives alerts a picture.
	Images Images `yaml:"images,omitempty"`
	// Inbound says who may request profiles by a webhook.
	Inbound Inbound `yaml:"inbound,omitempty"`
	// KubernetesEvents says whether workloads get Events about their leaks.
	KubernetesEvents KubernetesEvents `yaml:"kubernetes_events,omitempty"`
}

// KubernetesEvents says where Events about leaks are written.
type KubernetesEvents struct {
	Enabled bool `yaml:"enabled,omitempty"`
	// APIServer is the address of the API server; empty: that of the cluster that gorowatch
	// runs in, with its service account.
	APIServer        string                     `yaml:"api_server,omitempty"`
	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:"http_config,omitempty"`
}

// UnmarshalYAML decodes the section over its defaults.
func (k *KubernetesEvents) UnmarshalYAML(unmarshal func(any) error) error {
	*k = KubernetesEvents{HTTPClientConfig: commoncfg.DefaultHTTPClientConfig}
	type eventsSection KubernetesEvents
	return unmarshal((*eventsSection)(k))
}

// kubernetesEvents checks the section alerting.kubernetes_events.
func (v *validator) kubernetesEvents(k *KubernetesEvents) {
	const field = "alerting.kubernetes_events"
	v.template(field+".api_server", k.APIServer, []string{})
	v.add(field+".http_config", k.HTTPClientConfig.Validate())
}

// Images are the pictures of leaks for chat, which need no login.
type Images struct {
	Enabled bool `yaml:"enabled,omitempty"`
	// ExternalURL is where chat services reach the pictures, in which $(SHARD) is the number of
	// the shard. Empty: --web.external-url.
	ExternalURL commoncfg.URL `yaml:"external_url,omitempty"`
	// KeyFile has the key that signs addresses. Empty: it is made and kept in the bucket.
	KeyFile string `yaml:"key_file,omitempty"`
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
	v.kubernetesEvents(&a.KubernetesEvents)
	for name := range a.Annotations {
		v.labelName("alerting.annotations", name)
	}
	if c := a.MinConfidence; !(c >= 0.5 && c <= 0.9999) {
		v.add("alerting.min_confidence", fmt.Errorf("%g is out of range, expected 0.5 to 0.9999", c))
	}
	switch c := a.SuspectConfidence; {
	case !(c >= 0.01 && c <= 0.9998):
		v.add("alerting.suspect_confidence", fmt.Errorf("%g is out of range, expected 0.01 to 0.9998", c))
	case c >= a.MinConfidence:
		v.add("alerting.suspect_confidence", fmt.Errorf("%g is not below alerting.min_confidence, expected less than %g", c, a.MinConfidence))
	}
	v.between("alerting.goroutine_limit", a.GoroutineLimit, 0, 1_000_000_000)
	v.duration("alerting.critical_within", a.CriticalWithin, 0, 365*24*time.Hour)
	if u := a.Images.ExternalURL.URL; u != nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		v.add("alerting.images.external_url", fmt.Errorf("%q, expected http://host:port/path or https://…", u.Redacted()))
	}
	if a.Inbound.Credentials != "" && a.Inbound.CredentialsFile != "" {
		v.add("alerting.inbound", errors.New("has both credentials and credentials_file, expected one of them"))
	}
	if a.Inbound.AllowAnonymous && (a.Inbound.Credentials != "" || a.Inbound.CredentialsFile != "") {
		v.add("alerting.inbound.allow_anonymous", errors.New("true, expected no credentials beside it, or false"))
	}
}
