package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/alecthomas/units"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/relabel"
	"go.yaml.in/yaml/v2"
)

// Config is a whole configuration file.
type Config struct {
	Global     Global      `yaml:"global,omitempty"`
	Prometheus Prometheus  `yaml:"prometheus,omitempty"`
	Services   Services    `yaml:"services,omitempty"`
	Trend      Trend       `yaml:"trend,omitempty"`
	Profiles   Profiles    `yaml:"profiles,omitempty"`
	Targets    []TargetSet `yaml:"targets,omitempty"`
	Ignore     []Ignore    `yaml:"ignore,omitempty"`
	Alerting   Alerting    `yaml:"alerting,omitempty"`
	Storage    Storage     `yaml:"storage,omitempty"`
	Links      Links       `yaml:"links,omitempty"`
	Runtime    Runtime     `yaml:"runtime,omitempty"`
}

// Global is what concerns everything.
type Global struct {
	// EvaluationInterval is the time between two judgements, and the step at
	// which series are read.
	EvaluationInterval model.Duration `yaml:"evaluation_interval,omitempty"`
	// ExternalLabels are added to every alert.
	ExternalLabels map[string]string `yaml:"external_labels,omitempty"`
}

// Prometheus is where the series come from.
type Prometheus struct {
	// URL is the base of its HTTP API. Empty: gorowatch scrapes the static
	// targets itself.
	URL commoncfg.URL `yaml:"url,omitempty"`
	// Timeout of one query.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Selector narrows what is watched, e.g. {namespace="prod"}.
	Selector string `yaml:"selector,omitempty"`
	// Load is the expression for the work that a service does. Empty:
	// rate(process_cpu_seconds_total[5m]).
	Load string `yaml:"load,omitempty"`
	// SeriesLimit bounds the instances that are watched.
	SeriesLimit int `yaml:"series_limit,omitempty"`
	// ReplicaLabels tell the replicas of a Prometheus apart: series that differ
	// in them alone are of one instance.
	ReplicaLabels []string `yaml:"replica_labels"`
	// Params are added to each query, e.g. partial_response for Thanos.
	Params map[string][]string `yaml:"params,omitempty"`

	// SigV4, GoogleIAM and AzureAD log in at a Prometheus that a cloud manages.
	SigV4     Cloud `yaml:"sigv4,omitempty"`
	GoogleIAM Cloud `yaml:"google_iam,omitempty"`
	AzureAD   Cloud `yaml:"azuread,omitempty"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// ReplicaLabels are prometheus.replica_labels but for those that something else
// in the configuration tells services, instances or versions apart by.
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

// Services says which instances belong together.
type Services struct {
	// GroupBy are the labels that the instances of a service share.
	GroupBy []string `yaml:"group_by,omitempty"`
	// VersionLabel is the label of the instances that has their version. Empty:
	// it is taken from build_info metrics and image tags.
	VersionLabel string `yaml:"version_label,omitempty"`
}

// Trend tunes the judgement of series.
type Trend struct {
	// Base is the length of the smallest block of samples; the others are
	// 5, 15, 60 and 240 times as long.
	Base model.Duration `yaml:"base,omitempty"`
}

// Profiles says how often profiles are pulled, and bounds each pull.
type Profiles struct {
	// BaselineInterval is the time between two baselines of a service.
	BaselineInterval model.Duration `yaml:"baseline_interval,omitempty"`
	// BaselineInstances is how many instances of a service each baseline has.
	BaselineInstances int `yaml:"baseline_instances,omitempty"`
	// SuspicionInterval is the least time between two profiles of an instance
	// whose service is suspicious; it doubles while nothing is found.
	SuspicionInterval model.Duration `yaml:"suspicion_interval,omitempty"`
	// DumpLimit is the number of goroutines up to which an instance with a leak
	// is asked for a dump with ages (debug=2), which stops its world for about
	// 80 µs each. 0: never.
	DumpLimit int `yaml:"dump_limit"`
	// Timeout of one pull.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Concurrency is the number of pulls at a time, over all targets.
	Concurrency int `yaml:"concurrency,omitempty"`
	// TargetCPU is the share of a core that profiles may cost each target in
	// the long run, by estimate.
	TargetCPU float64 `yaml:"target_cpu,omitempty"`
	// TargetBandwidth is the bytes a second that profiles of each target may
	// have in the long run, Bandwidth those of all targets.
	TargetBandwidth units.Base2Bytes `yaml:"target_bandwidth,omitempty"`
	Bandwidth       units.Base2Bytes `yaml:"bandwidth,omitempty"`
	// SizeLimit is how big one profile may be, as it is sent.
	SizeLimit units.Base2Bytes `yaml:"size_limit,omitempty"`
	// AnnotatedPods: in a Kubernetes cluster, find the pods whose annotations
	// ask for profiles, unless a set of targets has service discovery.
	AnnotatedPods bool `yaml:"annotated_pods"`
	// PodNamespaces are those in which it looks for them; empty: all.
	PodNamespaces []string `yaml:"pod_namespaces,omitempty"`
}

// TargetSet is a set of static targets, or of those that service discovery
// finds, or settings for the targets of Prometheus that its matchers select.
type TargetSet struct {
	// Static are host:port addresses.
	Static []string `yaml:"static,omitempty"`
	// Labels of the static targets; instance is the address unless given.
	Labels map[string]string `yaml:"labels,omitempty"`
	// MetricsPath is where the static targets have their metrics, for when
	// gorowatch scrapes them itself.
	MetricsPath string `yaml:"metrics_path,omitempty"`
	// ServiceDiscovery are kubernetes_sd_configs, file_sd_configs and the like,
	// of the mechanisms that are linked.
	ServiceDiscovery discovery.Configs `yaml:"-"`
	// RelabelConfigs are applied to what service discovery finds.
	RelabelConfigs []*relabel.Config `yaml:"relabel_configs,omitempty"`
	// PodAnnotations: of pods, those alone whose annotations ask for profiles.
	PodAnnotations bool `yaml:"pod_annotations"`
	// Match are the labels by which a found target and a series are known to
	// be of one instance. Empty: namespace and pod, or instance.
	Match []string `yaml:"match,omitempty"`
	// TargetLimit is the number of found targets that are used.
	TargetLimit int `yaml:"target_limit"`
	// Matchers select targets of Prometheus by their labels, e.g. job=~"a|b".
	Matchers []string `yaml:"matchers,omitempty"`
	// Allow are the hosts that found targets may have, and the credentials may go
	// to. Empty: any.
	Allow []string `yaml:"allow,omitempty"`
	// Scheme of the profiles: http or https. Empty: http, or that of the
	// discovered target.
	Scheme string `yaml:"scheme,omitempty"`
	// Path under which net/http/pprof is served.
	Path string `yaml:"path,omitempty"`
	// Port replaces the port of a discovered target.
	Port int `yaml:"port,omitempty"`
	// GoroutineLeak allows asking for the goroutineleak profile, at most once
	// an hour and leak, where the target has it.
	GoroutineLeak bool `yaml:"goroutineleak"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// Ignore is a leak that nobody is to be told of. What is set has to match; the
// patterns are anchored regular expressions.
type Ignore struct {
	// Matchers of the labels of the service, e.g. job="batch".
	Matchers []string `yaml:"matchers,omitempty"`
	// Function of any frame of the leading stack.
	Function string `yaml:"function,omitempty"`
	// Key is the function of the key frame, the first in the alert.
	Key string `yaml:"key,omitempty"`
	// CreatedBy is the function with the go statement, or the one that the
	// goroutine began with.
	CreatedBy string `yaml:"created_by,omitempty"`
	// Signature of the leading stack, as the API and the pages show it.
	Signature string `yaml:"signature,omitempty"`
	// Comment says why, for the pages.
	Comment string `yaml:"comment,omitempty"`
	// Until is the day (2006-01-02, UTC) or time from which on it is not ignored
	// any more.
	Until string `yaml:"until,omitempty"`
}

// Ends is the time that Until says; zero: never.
func (i Ignore) Ends() (time.Time, error) {
	if i.Until == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, i.Until); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, i.Until)
}

