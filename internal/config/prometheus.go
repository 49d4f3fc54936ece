package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Prometheus says where the series come from.
type Prometheus struct {
	// URL is the base of its HTTP API. Empty: gorowatch scrapes the static
	// targets itself.
	URL commoncfg.URL `yaml:"url,omitempty"`
	// Timeout of one query.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Selector selects the series that are watched, e.g. {namespace="prod"}.
	Selector string `yaml:"selector,omitempty"`
	// Load is the only way to read the load of a service. Empty: those of Series.
	Load string `yaml:"load,omitempty"`
	// Series are the names of the series.
	Series Series `yaml:"series,omitempty"`
	// SeriesLimit bounds the instances that are watched.
	SeriesLimit int `yaml:"series_limit,omitempty"`
	// ReplicaLabels are the labels that distinguish the replicas of a Prometheus.
	// Series that differ only in them belong to one instance.
	ReplicaLabels []string `yaml:"replica_labels"`
	// Params are added to each query, e.g. partial_response for Thanos.
	Params map[string][]string `yaml:"params,omitempty"`

	// SigV4, GoogleIAM and AzureAD are credentials for the Prometheus of a cloud.
	SigV4     Cloud `yaml:"sigv4,omitempty"`
	GoogleIAM Cloud `yaml:"google_iam,omitempty"`
	AzureAD   Cloud `yaml:"azuread,omitempty"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// ReplicaLabels returns prometheus.replica_labels without those that the configuration
// uses to distinguish services, instances or versions.
func (c *Config) ReplicaLabels() []string {
	own := append([]string{c.Services.VersionLabel}, c.Services.GroupBy...)
	for _, t := range c.Targets {
		own = append(own, t.Match...)
		if len(t.Matchers) > 0 {
			matchers, _ := ParseMatchers(t.Matchers) // checked by Validate
			for _, m := range matchers {
				own = append(own, m.Name)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(c.Prometheus.ReplicaLabels), func(name string) bool { return slices.Contains(own, name) })
}

// defaultPrometheus returns the section with its defaults.
func defaultPrometheus() Prometheus {
	return Prometheus{
		Timeout:     model.Duration(30 * time.Second),
		Series:      defaultSeries(),
		SeriesLimit: 50_000,
		// Those of the Prometheus operator, of Thanos' documentation, and of Mimir and
		// Cortex.
		ReplicaLabels:    []string{"prometheus_replica", "replica", "__replica__"},
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
}

// UnmarshalYAML decodes the section over its defaults.
func (p *Prometheus) UnmarshalYAML(unmarshal func(any) error) error {
	*p = defaultPrometheus()
	type prometheusSection Prometheus
	return unmarshal((*prometheusSection)(p))
}

// ReplicaLabel returns an error unless a label of that name may distinguish the replicas
// of a Prometheus.
func ReplicaLabel(name string) error {
	switch {
	case name == "instance", name == "pod", name == "job", name == "namespace", name == labels.MetricName:
		return fmt.Errorf("%q tells instances apart, expected a label of the replicas of a Prometheus, e.g. prometheus_replica", name)
	case !model.UTF8Validation.IsValidLabelName(name):
		return fmt.Errorf("%q is not a label name", name)
	}
	return nil
}

// ParseSelector reads a selector such as {namespace="prod",job=~"a|b"}.
func ParseSelector(s string) ([]*labels.Matcher, error) {
	ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector(s)
	if err != nil {
		return nil, err
	}
	for _, m := range ms {
		if m.Name == labels.MetricName {
			return nil, errors.New("has a metric name")
		}
	}
	return ms, nil
}

// ParseMatchers reads matchers such as job=~"a|b".
func ParseMatchers(ms []string) ([]*labels.Matcher, error) {
	return ParseSelector("{" + strings.Join(ms, ",") + "}")
}

// prometheus checks the section prometheus.
func (v *validator) prometheus(p *Prometheus) {
	if u := p.URL.URL; u != nil {
		v.httpURL("prometheus.url", u)
	}
	v.duration("prometheus.timeout", p.Timeout, 100*time.Millisecond, time.Hour)
	if s := p.Selector; s != "" {
		_, err := ParseSelector(s)
		v.check("prometheus.selector", s, err, `a selector without metric name, e.g. {namespace="prod"}`)
	}
	if s := p.Load; s != "" {
		_, err := parser.NewParser(parser.Options{}).ParseExpr(s)
		v.check("prometheus.load", s, err, "a PromQL expression")
	}
	v.series(p)
	v.between("prometheus.series_limit", p.SeriesLimit, 1, 10_000_000)
	for i, name := range p.ReplicaLabels {
		v.add(fmt.Sprintf("prometheus.replica_labels[%d]", i), ReplicaLabel(name))
	}
	for name := range p.Params {
		switch name {
		case "query", "start", "end", "step", "time", "timeout":
			v.add("prometheus.params", fmt.Errorf("%q is what gorowatch itself sets", name))
		}
	}
	v.add("prometheus", p.HTTPClientConfig.Validate())
	v.add("prometheus", p.validateClouds())
}
