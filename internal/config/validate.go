package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/prometheus/prometheus/promql/parser"
)

// Validate checks what the types do not. All mistakes are reported at once.
func (c *Config) Validate() error { return errors.Join(c.validate().errs...) }

func (c *Config) validate() *validator {
	v := &validator{}

	v.duration("global.evaluation_interval", c.Global.EvaluationInterval, 100*time.Millisecond, time.Hour)
	for name := range c.Global.ExternalLabels {
		v.labelName("global.external_labels", name)
	}

	if u := c.Prometheus.URL.URL; u != nil {
		v.httpURL("prometheus.url", u)
	}
	v.duration("prometheus.timeout", c.Prometheus.Timeout, 100*time.Millisecond, time.Hour)
	if s := c.Prometheus.Selector; s != "" {
		_, err := ParseSelector(s)
		v.check("prometheus.selector", s, err, `a selector without metric name, e.g. {namespace="prod"}`)
	}
	if s := c.Prometheus.Load; s != "" {
		_, err := parser.NewParser(parser.Options{}).ParseExpr(s)
		v.check("prometheus.load", s, err, "a PromQL expression")
	}
	v.between("prometheus.series_limit", c.Prometheus.SeriesLimit, 1, 10_000_000)
	for i, name := range c.Prometheus.ReplicaLabels {
		v.add(fmt.Sprintf("prometheus.replica_labels[%d]", i), ReplicaLabel(name))
	}
	for name := range c.Prometheus.Params {
		switch name {
		case "query", "start", "end", "step", "time", "timeout":
			v.add("prometheus.params", fmt.Errorf("%q is what gorowatch itself sets", name))
		}
	}
	v.add("prometheus", c.Prometheus.HTTPClientConfig.Validate())
	v.add("prometheus", c.Prometheus.validateClouds())

	if len(c.Services.GroupBy) == 0 {
		v.add("services.group_by", errors.New("is empty, expected at least one label, e.g. [namespace, job]"))
	}
	for i, name := range c.Services.GroupBy {
		v.labelName(fmt.Sprintf("services.group_by[%d]", i), name)
	}

	v.duration("trend.base", c.Trend.Base, 100*time.Millisecond, time.Hour)

	v.duration("profiles.baseline_interval", c.Profiles.BaselineInterval, time.Second, 7*24*time.Hour)
	v.duration("profiles.suspicion_interval", c.Profiles.SuspicionInterval, 100*time.Millisecond, 24*time.Hour)
	v.duration("profiles.timeout", c.Profiles.Timeout, 100*time.Millisecond, 10*time.Minute)
	v.between("profiles.baseline_instances", c.Profiles.BaselineInstances, 1, 100)
	v.between("profiles.dump_limit", c.Profiles.DumpLimit, 0, 1_000_000)
	v.between("profiles.concurrency", c.Profiles.Concurrency, 1, 1000)
	if s := c.Profiles.TargetCPU; !(s > 0 && s <= 1) {
		v.add("profiles.target_cpu", fmt.Errorf("%g is out of range, expected a share of a core, more than 0 and up to 1", s))
	}
	v.size("profiles.target_bandwidth", c.Profiles.TargetBandwidth)
	v.size("profiles.bandwidth", c.Profiles.Bandwidth)
	v.size("profiles.size_limit", c.Profiles.SizeLimit)

	for i := range c.Targets {
		v.targetSet(fmt.Sprintf("targets[%d]", i), &c.Targets[i])
	}
	for i := range c.Ignore {
		v.ignore(fmt.Sprintf("ignore[%d]", i), &c.Ignore[i])
	}
	v.alerting(&c.Alerting)
	v.duration("alerting.resend_interval", c.Alerting.ResendInterval, 100*time.Millisecond, time.Hour)

	if u, err := url.Parse(c.Storage.URL); err != nil || u.Scheme == "" {
		v.check("storage.url", c.Storage.URL, errors.New("is not a URL"), "a bucket, e.g. file:///var/lib/gorowatch or mem://")
	} else if u.Scheme == "file" && u.Host != "" && u.Host != "." && u.Host != "localhost" {
		// The host would be left out, and the folder be another one.
		v.add("storage.url", fmt.Errorf("%q has a host, %q, expected e.g. file:///var/lib/gorowatch, or file://./data for a folder below this one", u.Redacted(), u.Host))
	}
	v.duration("storage.retention", c.Storage.Retention, time.Minute, 10*365*24*time.Hour)

	v.links(&c.Links)
	v.between("runtime.gogc", c.Runtime.GoGC, -1, 10_000)

	return v
}

// validator collects mistakes.
type validator struct {
	errs   []error
	fields []string // of each
}

func (v *validator) add(field string, err error) {
	if err != nil {
		v.errs = append(v.errs, fmt.Errorf("%s: %w", field, err))
		v.fields = append(v.fields, field)
	}
}

