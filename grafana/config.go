package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v2"
)

// config is what users of the rules and dashboards may change.
type config struct {
	// Selector selects gorowatch's own series in rules.
	Selector string `yaml:"selector"`
	// ClusterLabel distinguishes the clusters of one Prometheus or Thanos.
	ClusterLabel string `yaml:"cluster_label"`
	// RunbookURL is the prefix of runbooks. The name of the alert in lower case follows.
	RunbookURL string `yaml:"runbook_url"`
	// URL is the default address of gorowatch's pages. The dashboard has a variable for it.
	URL string `yaml:"url"`
	// Labels are added to every alert.
	Labels map[string]string `yaml:"labels"`
	// Tags of the dashboards.
	Tags []string `yaml:"tags"`

	// For is how long a condition must hold before the alert fires.
	For string `yaml:"for"`
	// StaleSeconds is how far the series may be behind.
	StaleSeconds int `yaml:"stale_seconds"`
	// FailedPulls is the share of pulls that may fail for a reason that somebody can fix.
	FailedPulls float64 `yaml:"failed_pulls"`
	// LimitSeconds is the time to a limit below which a leak is critical.
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
