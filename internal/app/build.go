package app

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting/notify"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/app/links"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/kubeevents"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/monitor/pulling"
	"github.com/gorowatch/gorowatch/internal/pictures"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/trend"
)

// history is how far back the series are read at the start, in base blocks. At the default
// of a minute it is a week, most of which the trend's longest scale sees.
const history = 7 * 24 * 60

// graph is everything that a configuration decides. It is made before anything that runs
// is changed.
type graph struct {
	config  config.Config
	source  collector.SeriesSource
	scraper *scrape.Scraper // nil with a Prometheus
	puller  pulling.Options
	monitor monitor.Options
	alerts  notify.Config      // without the Alertmanagers
	events  *kubeevents.Config // nil: none are written
	links   actions.Links
	// pictures are the settings of pictures of leaks.
	pictures pictures.Settings
	clients  []*http.Client

	finder *discovery.Finder
	sets   []discovery.Set // of service discovery
	// scraped are the static targets that gorowatch scrapes without a Prometheus.
	scraped       []scrape.Target
	alertmanagers []alertmanagerSet
}

// build makes the graph of a configuration. It connects to nothing, but opens the store of
// scraped series when that is needed for the first time.
func (a *App) build(c config.Config) (*graph, error) {
	g := &graph{config: c}
	interval := time.Duration(c.Global.EvaluationInterval)

	static, rules, err := g.targets(c)
	if err != nil {
		return nil, err
	}
	for _, set := range g.sets {
		if err := a.watcher.Check(set); err != nil {
			return nil, err
		}
	}
	finder := discovery.Options{Static: static, Discovered: a.watcher, Rules: rules, MaxAge: max(interval, time.Second)}
	if finder.Client, err = g.client(commoncfg.DefaultHTTPClientConfig, "targets"); err != nil {
		return nil, err
	}
	var memory enrich.MemorySource
	if c.Prometheus.URL.URL != nil {
		prom, err := g.prometheus(c, a)
		if err != nil {
			return nil, err
		}
		g.source, finder.Scraped, memory, g.monitor.Versions = prom, prom, prom, prom
	} else {
		if g.scraper, err = g.embedded(c, a); err != nil {
			return nil, err
		}
		g.source, finder.Own = g.scraper, g.scraper
	}
	if g.finder, err = discovery.New(finder); err != nil {
		return nil, err
	}

	g.puller = pulling.Options{
		Finder: g.finder,
		Fetcher: pprof.New(pprof.Options{
			Timeout: time.Duration(c.Profiles.Timeout),
			Limits:  pprof.Limits{Body: int64(c.Profiles.SizeLimit), Budget: a.decodingBudget},
		}),
		Concurrency:     c.Profiles.Concurrency,
		CPU:             c.Profiles.TargetCPU,
		TargetBandwidth: float64(c.Profiles.TargetBandwidth),
		Bandwidth:       float64(c.Profiles.Bandwidth),
	}
	g.monitor = monitor.Options{
		Source:            g.source,
		Memory:            memory,
		Targets:           g.finder,
		Versions:          g.monitor.Versions,
		VersionLabel:      c.Services.VersionLabel,
		Interval:          interval,
		GroupBy:           c.Services.GroupBy,
		Owns:              a.o.Shard.Owns,
		Trend:             trend.Options{Base: time.Duration(c.Trend.Base), MinConfidence: c.Alerting.MinConfidence},
		SuspectConfidence: c.Alerting.SuspectConfidence,
		History:           history * time.Duration(c.Trend.Base),
		BaselineInterval:  time.Duration(c.Profiles.BaselineInterval),
		BaselineInstances: c.Profiles.BaselineInstances,
		SuspicionInterval: time.Duration(c.Profiles.SuspicionInterval),
		DumpLimit:         c.Profiles.DumpLimit,
	}
	if c.Profiles.Totals {
		g.monitor.TargetsWithoutSeries = g.finder
	}
	if g.monitor.Ignore, err = ignoreRules(c.Ignore); err != nil {
		return nil, err
	}
	if g.links, err = links.New(c, g.client); err != nil {
		return nil, err
	}
	if g.alerts, err = g.alerting(c, a.externalURL); err != nil {
		return nil, err
	}
	if g.events, err = g.kubernetesEvents(c.Alerting.KubernetesEvents, g.alerts.Render); err != nil {
		return nil, err
	}
	if err := g.setPictures(c, a); err != nil {
		return nil, err
	}
	for _, s := range g.alertmanagers {
		if s.found != nil {
			if err := a.alertmanagers.Check(*s.found); err != nil {
				return nil, err
			}
		}
	}
	return g, nil
}

