package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/internal/config"
)

const (
	// alertsPathLabel is Prometheus' name for the whole path that alerts are posted to.
	// The path ends with alertsPath.
	alertsPathLabel = "__alerts_path__"
	alertsPath      = "/api/v2/alerts"
)

// alertmanagerSet is a set of Alertmanagers of the configuration.
type alertmanagerSet struct {
	name   string
	static []*url.URL
	found  *discovery.Set // nil: only static ones
	client *http.Client
	config config.Alertmanager
}

// newAlertmanagerSet makes a set. Service discovery finds targets of scrapes; the rules
// that it gets here put the path of the alerts in the place of the metrics' path, so the
// address of a target is that of an Alertmanager.
func newAlertmanagerSet(name string, c config.Alertmanager, client *http.Client) (alertmanagerSet, error) {
	s := alertmanagerSet{name: name, client: client, config: c}
	for _, sc := range c.StaticConfigs {
		for _, addr := range sc.Targets {
			u, err := s.address(sc.Labels, addr)
			if err != nil {
				return s, fmt.Errorf("%s: %w", name, err)
			}
			if u != nil {
				s.static = append(s.static, u)
			}
		}
	}
	if len(c.ServiceDiscovery) > 0 {
		rule := func(from model.LabelNames, to, replacement string) *relabel.Config {
			return &relabel.Config{
				SourceLabels: from, Separator: ";", Regex: relabel.MustNewRegexp("(.*)"), Action: relabel.Replace,
				TargetLabel: to, Replacement: replacement, NameValidationScheme: model.UTF8Validation,
			}
		}
		s.found = &discovery.Set{
			Name: name, Configs: c.ServiceDiscovery, Access: discovery.Access{Scheme: c.Scheme, Client: client},
			Relabel: slices.Concat(
				[]*relabel.Config{rule(nil, alertsPathLabel, strings.ReplaceAll(s.path(), "$", "$$"))},
				c.RelabelConfigs,
				[]*relabel.Config{rule(model.LabelNames{alertsPathLabel}, model.MetricsPathLabel, "$1")},
			),
		}
	}
	return s, nil
}

// path returns the path that alerts are posted to, unless relabelling changes it.
func (s *alertmanagerSet) path() string {
	return "/" + strings.TrimPrefix(strings.TrimRight(s.config.PathPrefix, "/")+alertsPath, "/")
}

// address returns the base of a static Alertmanager; nil: relabelling drops it.
func (s *alertmanagerSet) address(group model.LabelSet, addr string) (*url.URL, error) {
	lb := labels.NewBuilder(labels.EmptyLabels())
	for name, value := range group {
		lb.Set(string(name), string(value))
	}
	lb.Set(model.AddressLabel, addr)
	lb.Set(model.SchemeLabel, s.config.Scheme)
	lb.Set(alertsPathLabel, s.path())
	if !relabel.ProcessBuilder(lb, s.config.RelabelConfigs...) {
		return nil, nil
	}
	return base(&url.URL{Scheme: lb.Get(model.SchemeLabel), Host: lb.Get(model.AddressLabel), Path: lb.Get(alertsPathLabel)})
}

// base returns the URL that an Alertmanager's addresses begin with, given that of its
// alerts.
func base(u *url.URL) (*url.URL, error) {
	path, ok := strings.CutSuffix(u.Path, alertsPath)
	if !ok || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%s is no address of an Alertmanager after relabelling, expected http or https, a host and a path that ends with %s", u.Redacted(), alertsPath)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}, nil
}

// alertmanager makes an Alertmanager of the set.
func (s *alertmanagerSet) alertmanager(u *url.URL) alerting.Alertmanager {
	return alerting.Alertmanager{URL: u, Client: s.client, Timeout: time.Duration(s.config.Timeout), Relabel: s.config.AlertRelabelConfigs}
}

// withFoundAlertmanagers returns the alerting configuration of a graph with the
// Alertmanagers that are found now. The caller holds receiversMu, except in New.
func (a *App) withFoundAlertmanagers(g *graph) notify.Config {
	c := g.alerts
	c.Alertmanagers = nil
	byName := map[string]*alertmanagerSet{}
	for i := range g.alertmanagers {
		s := &g.alertmanagers[i]
		byName[s.name] = s
		for _, u := range s.static {
			c.Alertmanagers = append(c.Alertmanagers, s.alertmanager(u))
		}
	}
	var unusableAlertmanagers []string
	for _, e := range a.alertmanagers.Endpoints(time.Now()) {
		s := byName[e.Set]
		if s == nil {
			continue // of the previous configuration
		}
		u, err := base(e.Metrics)
		if err == nil {
			err = e.Err
		}
		if err != nil {
			unusableAlertmanagers = append(unusableAlertmanagers, e.Set+": "+err.Error())
			continue
		}
		c.Alertmanagers = append(c.Alertmanagers, s.alertmanager(u))
	}
	// Logged once, not at each update of service discovery.
	if !slices.Equal(unusableAlertmanagers, a.unusableAlertmanagers) && len(unusableAlertmanagers) > 0 {
		a.logger.Warn("Cannot use some of the discovered Alertmanagers", "why", unusableAlertmanagers)
	}
	a.unusableAlertmanagers = unusableAlertmanagers
	return c
}

// applyAlerting sends alerts by a graph from now on, to the Alertmanagers that are found;
// nil: by the same graph as before.
func (a *App) applyAlerting(g *graph) error {
	a.receiversMu.Lock()
	defer a.receiversMu.Unlock()
	if g != nil {
		a.alertingGraph = g
		a.events.Apply(g.events)
		var sets []discovery.Set
		for _, s := range g.alertmanagers {
			if s.found != nil {
				sets = append(sets, *s.found)
			}
		}
		if err := a.alertmanagers.Apply(sets); err != nil {
			return err
		}
	}
	return a.notifier.ApplyConfig(a.withFoundAlertmanagers(a.alertingGraph))
}

// alertmanagersFound is called when service discovery has found other Alertmanagers.
func (a *App) alertmanagersFound() {
	if err := a.applyAlerting(nil); err != nil {
		a.logger.Error("Cannot use the discovered Alertmanagers", "err", err)
	}
}