// Alerting is where alerts go, and what they say.
type Alerting struct {
	Alertmanagers []Alertmanager `yaml:"alertmanagers,omitempty"`
	Webhooks      []Webhook      `yaml:"webhooks,omitempty"`
	// AlertRelabelConfigs rewrite the labels of all alerts.
	AlertRelabelConfigs []*relabel.Config `yaml:"alert_relabel_configs,omitempty"`
	// Annotations are templates for annotations, by name.
	Annotations map[string]string `yaml:"annotations,omitempty"`
	// GoroutineLimit is the number of goroutines that a process can bear. 0: not
	// known.
	GoroutineLimit int `yaml:"goroutine_limit"`
	// CriticalWithin is how long before a known limit there is a critical alert
	// too. 0: never.
	CriticalWithin model.Duration `yaml:"critical_within"`
	// ResendInterval is the time after which a firing alert is sent again.
	ResendInterval model.Duration `yaml:"resend_interval,omitempty"`
	// Inbound is who may ask for profiles by a webhook.
	Inbound Inbound `yaml:"inbound,omitempty"`
}

// Alertmanager is a set of Alertmanagers, as in Prometheus' configuration.
type Alertmanager struct {
	// StaticConfigs are host:port addresses.
	StaticConfigs []StaticConfig `yaml:"-"`
	// ServiceDiscovery are dns_sd_configs, kubernetes_sd_configs and the like,
	// of the mechanisms that are linked.
	ServiceDiscovery discovery.Configs `yaml:"-"`
	// RelabelConfigs are applied to what is found, static or not; __scheme__,
	// __address__ and __alerts_path__ are where alerts go.
	RelabelConfigs []*relabel.Config `yaml:"relabel_configs,omitempty"`
	Scheme         string            `yaml:"scheme,omitempty"`
	PathPrefix     string            `yaml:"path_prefix,omitempty"`
	Timeout        model.Duration    `yaml:"timeout,omitempty"`
	// AlertRelabelConfigs rewrite the labels of the alerts for these, after
	// those for all.
	AlertRelabelConfigs []*relabel.Config `yaml:"alert_relabel_configs,omitempty"`

	HTTPClientConfig commoncfg.HTTPClientConfig `yaml:",inline"`
}

