package main

import "strings"

// in fills in the selector of the variables, before further matchers, and the
// label of the cluster.
func (c config) in(expr string) string {
	return strings.NewReplacer(
		"{SERVICES}", "{"+c.ClusterLabel+`=~"$cluster",namespace=~"$namespace",job=~"$job"}`,
		"SERVICES", c.ClusterLabel+`=~"$cluster",namespace=~"$namespace",job=~"$job"`,
		"{OWN}", "{"+c.ClusterLabel+`=~"$cluster",namespace=~"$namespace",job=~"$job",instance=~"$instance"}`,
		"OWN", c.ClusterLabel+`=~"$cluster",namespace=~"$namespace",job=~"$job",instance=~"$instance"`,
		"LEAK", c.ClusterLabel+", namespace, job, leak",
		"SERVICE", c.ClusterLabel+", namespace, job",
	).Replace(expr)
}

// by adds the choices of cluster, namespace and job among the labels of a series.
func (b board) by(c config, series string, several bool) board {
	b = b.variable("cluster", "Cluster", "label_values("+series+", "+c.ClusterLabel+")", true)
	in := c.ClusterLabel + `=~"$cluster"`
	b = b.variable("namespace", "Namespace", "label_values("+series+"{"+in+"}, namespace)", several)
	return b.variable("job", "Job", "label_values("+series+"{"+in+`,namespace=~"$namespace"}, job)`, several)
}

// fleet returns the first dashboard to open: what leaks anywhere?
func fleet(c config) board {
	b := newBoard(c, "gorowatch-fleet", "Goroutine leaks, fleet",
		"The open leaks of all services that gorowatch watches. Needs honor_labels in the scrape of gorowatch.").
		by(c, "go_goroutines", true).pages(c)
	b.row("Now")
	b.number("Open leaks", "Leaks that fire, each once, however many replicas of gorowatch say so.", "short",
		c.in(`count(max by (LEAK) (gorowatch_leak_goroutines{SERVICES})) or vector(0)`))
	b.number("Leaked goroutines", "What the open leaks hold together.", "short",
		c.in(`sum(max by (LEAK) (gorowatch_leak_goroutines{SERVICES})) or vector(0)`))
	b.number("Growth", "Leaked goroutines an hour, over all open leaks.", "short",
		c.in(`sum(max by (LEAK) (gorowatch_leak_growth_per_hour{SERVICES})) or vector(0)`))
	b.number("Goroutines", "All that run, in all services chosen.", "short", c.in(`sum(go_goroutines{SERVICES})`))
	b.list("Leaks", "Each open leak with the line where most of its goroutines are. The leak links to its page, the job to the dashboard of its service.",
		[]fieldLink{leakPage, serviceBoard(c)},
		leakColumns(c, column{"Time left", "s", c.in(`min by (LEAK) (gorowatch_leak_time_to_limit_seconds{SERVICES})`)})...)
	b.row("Over time")
	b.graph("Leaked goroutines", "By leak.", "short",
		query{c.in(`max by (LEAK) (gorowatch_leak_goroutines{SERVICES})`), "{{namespace}}/{{job}} {{leak}}"})
	b.graph("Most goroutines", "The ten services with the most; many goroutines are no leak.", "short",
		query{c.in(`topk(10, sum by (SERVICE) (go_goroutines{SERVICES}))`), "{{namespace}}/{{job}}"})
	b.graph("Services by verdict", "What gorowatch thinks of the services; the sum over its shards.", "short",
		query{`sum by (verdict) (gorowatch_services)`, "{{verdict}}"})
	b.marks = onsets(c)
	return b
}

