package main

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gorowatch/gorowatch/collector/promapi"
	"github.com/gorowatch/gorowatch/internal/config"
)

// settings returns those of the configuration file, overridden by flags.
func (f *scanFlags) settings() (config.Config, error) {
	c := config.Default()
	var err error
	if *f.config != "" {
		if c, err = config.LoadFile(*f.config); err != nil {
			return c, err
		}
	}
	p := &c.Prometheus
	if *f.httpConfig != "" {
		conf, err := httpConfig(*f.httpConfig)
		if err != nil {
			return c, err
		}
		p.HTTPClientConfig, p.SigV4, p.GoogleIAM, p.AzureAD = *conf, nil, nil, nil
	}
	if *f.prometheus != "" {
		if p.URL.URL, err = prometheusURL(*f.prometheus); err != nil {
			return c, err
		}
	}
	p.Selector = cmp.Or(*f.selector, p.Selector)
	if *f.load != "" {
		p.Load = *f.load
		if _, err := p.Signals(); err != nil {
			return c, fmt.Errorf("--load: %w", err)
		}
	}
	if f.grouped {
		c.Services.GroupBy = *f.groupBy
	}
	if f.replicated {
		p.ReplicaLabels = slices.DeleteFunc(slices.Clone(*f.replicaLabels), func(name string) bool { return name == "" })
		for _, name := range p.ReplicaLabels {
			if err := config.ReplicaLabel(name); err != nil {
				return c, fmt.Errorf("--replica-label: %w", err)
			}
		}
	}
	return c, nil
}

// prometheusURL reads --prometheus.url.
func prometheusURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		if at := strings.LastIndexByte(s, '@'); at >= 0 { // a password may come before it
			s = "…" + s[at:]
		}
		return nil, fmt.Errorf("--prometheus.url: %q is not an address, expected http://host:port or https://host:port", s)
	}
	return u, nil
}

// openPrometheus makes a source that reads a Prometheus. It does not connect.
func (f *scanFlags) openPrometheus(c config.Config, step time.Duration) (*promapi.Source, error) {
	p := c.Prometheus
	if p.Selector != "" {
		if _, err := config.ParseSelector(p.Selector); err != nil {
			return nil, fmt.Errorf(`--selector: %q: %w, expected a selector without metric name, e.g. {namespace="prod"}`, p.Selector, err)
		}
	}
	client, err := clientOf(p.HTTPClientConfig, "prometheus")
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	for key, cloud := range p.Clouds() {
		if client.Transport, err = logIn(key, cloud, client.Transport); err != nil {
			return nil, fmt.Errorf("prometheus.%s: %w", key, err)
		}
	}
	set, err := p.Signals()
	if err != nil {
		return nil, fmt.Errorf("prometheus.series: %w", err)
	}
	return promapi.New(promapi.Options{
		URL: p.URL.URL, Client: client, Params: p.Params, Step: step, Timeout: *f.timeout, Selector: p.Selector, Signals: set,
		SeriesLimit: p.SeriesLimit, ReplicaLabels: c.ReplicaLabels(), Metrics: promapi.NewMetrics(prometheus.NewRegistry()),
	})
}