// Webhook is a URL that is told of leaks directly, in the words of Alertmanager.
type Webhook struct {
	// Name is its identity over changes of its URL. Empty: made from the URL.
	Name string `yaml:"name,omitempty"`
	// URL may be a secret, which is why it may also be in a file.
	URL     commoncfg.Secret `yaml:"url,omitempty"`
	URLFile string           `yaml:"url_file,omitempty"`
	// SendResolved tells the end of a leak too.
	SendResolved bool `yaml:"send_resolved"`
	// MaxAlerts bounds the alerts of one message.
	MaxAlerts           int                        `yaml:"max_alerts"`
	Timeout             model.Duration             `yaml:"timeout,omitempty"`
	AlertRelabelConfigs []*relabel.Config          `yaml:"alert_relabel_configs,omitempty"`
	HTTPClientConfig    commoncfg.HTTPClientConfig `yaml:"http_config,omitempty"`
}

// Inbound is what requests to the webhook must have. Empty: the webhook is off.
type Inbound struct {
	// Credentials is the bearer token.
	Credentials     commoncfg.Secret `yaml:"credentials,omitempty"`
	CredentialsFile string           `yaml:"credentials_file,omitempty"`
	// AllowAnonymous takes requests without a token.
	AllowAnonymous bool `yaml:"allow_anonymous,omitempty"`
}

// StaticConfig is a list of host:port addresses, with labels for relabelling.
type StaticConfig struct {
	Targets []string
	Labels  model.LabelSet
}

// Storage is where profiles and leaks are kept.
type Storage struct {
	// URL of the bucket, e.g. file:///var/lib/gorowatch or mem://.
	URL string `yaml:"url,omitempty"`
	// Retention of profiles and resolved leaks.
	Retention model.Duration `yaml:"retention,omitempty"`
}

