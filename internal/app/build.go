package app

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/discovery"
	"github.com/gorowatch/gorowatch/collector/fetch"
	"github.com/gorowatch/gorowatch/collector/pprof"
	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/monitor"
	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	uiweb "github.com/gorowatch/gorowatch/internal/web"
	"github.com/gorowatch/gorowatch/trend"
)

// history is how far back is read at the start, in base blocks: a week of them at
// the default of a minute, most of which the trend's longest scale sees.
const history = 7 * 24 * 60

// graph is all that a configuration decides, made before anything live changes.
type graph struct {
	config  config.Config
	source  collector.SeriesSource
	scraper *scrape.Scraper // nil with a Prometheus
	puller  profiling.Options
	monitor monitor.Options
	alerts  alerting.Config // but for the Alertmanagers
	links   uiweb.Links
	clients []*http.Client

	finder *discovery.Finder
	// sets are those of service discovery, scraped the static targets that are
	// scraped without a Prometheus.
	sets []discovery.Set
	// alertmanagers are the sets of those.
	alertmanagers []alertmanagerSet
	scraped       []scrape.Target
}

// build makes the graph of a configuration. It connects to nothing, but opens
// the series of our own scraping when they are needed for the first time.
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

	g.puller = profiling.Options{
		Finder: g.finder,
		Fetcher: pprof.New(pprof.Options{
			Timeout: time.Duration(c.Profiles.Timeout),
			Limits:  pprof.Limits{Body: int64(c.Profiles.SizeLimit), Budget: a.decoding},
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
		Trend:             trend.Options{Base: time.Duration(c.Trend.Base)},
		History:           history * time.Duration(c.Trend.Base),
		BaselineInterval:  time.Duration(c.Profiles.BaselineInterval),
		BaselineInstances: c.Profiles.BaselineInstances,
		SuspicionInterval: time.Duration(c.Profiles.SuspicionInterval),
		DumpLimit:         c.Profiles.DumpLimit,
	}
	if g.monitor.Ignore, err = ignoreRules(c.Ignore); err != nil {
		return nil, err
	}
	if g.links, err = pageLinks(c.Links); err != nil {
		return nil, err
	}
	if g.alerts, err = g.alerting(c, a.externalURL); err != nil {
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

// client makes an HTTP client that says who we are.
func (g *graph) client(c commoncfg.HTTPClientConfig, name string) (*http.Client, error) {
	client, err := fetch.NewClient(c, name, commoncfg.WithUserAgent("gorowatch/"+cmp.Or(version.Version, "devel")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g.clients = append(g.clients, client)
	return client, nil
}

// closeIdle lets go of the connections of a graph that is not used any more.
func (g *graph) closeIdle() {
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
}

func (g *graph) prometheus(c config.Config, a *App) (*promapi.Source, error) {
	client, err := g.client(c.Prometheus.HTTPClientConfig, "prometheus")
	if err != nil {
		return nil, err
	}
	for key, cloud := range c.Prometheus.Clouds() {
		if a.o.LogIn == nil {
			return nil, fmt.Errorf("prometheus.%s: this build has no logins of clouds", key)
		}
		if client.Transport, err = a.o.LogIn(key, cloud, client.Transport); err != nil {
			return nil, fmt.Errorf("prometheus.%s: %w", key, err)
		}
	}
	o := promapi.Options{
		URL:         c.Prometheus.URL.URL,
		Client:      client,
		Params:      c.Prometheus.Params,
		Step:        time.Duration(c.Global.EvaluationInterval),
		Timeout:     time.Duration(c.Prometheus.Timeout),
		Selector:    c.Prometheus.Selector,
		Load:        c.Prometheus.Load,
		SeriesLimit: c.Prometheus.SeriesLimit,
		Metrics:     a.promMetrics,

		ReplicaLabels: c.ReplicaLabels(),
	}
	if !a.o.Shard.All() {
		o.Keep = func(instance labels.Labels) bool { return a.owns(c, instance) }
	}
	return promapi.New(o)
}

// owns tells whether the service of an instance belongs to our shard.
func (a *App) owns(c config.Config, instance labels.Labels) bool {
	return a.o.Shard.Owns(labels.NewBuilder(instance).Keep(c.Services.GroupBy...).Labels())
}

// embedded scrapes the targets itself, for where there is no Prometheus.
func (g *graph) embedded(c config.Config, a *App) (*scrape.Scraper, error) {
	if !slices.ContainsFunc(c.Targets, func(set config.TargetSet) bool { return len(set.Static) > 0 }) && len(g.sets) == 0 {
		return nil, errors.New("there is nothing to watch: set --prometheus.url, or prometheus.url or targets in the configuration")
	}
	for _, set := range c.Targets {
		for _, addr := range set.Static {
			client, err := g.client(set.HTTPClientConfig, "metrics of "+addr)
			if err != nil {
				return nil, err
			}
			b := labels.NewBuilder(labels.FromMap(set.Labels))
			if set.Labels["instance"] == "" {
				b.Set("instance", addr)
			}
			if !a.owns(c, b.Labels()) {
				continue
			}
			g.scraped = append(g.scraped, scrape.Target{
				Labels: b.Labels(),
				URL:    &url.URL{Scheme: cmp.Or(set.Scheme, "http"), Host: addr, Path: set.MetricsPath},
				Client: client,
			})
		}
	}
	store, err := a.seriesStore()
	if err != nil {
		return nil, err
	}
	return scrape.New(scrape.Options{
		Targets:  g.scraped,
		Store:    store,
		Interval: min(time.Duration(c.Global.EvaluationInterval), 15*time.Second),
		Logger:   a.logger.With("component", "scrape"),
		Metrics:  a.scrapeMetrics,
	})
}

// rescrape tells the embedded scraping, if there is one, what service discovery
// has found.
func (a *App) rescrape() {
	g := a.graph.Load()
	if g.scraper == nil || len(g.sets) == 0 {
		return
	}
	targets := slices.Clone(g.scraped)
	for _, e := range a.watcher.Endpoints(time.Now()) {
		if e.Err != nil {
			continue
		}
		ls := e.Labels
		if !ls.Has("job") && e.Job != "" {
			ls = labels.NewBuilder(ls).Set("job", e.Job).Labels()
		}
		if a.owns(g.config, ls) {
			targets = append(targets, scrape.Target{Labels: ls, URL: e.Metrics, Client: e.Client()})
		}
	}
	if err := g.scraper.Set(targets); err != nil {
		a.logger.Error("The found targets cannot be scraped", "err", err)
	}
}

// targets are those of the configuration: static ones, settings for those of
// Prometheus, and the sets of service discovery, which stay with the graph.
func (g *graph) targets(c config.Config) (static []discovery.Static, rules []discovery.Rule, err error) {
	for i, set := range c.Targets {
		client, err := g.client(set.HTTPClientConfig, fmt.Sprintf("targets[%d]", i))
		if err != nil {
			return nil, nil, err
		}
		access := discovery.Access{
			Scheme: set.Scheme, Path: set.Path, Port: set.Port, Client: client, NoLeakProfile: !set.GoroutineLeak,
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

func ignoreRules(rules []config.Ignore) (out []leak.Ignore, err error) {
	for i, r := range rules {
		rule := leak.Ignore{Signature: r.Signature, Comment: r.Comment}
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
