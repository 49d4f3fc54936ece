package main

import (
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v2"
)

// group and rule are Prometheus' rule file, in its order.
type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record,omitempty"`
	Alert       string            `yaml:"alert,omitempty"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels,omitempty"`
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// alert makes an alerting rule with its runbook.
func (c config) alert(name, severity, expr, wait, summary, description string) rule {
	labels := map[string]string{"severity": severity}
	maps.Copy(labels, c.Labels)
	return rule{
		Alert: name, Expr: expr, For: wait, Labels: labels,
		Annotations: map[string]string{
			"summary":     summary,
			"description": description,
			"runbook_url": c.RunbookURL + strings.ToLower(name) + ".md",
		},
	}
}

// unmendable are results of a pull that are no fault of anybody's.
const unmendable = "ok|budget|canceled|gone|no_consent|rate_limited|slow|back_off|set_aside"

// harmless are reasons why a pushed profile is dropped that are no fault of anybody's.
const harmless = "other_kind|relabel|replayed|out_of_order|not_ready|canceled"

// selfRules are about gorowatch itself.
func selfRules(c config) []group {
	// s fills in the selector: once alone, and once before further matchers.
	s := func(expr string) string {
		return strings.NewReplacer("{SELECTOR}", "{"+c.Selector+"}", "SELECTOR", c.Selector, "CLUSTER", c.ClusterLabel).Replace(expr)
	}
	return []group{
		{Name: "gorowatch.rules", Rules: []rule{
			{
				Record: "instance:gorowatch_evaluation_failures:ratio_rate15m",
				Expr: s(`sum by (CLUSTER, namespace, job, instance) (rate(gorowatch_evaluations_total{SELECTOR,result!="ok"}[15m]))
/
sum by (CLUSTER, namespace, job, instance) (rate(gorowatch_evaluations_total{SELECTOR}[15m]))`),
			},
			{
				Record: "job:gorowatch_profile_pull_failures:ratio_rate1h",
				Expr: s(`sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"` + unmendable + `"}[1h]))
/
sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"budget|canceled|gone|no_consent|slow|back_off|set_aside"}[1h]))`),
			},
		}},
		{Name: "gorowatch", Rules: []rule{
			c.alert("GorowatchDown", "critical",
				s(`absent(up{SELECTOR} == 1)`), "5m",
				"No gorowatch is up",
				"Prometheus has scraped no gorowatch for five minutes: nobody watches for goroutine leaks."),
			c.alert("GorowatchShardDown", "critical",
				s(`max by (CLUSTER, namespace, job) (gorowatch_shards{SELECTOR})
-
count by (CLUSTER, namespace, job) (count_values by (CLUSTER, namespace, job) ("shard", gorowatch_shard{SELECTOR}))
> 0`), "5m",
				"Shards of gorowatch that are down: {{ $value }}",
				"Prometheus has scraped no instance of them for five minutes: nobody watches their services for goroutine leaks."),
			c.alert("GorowatchInstanceDown", "warning",
				s(`up{SELECTOR} == 0
and on (CLUSTER, namespace, job)
max by (CLUSTER, namespace, job) (up{SELECTOR}) == 1`), c.For,
				"gorowatch {{ $labels.instance }} is down",
				"Prometheus cannot scrape {{ $labels.instance }}, while others of the job are up. If no replica of its shard is up, its services are not watched."),
			c.alert("GorowatchNotEvaluating", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (increase(gorowatch_evaluations_total{SELECTOR,result="ok"}[10m])) == 0`), c.For,
				"gorowatch does not evaluate",
				"{{ $labels.instance }} has judged nothing for a while: Prometheus does not answer it, or it hangs. Leaks that begin now are not seen."),
			c.alert("GorowatchBackfillStuck", "warning",
				s(fmt.Sprintf("gorowatch_series_lag_seconds{SELECTOR} > %d\nand\nderiv(gorowatch_series_lag_seconds{SELECTOR}[10m]) >= 0", c.StaleSeconds)), c.For,
				"gorowatch does not catch up with the series",
				"{{ $labels.instance }} is {{ $value | humanizeDuration }} behind and does not come closer: it judges the past."),
			c.alert("GorowatchTargetsUnreachable", "warning",
				s(fmt.Sprintf(`sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"%s"}[1h]))
/
sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"budget|canceled|gone|no_consent|slow|back_off|set_aside"}[1h]))
> %g`, unmendable, c.FailedPulls)), c.For,
				"{{ $value | humanizePercentage }} of the profiles cannot be pulled",
				"Leaks of those targets are told without a line. The page Targets says why of each."),
			c.alert("GorowatchPushesDropped", "warning",
				s(fmt.Sprintf(`sum by (CLUSTER, namespace, job) (rate(gorowatch_push_dropped_total{SELECTOR,reason!~"%[1]s"}[1h]))
