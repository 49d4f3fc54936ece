package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v2"
)

// config is what differs between those who use the rules and dashboards.
type config struct {
	// Selector selects gorowatch's own series in rules.
	Selector string `yaml:"selector"`
	// ClusterLabel tells the clusters of one Prometheus, or Thanos, apart.
	ClusterLabel string `yaml:"cluster_label"`
	// RunbookURL is what the name of an alert in lower case is added to.
	RunbookURL string `yaml:"runbook_url"`
	// URL is where the dashboards think that gorowatch's pages are, until
	// somebody says otherwise in the dashboard.
	URL string `yaml:"url"`
	// Labels are added to every alert.
	Labels map[string]string `yaml:"labels"`
	// Tags of the dashboards.
	Tags []string `yaml:"tags"`

	// For is how long a condition holds before it is told.
	For string `yaml:"for"`
	// StaleSeconds is how far behind the series may be.
	StaleSeconds int `yaml:"stale_seconds"`
	// FailedPulls is the share of pulls that may fail for a reason that
	// somebody could mend.
	FailedPulls float64 `yaml:"failed_pulls"`
	// LimitSeconds is the time to its limit at which a leak is critical.
	LimitSeconds int `yaml:"limit_seconds"`
}

func loadConfig(file string) (config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return config{}, err
	}
	var c config
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w", file, err)
	}
	if c.Selector == "" || c.ClusterLabel == "" || c.For == "" || !strings.Contains(c.RunbookURL, "://") {
		return c, errors.New(file + ": selector, cluster_label, for and runbook_url have to be set")
	}
	return c, nil
}