// service shows one service: does it leak, since when, and what changed then?
func service(c config) board {
	b := newBoard(c, "gorowatch-service", "Goroutine leaks, service",
		"The goroutines of one service: counts, floor, growth, leaks, with onsets and restarts marked. Needs honor_labels in the scrape of gorowatch.").
		by(c, "go_goroutines", false).pages(c)
	b.row("Leaks")
	b.number("Leaked goroutines", "What the open leaks of this service hold.", "short",
		c.in(`sum(max by (LEAK) (gorowatch_leak_goroutines{SERVICES})) or vector(0)`))
	b.number("Growth", "Leaked goroutines an hour.", "short",
		c.in(`sum(max by (LEAK) (gorowatch_leak_growth_per_hour{SERVICES})) or vector(0)`))
	b.number("Time left", "Until an instance reaches its limit, at the present rate; empty where there is no limit.", "s",
		c.in(`min(gorowatch_leak_time_to_limit_seconds{SERVICES})`))
	b.number("Instances", "That Prometheus scrapes.", "short", c.in(`count(go_goroutines{SERVICES})`))
	b.list("Open leaks", "Each open leak with the line where most of its goroutines are. The leak links to its page.",
		[]fieldLink{leakPage},
		leakColumns(c)...)
	b.row("Goroutines")
	b.wide("Count", "By instance.", "short", query{c.in(`go_goroutines{SERVICES}`), "{{instance}}"})
	b.graph("Floor", "The least of five minutes: traffic comes back down to it, a leak lifts it.", "short",
		query{c.in(`min_over_time(go_goroutines{SERVICES}[5m])`), "{{instance}}"})
	b.graph("Growth of the floor", "Per hour, summed over the instances.", "short",
		query{c.in(`sum(deriv(min_over_time(go_goroutines{SERVICES}[5m])[1h:])) * 3600`), "floor"},
		query{c.in(`sum(max by (LEAK) (gorowatch_leak_growth_per_hour{SERVICES}))`), "leaks"})
	b.graph("Leaks", "Goroutines of each leak, on all instances.", "short",
		query{c.in(`max by (LEAK) (gorowatch_leak_goroutines{SERVICES})`), "{{leak}}"})
	b.wide("Leaking stacks", "Goroutines in the three stacks of each leak that grow the most, from profile to profile of the instance that shows it best.", "short",
		query{c.in(`max by (LEAK, stack) (gorowatch_leak_stack_goroutines{SERVICES})`), "{{stack}} ({{leak}})"})
	b.row("Beside it")
	b.graph("Work", "CPU seconds a second, by instance: growth that follows it is no leak.", "short",
		query{c.in(`rate(process_cpu_seconds_total{SERVICES}[$__rate_interval])`), "{{instance}}"})
	b.graph("Memory of stacks", "Every goroutine has at least 2 KiB.", "bytes",
		query{c.in(`go_memstats_stack_inuse_bytes{SERVICES}`), "{{instance}}"})
	b.graph("Age of the process", "It falls to nothing at a restart, and leaks with it.", "s",
		query{c.in(`time() - process_start_time_seconds{SERVICES}`), "{{instance}}"})
	b.marks = append(onsets(c), mark{
		Name: "Starts", IconColor: "blue",
		Expr:        c.in(`process_start_time_seconds{SERVICES} * 1000`),
		TitleFormat: "Started", TextFormat: "{{instance}}",
	})
	return b
}

// leakPage links a leak to its page.
var leakPage = fieldLink{"leak", "The page of this leak", "${gorowatch}/leaks/${__value.raw}"}

// serviceBoard links a job to the dashboard of its service.
func serviceBoard(c config) fieldLink {
	return fieldLink{"job", "The dashboard of this service", "/d/gorowatch-service?var-cluster=${__data.fields." + c.ClusterLabel + "}&var-namespace=${__data.fields.namespace}&var-job=${__value.raw}&${__url_time_range}"}
}

// leakColumns returns the columns of a list of leaks. The last query adds the field "stack": the
// function and line where most goroutines of the leak are.
func leakColumns(c config, more ...column) []column {
	return append([]column{
		{"Leaked", "short", c.in(`max by (LEAK) (gorowatch_leak_goroutines{SERVICES})`)},
		{"Per hour", "short", c.in(`max by (LEAK) (gorowatch_leak_growth_per_hour{SERVICES})`)},
		{"Since", "dateTimeFromNow", c.in(`max by (LEAK) (gorowatch_leak_onset_timestamp_seconds{SERVICES}) * 1000`)},
		{"Instances", "short", c.in(`max by (LEAK) (gorowatch_leak_instances{SERVICES})`)},
		{"Evidence", "evidence", c.in(`max by (LEAK) (gorowatch_leak_evidence{SERVICES})`)},
		{"In the stack", "short", c.in(`topk by (LEAK) (1, max by (LEAK, stack) (gorowatch_leak_stack_goroutines{SERVICES}))`)},
	}, more...)
}

