package config

import (
	"errors"
	"fmt"
	"strings"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/model/relabel"
)

// TargetSet is a set of static targets, a set of targets from service discovery, or
// settings for the targets of Prometheus that its matchers select.
type TargetSet struct {
	// Static are host:port addresses.
	Static []string `yaml:"static,omitempty"`
	// Labels of the static targets; instance is the address unless given.
	Labels map[string]string `yaml:"labels,omitempty"`
	// MetricsPath is the path of the metrics of static targets, which gorowatch uses if
	// it scrapes them itself.
	MetricsPath string `yaml:"metrics_path,omitempty"`
	// ServiceDiscovery has kubernetes_sd_configs, file_sd_configs and so on, of the
	// mechanisms that this build has.
	ServiceDiscovery discovery.Configs `yaml:"-"`
	// RelabelConfigs are applied to the targets from service discovery.
	RelabelConfigs []*relabel.Config `yaml:"relabel_configs,omitempty"`
	// PodAnnotations leaves out pods whose annotations do not ask for profiles.
	PodAnnotations bool `yaml:"pod_annotations"`
	// Match are the labels that a target from service discovery and a series of the same
	// instance have in common. Empty: namespace and pod, or instance.
	Match []string `yaml:"match,omitempty"`
	// TargetLimit bounds the targets from service discovery.
	TargetLimit int `yaml:"target_limit"`
	// Matchers select targets of Prometheus by their labels, e.g. job=~"a|b".
	Matchers []string `yaml:"matchers,omitempty"`
	// Allow are the hosts that found targets may have and that get the credentials.
	// Empty: any.
	Allow []string `yaml:"allow,omitempty"`
	// Scheme of the profiles: http or https. Empty: http, or that of the
	// discovered target.
	Scheme string `yaml:"scheme,omitempty"`
	// Path under which net/http/pprof is served.
	Path string `yaml:"path,omitempty"`
	// Port replaces the port of a discovered target.
	Port int `yaml:"port,omitempty"`
	// GoroutineLeak allows pulling the goroutineleak profile where the target has it, at
	// most once an hour for each leak.
	GoroutineLeak bool `yaml:"goroutineleak"`
	// Heap allows pulling a heap profile where a library leaks and it is not known who
	// calls it, a few times for each leak.
	Heap bool `yaml:"heap"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// DefaultTargetSet returns a set of targets with its defaults.
func DefaultTargetSet() TargetSet {
	return TargetSet{
		Path:             "/debug/pprof/",
		MetricsPath:      "/metrics",
		GoroutineLeak:    true,
		Heap:             true,
		TargetLimit:      20_000,
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
}

// UnmarshalYAML decodes the set over its defaults.
func (t *TargetSet) UnmarshalYAML(unmarshal func(any) error) error {
	*t = DefaultTargetSet()
	type targetsSection TargetSet
	return discovery.UnmarshalYAMLWithInlineConfigs((*targetsSection)(t), unmarshal)
}

// MarshalYAML writes service discovery in the form in which it is read.
func (t TargetSet) MarshalYAML() (any, error) {
	return discovery.MarshalYAMLWithInlineConfigs(&t)
}

// targetSet checks an entry of the section targets.
func (v *validator) targetSet(field string, t *TargetSet) {
	var kinds []string
	for _, k := range []struct {
		name string
		has  bool
	}{{"static", len(t.Static) > 0}, {"service discovery", len(t.ServiceDiscovery) > 0}, {"matchers", len(t.Matchers) > 0}} {
		if k.has {
			kinds = append(kinds, k.name)
		}
	}
	switch len(kinds) {
	case 1:
	case 0:
		v.add(field, errors.New("selects nothing, expected static addresses, service discovery such as file_sd_configs, or matchers of Prometheus' targets"))
	default:
		v.add(field, fmt.Errorf("has both %s, expected one of them", strings.Join(kinds, " and ")))
	}
	if len(t.Static) == 0 {
		for name := range t.Labels {
			v.add(field+".labels", fmt.Errorf("%q: labels are for static targets", name))
		}
	}
	for i, a := range t.Static {
		v.address(fmt.Sprintf("%s.static[%d]", field, i), a)
	}
	for name := range t.Labels {
		v.labelName(field+".labels", name)
	}
	v.discovered(field, t)
	v.allow(field+".allow", t)
	if len(t.Matchers) > 0 {
		s := strings.Join(t.Matchers, ", ")
		_, err := ParseMatchers(t.Matchers)
		v.check(field+".matchers", s, err, `label matchers, e.g. job=~"a|b"`)
	}
	v.scheme(field+".scheme", t.Scheme)
	if !strings.HasPrefix(t.Path, "/") {
		v.add(field+".path", fmt.Errorf("%q, expected a path such as /debug/pprof/", t.Path))
	}
	if !strings.HasPrefix(t.MetricsPath, "/") {
		v.add(field+".metrics_path", fmt.Errorf("%q, expected a path such as /metrics", t.MetricsPath))
	}
	v.between(field+".port", t.Port, 0, 65535)
	v.add(field, t.HTTPClientConfig.Validate())
}

// discovered checks the keys for service discovery.
func (v *validator) discovered(field string, t *TargetSet) {
	if len(t.ServiceDiscovery) == 0 {
		for _, k := range []struct {
			name string
			has  bool
		}{{"relabel_configs", len(t.RelabelConfigs) > 0}, {"pod_annotations", t.PodAnnotations}, {"match", len(t.Match) > 0}} {
			if k.has {
				v.add(field+"."+k.name, errors.New("is for service discovery, such as kubernetes_sd_configs, of which the set has none"))
			}
		}
	}
	for i, r := range t.RelabelConfigs {
		at := fmt.Sprintf("%s.relabel_configs[%d]", field, i)
		if r == nil {
			v.add(at, errors.New("is empty, expected a rule"))
			continue
		}
		v.add(at, r.Validate(model.UTF8Validation))
	}
	for i, name := range t.Match {
		v.labelName(fmt.Sprintf("%s.match[%d]", field, i), name)
	}
	v.between(field+".target_limit", t.TargetLimit, 0, 10_000_000)
}
