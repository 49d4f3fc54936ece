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

// unmendable matches the results of a pull that nobody needs to fix.
const unmendable = "ok|budget|canceled|gone|no_consent|rate_limited|slow|back_off|set_aside"

// harmless matches the reasons for dropping a pushed profile that nobody needs to fix.
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
				"Prometheus has scraped no gorowatch for 5 minutes. Goroutine leaks are not detected."),
			c.alert("GorowatchShardDown", "critical",
				s(`max by (CLUSTER, namespace, job) (gorowatch_shards{SELECTOR})
-
count by (CLUSTER, namespace, job) (count_values by (CLUSTER, namespace, job) ("shard", gorowatch_shard{SELECTOR}))
> 0`), "5m",
				"Shards of gorowatch that are down: {{ $value }}",
				"Prometheus has scraped no instance of these shards for 5 minutes. Their services are not watched."),
			c.alert("GorowatchInstanceDown", "warning",
				s(`up{SELECTOR} == 0
and on (CLUSTER, namespace, job)
max by (CLUSTER, namespace, job) (up{SELECTOR}) == 1`), c.For,
				"gorowatch {{ $labels.instance }} is down",
				"Prometheus cannot scrape {{ $labels.instance }}, while others of the job are up. If no replica of its shard is up, its services are not watched."),
			c.alert("GorowatchNotEvaluating", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (increase(gorowatch_evaluations_total{SELECTOR,result="ok"}[10m])) == 0`), c.For,
				"gorowatch does not evaluate",
				"{{ $labels.instance }} has finished no evaluation for a while: Prometheus does not answer, or gorowatch hangs. New leaks are not detected."),
			c.alert("GorowatchBackfillStuck", "warning",
				s(fmt.Sprintf("gorowatch_series_lag_seconds{SELECTOR} > %d\nand\nderiv(gorowatch_series_lag_seconds{SELECTOR}[10m]) >= 0", c.StaleSeconds)), c.For,
				"gorowatch is behind and does not catch up",
				"{{ $labels.instance }} is {{ $value | humanizeDuration }} behind, and the lag does not shrink. Alerts come late by as much."),
			c.alert("GorowatchTargetsUnreachable", "warning",
				s(fmt.Sprintf(`sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"%s"}[1h]))
/
sum by (CLUSTER, namespace, job) (rate(gorowatch_profile_pulls_total{SELECTOR,result!~"budget|canceled|gone|no_consent|slow|back_off|set_aside"}[1h]))
> %g`, unmendable, c.FailedPulls)), c.For,
				"{{ $value | humanizePercentage }} of the profiles cannot be pulled",
				"Alerts for these targets do not name the line. The page Targets shows the problem of each."),
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
				"Alerts for these instances come late, or do not name the line. gorowatch_push_dropped_total counts the reasons, and gorowatch answers each sender with one."),
			c.alert("GorowatchNotificationsFailing", "critical",
				s(`sum by (CLUSTER, namespace, job, instance, alertmanager) (rate(gorowatch_alerting_errors_total{SELECTOR}[5m])) > 0
and on (CLUSTER, namespace, job, instance, alertmanager)
sum by (CLUSTER, namespace, job, instance, alertmanager) (increase(gorowatch_alerting_sent_total{SELECTOR}[15m])) == 0`), c.For,
				"Alertmanager {{ $labels.alertmanager }} accepts no alerts from gorowatch",
				"{{ $labels.instance }} has delivered no alert for 15 minutes: nobody learns of new leaks through this Alertmanager."),
			c.alert("GorowatchWebhookFailing", "critical",
				s(`sum by (CLUSTER, namespace, job, instance, webhook) (rate(gorowatch_alerting_webhook_messages_total{SELECTOR,result!="ok"}[5m])) > 0
and on (CLUSTER, namespace, job, instance, webhook)
sum by (CLUSTER, namespace, job, instance, webhook) (increase(gorowatch_alerting_webhook_messages_total{SELECTOR,result="ok"}[15m])) == 0`), c.For,
				"The webhook {{ $labels.webhook }} accepts no messages from gorowatch",
				"{{ $labels.instance }} has delivered no message for 15 minutes: nobody learns of new leaks through this webhook."),
			c.alert("GorowatchAlertsDropped", "warning",
				s(`sum by (CLUSTER, namespace, job, instance, alertmanager, reason) (increase(gorowatch_alerting_dropped_total{SELECTOR}[15m])) > 0`), "",
				"gorowatch has dropped alerts ({{ $labels.reason }})",
				"{{ $labels.instance }} dropped {{ $value | humanize }} alerts to {{ $labels.alertmanager }}. Alerts that still fire are sent again."),
			c.alert("GorowatchBucketFailing", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (rate(gorowatch_archive_operations_total{SELECTOR,result="error"}[5m])) > 0`), c.For,
				"gorowatch cannot use its bucket",
				"{{ $labels.instance }} still watches and alerts, but it loses profiles. A restart would lose the open leaks."),
			c.alert("GorowatchSeriesLimit", "warning",
				s(`sum by (CLUSTER, namespace, job, instance) (increase(gorowatch_prometheus_dropped_total{SELECTOR,reason="series_limit"}[15m])) > 0`), c.For,
				"gorowatch does not watch all instances",
				"There are more instances than prometheus.series_limit of {{ $labels.instance }} allows. The others are not watched."),
			c.alert("GorowatchDiscoveryFailing", "warning",
				s(`gorowatch_discovery_problems{SELECTOR} > 0`), c.For,
				"gorowatch's service discovery fails",
				"{{ $labels.instance }} cannot discover targets, for example because it may not list pods. Its page Status shows the problem."),
			c.alert("GorowatchConfigReloadFailed", "warning",
				s(`max_over_time(gorowatch_config_last_reload_successful{SELECTOR}[5m]) == 0`), "10m",
				"gorowatch runs on an old configuration",
				"The last reload of {{ $labels.instance }} failed. Its log lists the mistakes in the file."),
		}},
	}
}

// leakRules alert on the leaks that gorowatch finds, for those who let Prometheus send the
// alerts.
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