// client makes an HTTP client with our user agent.
func (g *graph) client(c commoncfg.HTTPClientConfig, name string) (*http.Client, error) {
	client, err := fetch.NewClient(c, name, commoncfg.WithUserAgent("gorowatch/"+cmp.Or(version.Version, "devel")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g.clients = append(g.clients, client)
	return client, nil
}

// closeIdle closes the connections of a graph that is not used any more.
func (g *graph) closeIdle() {
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
}

// targets returns the static targets of the configuration and the settings for those of
// Prometheus. It keeps the sets of service discovery in the graph.
func (g *graph) targets(c config.Config) (static []discovery.Static, rules []discovery.Rule, err error) {
	for i, set := range c.Targets {
		client, err := g.client(set.HTTPClientConfig, fmt.Sprintf("targets[%d]", i))
		if err != nil {
			return nil, nil, err
		}
		access := discovery.Access{
			Scheme: set.Scheme, Path: set.Path, Port: set.Port, Client: client, NoLeakProfile: !set.GoroutineLeak, NoHeapProfile: !set.Heap,
			Name: fmt.Sprintf("targets[%d]", i),
		}
		if len(set.Allow) > 0 {
			if access.Allow, err = config.ParseHosts(set.Allow); err != nil {
				return nil, nil, fmt.Errorf("targets[%d].allow: %w", i, err)
			}
		}
		for _, addr := range set.Static {
			static = append(static, discovery.Static{Address: addr, Labels: labels.FromMap(set.Labels), Access: access})
		}
		if len(set.ServiceDiscovery) > 0 {
			g.sets = append(g.sets, discovery.Set{
				Name: fmt.Sprintf("targets[%d]", i), Configs: set.ServiceDiscovery, Relabel: set.RelabelConfigs, Match: set.Match,
				PodAnnotations: set.PodAnnotations, Limit: set.TargetLimit, Access: access,
			})
		}
		if len(set.Matchers) > 0 {
			ms, err := config.ParseMatchers(set.Matchers)
			if err != nil {
				return nil, nil, fmt.Errorf("targets[%d].matchers: %w", i, err)
			}
			rules = append(rules, discovery.Rule{Matchers: ms, Access: access})
		}
	}
	return static, rules, nil
}

// ignoreRules makes the rules of the section ignore.
func ignoreRules(rules []config.Ignore) (out []lifecycle.IgnoreRule, err error) {
	for i, r := range rules {
		rule := lifecycle.IgnoreRule{Signature: r.Signature, Comment: r.Comment}
		for _, p := range []struct {
			to   **regexp.Regexp
			from string
		}{{&rule.Function, r.Function}, {&rule.Key, r.Key}, {&rule.CreatedBy, r.CreatedBy}} {
			if *p.to, err = config.Pattern(collector.ReadablePattern(p.from)); err != nil {
				return nil, fmt.Errorf("ignore[%d]: %w", i, err)
			}
		}
		if len(r.Matchers) > 0 {
			if rule.Matchers, err = config.ParseMatchers(r.Matchers); err != nil {
				return nil, fmt.Errorf("ignore[%d].matchers: %w", i, err)
			}
		}
		if rule.Until, err = r.Ends(); err != nil {
			return nil, fmt.Errorf("ignore[%d].until: %w", i, err)
		}
		out = append(out, rule)
	}
	return out, nil
}