/
(
  sum by (CLUSTER, namespace, job) (rate(gorowatch_push_dropped_total{SELECTOR,reason!~"%[1]s"}[1h]))
  +
  sum by (CLUSTER, namespace, job) (rate(gorowatch_push_profiles_total{SELECTOR}[1h]))
)
> %[2]g`, harmless, c.FailedPulls)), c.For,
				"{{ $value | humanizePercentage }} of the pushed profiles are dropped",
				"Leaks of those instances are told without a line, or later. gorowatch_push_dropped_total says why, and gorowatch answers each sender with the reason."),
			c.alert("GorowatchNotificationsFailing", "critical",
				s(`sum by (CLUSTER, namespace, job, instance, alertmanager) (rate(gorowatch_alerting_errors_total{SELECTOR}[5m])) > 0
and on (CLUSTER, namespace, job, instance, alertmanager)
sum by (CLUSTER, namespace, job, instance, alertmanager) (increase(gorowatch_alerting_sent_total{SELECTOR}[15m])) == 0`), c.For,
				"Alertmanager {{ $labels.alertmanager }} takes no alerts from gorowatch",
				"{{ $labels.instance }} has got no alert through for a quarter of an hour: nobody is told of leaks by this way."),
			c.alert("GorowatchWebhookFailing", "critical",
				s(`sum by (CLUSTER, namespace, job, instance, webhook) (rate(gorowatch_alerting_webhook_messages_total{SELECTOR,result!="ok"}[5m])) > 0
and on (CLUSTER, namespace, job, instance, webhook)
sum by (CLUSTER, namespace, job, instance, webhook) (increase(gorowatch_alerting_webhook_messages_total{SELECTOR,result="ok"}[15m])) == 0`), c.For,
				"The webhook {{ $labels.webhook }} takes no messages from gorowatch",
				"{{ $labels.instance }} has got no message through for a quarter of an hour: nobody is told of leaks by this way."),
			c.alert("GorowatchAlertsDropped", "warning",
				s(`sum by (CLUSTER, namespace, job, instance, alertmanager, reason) (increase(gorowatch_alerting_dropped_total{SELECTOR}[15m])) > 0`), "",
				"gorowatch has dropped alerts ({{ $labels.reason }})",
				"{{ $labels.instance }} gave up {{ $value | humanize }} alerts to {{ $labels.alertmanager }}. What still fires is sent again."),
			c.alert("GorowatchBucketFailing", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (rate(gorowatch_archive_operations_total{SELECTOR,result="error"}[5m])) > 0`), c.For,
				"gorowatch cannot use its bucket",
				"{{ $labels.instance }} goes on watching and alerting, but profiles get lost, and with a restart the open leaks."),
			c.alert("GorowatchSeriesLimit", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (increase(gorowatch_prometheus_dropped_total{SELECTOR,reason="series_limit"}[15m])) > 0`), c.For,
				"gorowatch does not watch all instances",
				"There are more instances than prometheus.series_limit allows {{ $labels.instance }}; what is left out is not watched."),
			c.alert("GorowatchDiscoveryFailing", "warning",
				s(`gorowatch_discovery_problems{SELECTOR} > 0`), c.For,
				"gorowatch's service discovery does not work",
				"{{ $labels.instance }} cannot look for targets, such as pods for lack of a right. Its page Status says what is wrong."),
			c.alert("GorowatchConfigReloadFailed", "warning",
				s(`max_over_time(gorowatch_config_last_reload_successful{SELECTOR}[5m]) == 0`), "10m",
				"gorowatch runs on an old configuration",
				"The last reload of {{ $labels.instance }} has failed; its log says what is wrong with the file."),
		}},
	}
}

// leakRules are about the leaks that gorowatch finds, for those who let
// Prometheus tell of them.
func leakRules(c config) []group {
	by := "by (" + c.ClusterLabel + ", namespace, job, leak)"
	return []group{
		{Name: "gorowatch.leaks.rules", Rules: []rule{
			{Record: "leak:gorowatch_leak_goroutines:max", Expr: "max " + by + " (gorowatch_leak_goroutines)"},
			{Record: "leak:gorowatch_leak_growth_per_hour:max", Expr: "max " + by + " (gorowatch_leak_growth_per_hour)"},
		}},
		{Name: "gorowatch.leaks", Rules: []rule{
			c.alert("GoroutineLeakOpen", "warning",
				"max "+by+" (gorowatch_leak_goroutines) > 0", "",
				"{{ $labels.namespace }}/{{ $labels.job }} leaks goroutines",
				"{{ $value | humanize }} goroutines have leaked. gorowatch's page of leak {{ $labels.leak }} has the line."),
			c.alert("GoroutineLeakNearLimit", "critical",
				fmt.Sprintf("min %s (gorowatch_leak_time_to_limit_seconds) < %d", by, c.LimitSeconds), "",
				"{{ $labels.namespace }}/{{ $labels.job }} reaches its limit in {{ $value | humanizeDuration }}",
				"At the present rate leak {{ $labels.leak }} takes an instance to its limit of goroutines or memory."),
		}},
	}
}

func rulesYAML(groups []group) ([]byte, error) {
	text, err := yaml.Marshal(map[string][]group{"groups": groups})
	return append([]byte("# Written by ../main.go from mixin.yml. Do not edit.\n"), text...), err
}
