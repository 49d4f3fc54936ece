package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// url returns the URL of a path of the program.
func (s Shown) url(path string) string { return cmp.Or(s.scheme, "http") + "://" + s.Addr + path }

// get reads the answer of the program for a path.
func (s Shown) get(path string) ([]byte, error) { return get(s.url(path)) }

// scraped returns the program's metrics.
func (s Shown) scraped() ([]byte, error) { return s.get(s.metricsPath()) }

func (s Shown) metricsPath() string {
	if s.metrics == "" {
		return "/metrics"
	}
	return s.metrics
}

// scrapeConfig is the entry of Prometheus' scrape_configs.
func (s Shown) scrapeConfig() string {
	path, query, _ := strings.Cut(s.metricsPath(), "?")
	text := fmt.Sprintf("- {job_name: %q, scheme: %s, metrics_path: %q, static_configs: [{targets: [%q], labels: {namespace: museum}}]",
		s.job(), cmp.Or(s.scheme, "http"), path, s.Addr)
	if values, err := url.ParseQuery(query); err == nil && len(values) > 0 {
		text += ", params: {"
		separator := ""
		for name := range values {
			text += fmt.Sprintf("%s%s: [%q]", separator, name, values.Get(name))
			separator = ", "
		}
		text += "}"
	}
	return text + "}\n"
}