// onsets mark where leaks began.
func onsets(c config) []mark {
	return []mark{{
		Name: "Onsets", IconColor: "red",
		Expr:        c.in(`max by (LEAK) (gorowatch_leak_onset_timestamp_seconds{SERVICES}) * 1000`),
		TitleFormat: "A leak began", TextFormat: "{{namespace}}/{{job}} {{leak}}",
	}}
}

// self shows gorowatch itself: does it read series, and do its alerts arrive?
func self(c config) board {
	b := newBoard(c, "gorowatch-self", "gorowatch itself",
		"Whether gorowatch evaluates, reaches its targets, keeps its profiles and gets its alerts through; what it costs.").
		by(c, "gorowatch_build_info", true)
	b = b.variable("instance", "Instance", c.in(`label_values(gorowatch_build_info{SERVICES}, instance)`), true)
	b.row("Does it see?")
	b.number("Up", "Instances of gorowatch that Prometheus scrapes.", "short", c.in(`count(gorowatch_build_info{OWN})`))
	b.number("Watched", "Instances with samples in the last evaluation.", "short", c.in(`sum(gorowatch_series{OWN})`))
	b.number("Behind", "How far reading series is behind the latest evaluation.", "s", c.in(`max(gorowatch_series_lag_seconds{OWN})`))
	b.number("Leaks firing", "Summed over the instances: replicas say the same leak twice.", "short", c.in(`sum(gorowatch_leaks_firing{OWN})`))
	b.graph("Evaluations", "A second, by result.", "ops",
		query{c.in(`sum by (result) (rate(gorowatch_evaluations_total{OWN}[$__rate_interval]))`), "{{result}}"})
	b.graph("Time of an evaluation", "Reading series included.", "s",
		query{c.in(`histogram_quantile(0.99, sum by (le) (rate(gorowatch_evaluation_duration_seconds_bucket{OWN}[$__rate_interval])))`), "99 %"},
		query{c.in(`histogram_quantile(0.5, sum by (le) (rate(gorowatch_evaluation_duration_seconds_bucket{OWN}[$__rate_interval])))`), "50 %"})
	b.graph("Services by verdict", "", "short", query{c.in(`sum by (verdict) (gorowatch_services{OWN})`), "{{verdict}}"})
	b.row("Prometheus")
	b.graph("History", "How much of it has been read since the start.", "percentunit", query{c.in(`gorowatch_backfill_progress_ratio{OWN}`), "{{instance}}"})
	b.graph("Points", "Of series, received a second.", "short", query{c.in(`sum(rate(gorowatch_prometheus_points_total{OWN}[$__rate_interval]))`), "points"})
	b.graph("Queries", "A second, by result.", "ops",
		query{c.in(`sum by (result) (rate(gorowatch_prometheus_queries_total{OWN}[$__rate_interval]))`), "{{result}}"})
	b.graph("Time of a query", "", "s",
		query{c.in(`histogram_quantile(0.99, sum by (le) (rate(gorowatch_prometheus_query_duration_seconds_bucket{OWN}[$__rate_interval])))`), "99 %"})
	b.graph("Samples", "Read a second, and dropped.", "short",
		query{c.in(`sum(rate(gorowatch_samples_total{OWN}[$__rate_interval]))`), "read"},
		query{c.in(`sum by (reason) (rate(gorowatch_prometheus_dropped_total{OWN}[$__rate_interval]))`), "dropped: {{reason}}"})
	b.row("Profiles")
	b.graph("Pulls", "A second, by result; the page Targets says why of each target.", "ops",
		query{c.in(`sum by (result) (rate(gorowatch_profile_pulls_total{OWN}[$__rate_interval])) > 0`), "{{result}}"})
	b.graph("Cost on the targets", "CPU seconds a second, estimated, over all targets together.", "short",
		query{c.in(`sum(rate(gorowatch_profile_cost_seconds_total{OWN}[$__rate_interval]))`), "cores"})
	b.graph("Bytes", "Of profiles, received a second.", "Bps",
		query{c.in(`sum(rate(gorowatch_profile_bytes_total{OWN}[$__rate_interval]))`), "received"})
	b.graph("Time of a pull", "", "s",
		query{c.in(`histogram_quantile(0.99, sum by (le) (rate(gorowatch_profile_pull_duration_seconds_bucket{OWN}[$__rate_interval])))`), "99 %"},
		query{c.in(`histogram_quantile(0.5, sum by (le) (rate(gorowatch_profile_pull_duration_seconds_bucket{OWN}[$__rate_interval])))`), "50 %"})
	b.graph("Pushed profiles", "A second: those that were used, and those that were not needed at the time.", "ops",
		query{c.in(`sum by (result) (rate(gorowatch_push_profiles_total{OWN}[$__rate_interval]))`), "{{result}}"})
	b.graph("Pushes dropped", "A second, the five most frequent reasons; profiles of other kinds are not counted here.", "ops",
		query{c.in(`topk(5, sum by (reason) (rate(gorowatch_push_dropped_total{OWN,reason!="other_kind"}[$__rate_interval])))`), "{{reason}}"})
	b.graph("Bucket", "Operations a second, by kind and result.", "ops",
		query{c.in(`sum by (operation, result) (rate(gorowatch_archive_operations_total{OWN}[$__rate_interval]))`), "{{operation}} {{result}}"})
	b.row("Does it tell?")
	b.graph("Alerts sent", "A second, by Alertmanager.", "ops",
		query{c.in(`sum by (alertmanager) (rate(gorowatch_alerting_sent_total{OWN}[$__rate_interval]))`), "{{alertmanager}}"})
	b.graph("Failed and dropped", "Requests that failed and alerts that were given up, a second.", "ops",
		query{c.in(`sum by (alertmanager, reason) (rate(gorowatch_alerting_errors_total{OWN}[$__rate_interval]))`), "failed: {{alertmanager}} {{reason}}"},
		query{c.in(`sum by (alertmanager, reason) (rate(gorowatch_alerting_dropped_total{OWN}[$__rate_interval]))`), "dropped: {{alertmanager}} {{reason}}"})
	b.graph("Waiting", "Alerts in the queues, of what they hold.", "percentunit",
		query{c.in(`max_over_time(gorowatch_alerting_queue_length{OWN}[$__rate_interval]) / ignoring (alertmanager) group_left gorowatch_alerting_queue_capacity{OWN}`), "{{instance}} {{alertmanager}}"})
	b.graph("Webhooks out", "Messages a second, by result.", "ops",
		query{c.in(`sum by (webhook, result) (rate(gorowatch_alerting_webhook_messages_total{OWN}[$__rate_interval]))`), "{{webhook}} {{result}}"})
	b.graph("Webhook in", "Alerts of others that came in, a second, by what came of them.", "ops",
		query{c.in(`sum by (result) (rate(gorowatch_inbound_alerts_total{OWN}[$__rate_interval]))`), "{{result}}"})
	b.row("What it costs")
	b.graph("CPU", "Cores.", "short", query{c.in(`rate(process_cpu_seconds_total{OWN}[$__rate_interval])`), "{{instance}}"})
	b.graph("Memory", "Resident.", "bytes", query{c.in(`process_resident_memory_bytes{OWN}`), "{{instance}}"})
	b.graph("Goroutines", "It watches itself too, if Prometheus scrapes it.", "short", query{c.in(`go_goroutines{OWN}`), "{{instance}}"})
	b.graph("Requests", "To pages and API, a second, by handler.", "ops",
		query{c.in(`sum by (handler, code) (rate(gorowatch_web_requests_total{OWN}[$__rate_interval]))`), "{{handler}} {{code}}"})
	return b
}