// check adds err with the value and what was expected instead.
func (v *validator) check(field, value string, err error, expected string) {
	if err != nil {
		v.add(field, fmt.Errorf("%q: %w, expected %s", value, err, expected))
	}
}

func (v *validator) duration(field string, d model.Duration, lowest, highest time.Duration) {
	if t := time.Duration(d); t < lowest || t > highest {
		v.add(field, fmt.Errorf("%s is out of range, expected %s to %s", d, model.Duration(lowest), model.Duration(highest)))
	}
}

func (v *validator) between(field string, n, lowest, highest int) {
	if n < lowest || n > highest {
		v.add(field, fmt.Errorf("%d is out of range, expected %d to %d", n, lowest, highest))
	}
}

func (v *validator) size(field string, n units.Base2Bytes) {
	if n < units.KiB || n > units.TiB {
		v.add(field, fmt.Errorf("%s is out of range, expected 1KiB to 1TiB", n))
	}
}

func (v *validator) labelName(field, name string) {
	if !model.UTF8Validation.IsValidLabelName(name) {
		v.add(field, fmt.Errorf("%q is not a label name", name))
	}
}

// ReplicaLabel is an error unless a label of that name may tell the replicas of a
// Prometheus apart.
func ReplicaLabel(name string) error {
	switch {
	case name == "instance", name == "pod", name == "job", name == "namespace", name == labels.MetricName:
		return fmt.Errorf("%q tells instances apart, expected a label of the replicas of a Prometheus, e.g. prometheus_replica", name)
	case !model.UTF8Validation.IsValidLabelName(name):
		return fmt.Errorf("%q is not a label name", name)
	}
	return nil
}

func (v *validator) httpURL(field string, u *url.URL) {
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		v.add(field, fmt.Errorf("%q is not an address, expected http://host:port or https://host:port", u.Redacted()))
	}
}

func (v *validator) scheme(field, s string) {
	if s != "" && s != "http" && s != "https" {
		v.add(field, fmt.Errorf("%q, expected http or https", s))
	}
}

func (v *validator) address(field, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if n, perr := strconv.Atoi(port); err != nil || host == "" || perr != nil || n < 1 || n > 65535 {
		v.add(field, fmt.Errorf("%q is not an address, expected host:port", addr))
	}
}

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

// discovered checks what is about service discovery.
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

func (v *validator) ignore(field string, i *Ignore) {
	if i.Function == "" && i.Key == "" && i.CreatedBy == "" && i.Signature == "" {
		v.add(field, errors.New("names no stack, expected function, key, created_by or signature"))
	}
	for _, p := range []struct{ key, pattern string }{{"function", i.Function}, {"key", i.Key}, {"created_by", i.CreatedBy}} {
		if _, err := Pattern(p.pattern); err != nil {
			v.check(field+"."+p.key, p.pattern, err, `a regular expression, e.g. main\.warm.*`)
		}
	}
	if len(i.Matchers) > 0 {
		_, err := ParseMatchers(i.Matchers)
		v.check(field+".matchers", strings.Join(i.Matchers, ", "), err, `label matchers, e.g. job=~"a|b"`)
	}
	if _, err := i.Ends(); err != nil {
		v.add(field+".until", fmt.Errorf("%q is not a date, expected e.g. 2026-12-31", i.Until))
	}
}

// Pattern compiles an anchored regular expression; the empty one is nil.
func Pattern(s string) (*regexp.Regexp, error) {
	if s == "" {
		return nil, nil
	}
	return regexp.Compile("^(?s:" + s + ")$")
}

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
	v.between("alerting.goroutine_limit", a.GoroutineLimit, 0, 1_000_000_000)
	v.duration("alerting.critical_within", a.CriticalWithin, 0, 365*24*time.Hour)
	if a.Inbound.Credentials != "" && a.Inbound.CredentialsFile != "" {
		v.add("alerting.inbound", errors.New("has both credentials and credentials_file, expected one of them"))
	}
	if a.Inbound.AllowAnonymous && (a.Inbound.Credentials != "" || a.Inbound.CredentialsFile != "") {
		v.add("alerting.inbound.allow_anonymous", errors.New("true, expected no credentials beside it, or false"))
	}
}

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

// WebhookURL reads the URL of a webhook. The error does not show it: it may be
// a secret.
func WebhookURL(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("is not an address, expected http://host:port/path or https://host:port/path")
	}
	return u, nil
}

func (v *validator) relabel(field string, rules []*relabel.Config) {
	for i, r := range rules {
		if r == nil {
			v.add(fmt.Sprintf("%s[%d]", field, i), errors.New("is empty, expected a relabelling rule"))
			continue
		}
		v.add(fmt.Sprintf("%s[%d]", field, i), r.Validate(model.UTF8Validation))
	}
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