// Runtime is what concerns the Go runtime.
type Runtime struct {
	// GoGC is how much the heap may grow between two collections, in percent of
	// what is in use. 0: as the environment has it, else Go's 100.
	// -1: no collection until the memory limit.
	GoGC int `yaml:"gogc,omitempty"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Global:     Global{EvaluationInterval: model.Duration(time.Minute)},
		Prometheus: defaultPrometheus(),
		Services:   Services{GroupBy: []string{"namespace", "job"}},
		Trend:      Trend{Base: model.Duration(time.Minute)},
		Profiles: Profiles{
			BaselineInterval:  model.Duration(time.Hour),
			BaselineInstances: 2,
			DumpLimit:         1000,
			SuspicionInterval: model.Duration(2 * time.Minute),
			Timeout:           model.Duration(10 * time.Second),
			Concurrency:       4,
			TargetCPU:         0.001,
			TargetBandwidth:   100 * units.KiB,
			Bandwidth:         10 * units.MiB,
			SizeLimit:         80 * units.MiB,
			AnnotatedPods:     true,
		},
		Alerting: Alerting{
			CriticalWithin: model.Duration(6 * time.Hour),
			ResendInterval: model.Duration(time.Minute),
		},
		Storage: Storage{
			URL:       "file:///var/lib/gorowatch",
			Retention: model.Duration(15 * 24 * time.Hour),
		},
	}
}

func defaultPrometheus() Prometheus {
	return Prometheus{
		Timeout:     model.Duration(30 * time.Second),
		SeriesLimit: 50_000,
		// Of the Prometheus operator, of Thanos' documentation, of Mimir and Cortex.
		ReplicaLabels:    []string{"prometheus_replica", "replica", "__replica__"},
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
}

// UnmarshalYAML sets the defaults of what a given section leaves out.
func (p *Prometheus) UnmarshalYAML(unmarshal func(any) error) error {
	*p = defaultPrometheus()
	type prometheusSection Prometheus
	return unmarshal((*prometheusSection)(p))
}

// DefaultTargetSet is a set of targets with nothing but defaults.
func DefaultTargetSet() TargetSet {
	return TargetSet{
		Path:             "/debug/pprof/",
		MetricsPath:      "/metrics",
		GoroutineLeak:    true,
		TargetLimit:      20_000,
		HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
	}
}

// UnmarshalYAML sets the defaults.
func (t *TargetSet) UnmarshalYAML(unmarshal func(any) error) error {
	*t = DefaultTargetSet()
	type targetsSection TargetSet
	return discovery.UnmarshalYAMLWithInlineConfigs((*targetsSection)(t), unmarshal)
}

// AnnotatedSet is the set of the pods of the cluster that gorowatch runs in
// whose annotations ask for profiles. An error: the program has no service
// discovery of Kubernetes.
func (p Profiles) AnnotatedSet() (TargetSet, error) {
	mechanism := map[string]any{"role": "pod"}
	if len(p.PodNamespaces) > 0 {
		mechanism["namespaces"] = map[string]any{"names": p.PodNamespaces}
	}
	text, err := yaml.Marshal(map[string]any{"kubernetes_sd_configs": []any{mechanism}, "pod_annotations": true})
	if err != nil {
		return TargetSet{}, err
	}
	var t TargetSet
	err = yaml.UnmarshalStrict(text, &t)
	return t, err
}

// MarshalYAML writes service discovery as it is read.
func (t TargetSet) MarshalYAML() (any, error) {
	return discovery.MarshalYAMLWithInlineConfigs(&t)
}

// UnmarshalYAML sets the defaults.
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

// MarshalYAML writes service discovery as it is read.
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

// UnmarshalYAML sets the defaults.
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

// maxSize bounds what LoadFile reads: a configuration is small, and a path
// given by mistake may not be.
const maxSize = 8 << 20

// LoadFile reads and checks a file. Relative paths in it are meant relative to
// its folder.
func LoadFile(path string) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := Load(text)
	if err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	c.setDirectory(filepath.Dir(path))
	return c, nil
}

// CheckFile is LoadFile with further checks, which may find mistakes that only
// show while gorowatch runs, such as a missing password file. What is wrong with
// the file and what they find is reported at once; the configuration that they
// get is without what cannot be read.
func CheckFile(path string, checks ...func(*Config) error) (Config, error) {
	text, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	c, err := load(text)
	c.setDirectory(filepath.Dir(path))
	errs := []error{err}
	for _, check := range checks {
		errs = append(errs, check(&c))
	}
	if err := errors.Join(errs...); err != nil {
		return Config{}, fmt.Errorf("configuration %s: %w", path, err)
	}
	return c, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("configuration %s: larger than %d MiB, expected a YAML file", path, maxSize>>20)
	}
	return text, nil
}

// Load decodes and checks a configuration.
func Load(text []byte) (Config, error) {
	c, err := load(text)
	if err != nil {
		return Config{}, err
	}
	c.confineDiscovery()
	return c, nil
}

// load also has what could be read if there is an error.
func load(text []byte) (Config, error) {
	c := Default()
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return undecodable(text, err)
	}
	return c, c.Validate()
}

// setDirectory resolves relative paths of files.
func (c *Config) setDirectory(dir string) {
	c.Prometheus.HTTPClientConfig.SetDirectory(dir)
	for _, cloud := range c.Prometheus.Clouds() {
		cloud.setDirectory(dir)
	}
	for i := range c.Targets {
		c.Targets[i].HTTPClientConfig.SetDirectory(dir)
		c.Targets[i].ServiceDiscovery.SetDirectory(dir)
	}
	for i := range c.Alerting.Alertmanagers {
		c.Alerting.Alertmanagers[i].HTTPClientConfig.SetDirectory(dir)
		c.Alerting.Alertmanagers[i].ServiceDiscovery.SetDirectory(dir)
	}
	for i := range c.Alerting.Webhooks {
		w := &c.Alerting.Webhooks[i]
		w.HTTPClientConfig.SetDirectory(dir)
		w.URLFile = commoncfg.JoinDir(dir, w.URLFile)
	}
	c.Alerting.Inbound.CredentialsFile = commoncfg.JoinDir(dir, c.Alerting.Inbound.CredentialsFile)
}

// String is the configuration as YAML with the secrets hidden.
func (c Config) String() string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	if err := enc.Encode(c); err != nil {
		return fmt.Sprintf("# cannot be shown: %v\n", err)
	}
	_ = enc.Close()
	return b.String()
}
