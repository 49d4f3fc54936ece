package e2e

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// A real Consul: a registered service is found, scraped and asked for profiles at the place in
// its metadata; a deregistered one is gone.
func TestConsul(t *testing.T) {
	t.Parallel()
	consul := StartConsul(t, false)
	first := StartScenario(t, "logwriter", "", "--fixed", "--pprof.path=/internal/pprof/")
	second := StartScenario(t, "logwriter", "", "--fixed", "--pprof.path=/internal/pprof/")
	meta := map[string]string{"pprof": "/internal/pprof/", "team": "logs"}
	consul.Register(t, "shop", "shop-1", first.Address, meta)
	consul.Register(t, "other", "other-1", "127.0.0.1:1", nil)
	g := StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: 1s}
trend: {base: 1s}
profiles: {baseline_interval: 1s}
targets:
- consul_sd_configs: [{server: %q, services: [shop], refresh_interval: 1s}]
  relabel_configs:
  - {source_labels: [__meta_consul_service], target_label: job}
  - {source_labels: [__meta_consul_service_metadata_team], target_label: namespace}
  - {source_labels: [__meta_consul_service_metadata_pprof], target_label: __profile_path__}
`, consul.Address), "--storage.tsdb.path="+t.TempDir())
	up := func(n float64) {
		t.Helper()
		Eventually(t, startTime, fmt.Sprintf("%g targets are up", n), func() error {
			if got := g.Metric(t, `gorowatch_targets{state="up"}`); got != n {
				return fmt.Errorf("%g", got)
			}
			return nil
		})
	}
	up(1)
	consul.Register(t, "shop", "shop-2", second.Address, meta)
	up(2)
	for _, target := range g.Targets(t) {
		if target.Labels["job"] != "shop" || target.Labels["namespace"] != "logs" || !strings.HasSuffix(target.URL, "/internal/pprof/goroutine") {
			t.Errorf("%+v", target)
		}
	}
	consul.Deregister(t, "shop-1")
	Eventually(t, startTime, "one is scraped no more", func() error {
		if got := g.Metric(t, "gorowatch_series"); got != 1 {
			return fmt.Errorf("%g series", got)
		}
		return nil
	})
}

// Names of a real name server, which Consul is too: targets by SRV and by A records, and by
// names that change.
func TestDNS(t *testing.T) {
	t.Parallel()
	needNames(t)
	consul := StartConsul(t, true)
	first := StartScenario(t, "logwriter", "", "--fixed")
	second := StartScenario(t, "webrequest", "", "--fixed")
	consul.Register(t, "shop", "shop-1", first.Address, nil)
	_, port, err := net.SplitHostPort(second.Address)
	if err != nil {
		t.Fatal(err)
	}
	consul.Register(t, "web", "web-1", second.Address, nil)
	dir := t.TempDir()
	g := StartGorowatchBy(t, dir, fmt.Sprintf(`
global: {evaluation_interval: 1s}
trend: {base: 1s}
profiles: {baseline_interval: 1s}
targets:
- dns_sd_configs: [{names: [shop.service.consul], refresh_interval: 1s}]
  relabel_configs: [{target_label: job, replacement: srv}]
- dns_sd_configs: [{names: [web.service.consul], type: A, port: %s, refresh_interval: 1s}]
  relabel_configs: [{target_label: job, replacement: a}]
`, port), asking(t, consul.NameServer), "--storage.tsdb.path="+t.TempDir())
	jobs := func(want map[string]int) {
		t.Helper()
		Eventually(t, startTime, fmt.Sprintf("targets up are %v", want), func() error {
			got, targets := map[string]int{}, g.Targets(t)
			for _, target := range targets {
				if target.State == "up" {
					got[target.Labels["job"]]++
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("%v", targets)
			}
			return nil
		})
	}
	jobs(map[string]int{"srv": 1, "a": 1})
	third := StartScenario(t, "logwriter", "", "--fixed")
	consul.Register(t, "shop", "shop-2", third.Address, nil)
	jobs(map[string]int{"srv": 2, "a": 1})
}
