package app

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/collector/scrape"
	"github.com/gorowatch/gorowatch/internal/config"
)

// prometheus makes the source that reads from a Prometheus.
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
	set, err := c.Prometheus.Signals()
	if err != nil {
		return nil, fmt.Errorf("prometheus.series: %w", err)
	}
	o := promapi.Options{
		URL:         c.Prometheus.URL.URL,
		Client:      client,
		Params:      c.Prometheus.Params,
		Step:        time.Duration(c.Global.EvaluationInterval),
		Timeout:     time.Duration(c.Prometheus.Timeout),
		Selector:    c.Prometheus.Selector,
		Signals:     set,
		SeriesLimit: c.Prometheus.SeriesLimit,
		Metrics:     a.promMetrics,

		ReplicaLabels: c.ReplicaLabels(),
	}
	if !a.o.Shard.All() {
		o.Share = &promapi.Share{GroupBy: c.Services.GroupBy, Owns: a.o.Shard.Owns, Shares: a.o.Shard.Count()}
	}
	return promapi.New(o)
}

// owns reports whether the service of an instance belongs to our shard.
func (a *App) owns(c config.Config, instance labels.Labels) bool {
	return a.o.Shard.Owns(labels.NewBuilder(instance).Keep(c.Services.GroupBy...).Labels())
}

// embedded makes the source that scrapes the targets itself, which needs no Prometheus.
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
	set, err := c.Prometheus.Signals()
	if err != nil {
		return nil, fmt.Errorf("prometheus.series: %w", err)
	}
	if err := set.CheckNames(); err != nil {
		return nil, fmt.Errorf("prometheus.series: %w", err)
	}
	store, err := a.seriesStore()
	if err != nil {
		return nil, err
	}
	return scrape.New(scrape.Options{
		Targets:  g.scraped,
		Store:    store,
		Signals:  set,
		Interval: min(time.Duration(c.Global.EvaluationInterval), 15*time.Second),
		Logger:   a.logger.With("component", "scrape"),
		Metrics:  a.scrapeMetrics,
	})
}

// updateScrapeTargets gives the targets from service discovery to the embedded scraping,
// if there is one.
func (a *App) updateScrapeTargets() {
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
		a.logger.Error("Cannot scrape the discovered targets", "err", err)
	}
}
