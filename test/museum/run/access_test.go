package main

import (
	"testing"

	"go.yaml.in/yaml/v3"
)

// Prometheus is told where the metrics of a server are that has them elsewhere.
func TestScrapeConfig(t *testing.T) {
	plain := Shown{Case: Case{Name: "shop"}, Kind: "twin", Addr: "127.0.0.1:80"}
	other := plain
	other.metrics = "/v1/metrics?format=prometheus"
	var scrapes []struct {
		JobName     string `yaml:"job_name"`
		MetricsPath string `yaml:"metrics_path"`
		Params      map[string][]string
	}
	if err := yaml.Unmarshal([]byte(plain.scrapeConfig()+other.scrapeConfig()), &scrapes); err != nil {
		t.Fatal(err)
	}
	if s := scrapes[0]; s.JobName != "shop-twin" || s.MetricsPath != "/metrics" || len(s.Params) != 0 {
		t.Errorf("%+v", s)
	}
	if s := scrapes[1]; s.MetricsPath != "/v1/metrics" || s.Params["format"][0] != "prometheus" {
		t.Errorf("%+v", s)
	}
}
