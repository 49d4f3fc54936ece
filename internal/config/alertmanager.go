package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
)

// Alertmanager is a set of Alertmanagers, as in Prometheus' configuration.
type Alertmanager struct {
	// StaticConfigs are host:port addresses.
	StaticConfigs []StaticConfig `yaml:"-"`
	// ServiceDiscovery has dns_sd_configs, kubernetes_sd_configs and so on, of the
	// mechanisms that this build has.
	ServiceDiscovery discovery.Configs `yaml:"-"`
	// RelabelConfigs are applied to all addresses, static or found. Alerts go to
	// __scheme__, __address__ and __alerts_path__.
	RelabelConfigs []*relabel.Config `yaml:"relabel_configs,omitempty"`
	Scheme         string            `yaml:"scheme,omitempty"`
	PathPrefix     string            `yaml:"path_prefix,omitempty"`
	Timeout        model.Duration    `yaml:"timeout,omitempty"`
	// AlertRelabelConfigs rewrite the labels of their alerts, after the rules for all
	// alerts.
	AlertRelabelConfigs []*relabel.Config `yaml:"alert_relabel_configs,omitempty"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// StaticConfig is a list of host:port addresses, with labels for relabelling.
type StaticConfig struct {
	Targets []string
	Labels  model.LabelSet
}

// UnmarshalYAML decodes the set over its defaults.
func (a *Alertmanager) UnmarshalYAML(unmarshal func(any) error) error {
	*a = Alertmanager{
		Scheme:           "http",
		Timeout:          model.Duration(10 * time.Second),
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
	type alertmanagersSection Alertmanager
	if err := discovery.UnmarshalYAMLWithInlineConfigs((*alertmanagersSection)(a), unmarshal); err != nil {
		return err
	}
	found := a.ServiceDiscovery
	a.ServiceDiscovery = nil
	for _, c := range found {
		static, ok := c.(discovery.StaticConfig)
		if !ok {
			a.ServiceDiscovery = append(a.ServiceDiscovery, c)
			continue
		}
		for _, g := range static {
			s := StaticConfig{Labels: g.Labels}
			for _, t := range g.Targets {
				s.Targets = append(s.Targets, string(t[model.AddressLabel]))
			}
			a.StaticConfigs = append(a.StaticConfigs, s)
		}
	}
	return nil
}

// MarshalYAML writes service discovery in the form in which it is read.
func (a Alertmanager) MarshalYAML() (any, error) {
	var static discovery.StaticConfig
	for _, s := range a.StaticConfigs {
		g := &targetgroup.Group{Labels: s.Labels}
		for _, t := range s.Targets {
			g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(t)})
		}
		static = append(static, g)
	}
	a.ServiceDiscovery = append(discovery.Configs{static}, a.ServiceDiscovery...)
	return discovery.MarshalYAMLWithInlineConfigs(&a)
}

// alertmanager checks an entry of alerting.alertmanagers.
func (v *validator) alertmanager(field string, a *Alertmanager) {
	n := 0
	for i, s := range a.StaticConfigs {
		for j, addr := range s.Targets {
			v.address(fmt.Sprintf("%s.static_configs[%d].targets[%d]", field, i, j), addr)
			n++
		}
	}
	if n == 0 && len(a.ServiceDiscovery) == 0 {
		v.add(field, errors.New("has no static_configs with targets, and no service discovery such as dns_sd_configs"))
	}
	v.relabel(field+".relabel_configs", a.RelabelConfigs)
	if a.Scheme == "" {
		v.add(field+".scheme", errors.New("is empty, expected http or https"))
	}
	v.scheme(field+".scheme", a.Scheme)
	if a.PathPrefix != "" && !strings.HasPrefix(a.PathPrefix, "/") {
		v.add(field+".path_prefix", fmt.Errorf("%q, expected a path such as /alertmanager", a.PathPrefix))
	}
	v.duration(field+".timeout", a.Timeout, 100*time.Millisecond, 10*time.Minute)
	v.relabel(field+".alert_relabel_configs", a.AlertRelabelConfigs)
	v.add(field, a.HTTPClientConfig.Validate())
}
