package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

// The namespace and job of the leaky form and of its twin.
const (
	leakyNamespace = "leaky"
	fixedNamespace = "fixed"
)

// leaks are the scenarios and where each of them leaks under which load.
var leaks = []struct {
	name     string
	function string // that leaks, as a profile names it
	load     *Load  // nil: the program keeps itself busy
	redis    bool
}{
	{
		name: "logwriter", function: "main.(*logs).append.func1",
		load: &Load{
			Every: 100 * time.Millisecond, AtATime: 1, Patience: time.Second,
			Method: http.MethodPost, Body: "an entry",
			Path: func(int) string { return "/entries" },
		},
	},
	{
		name: "logfollow", function: "main.(*journal).follow",
		load: &Load{
			Every: 500 * time.Millisecond, AtATime: 1, Patience: 300 * time.Millisecond,
			Method: http.MethodGet,
			Path:   func(n int) string { return fmt.Sprintf("/units/unit-%d/lines", n%7) },
		},
	},
	{
		name: "execjob", function: "main.report.run",
		load: &Load{
			Every: time.Second, AtATime: 1, Patience: 300 * time.Millisecond,
			Method: http.MethodPost,
			Path:   func(int) string { return "/report" },
		},
	},
	{name: "webrequest", function: "main.client.quote.func1"},
	{name: "rediscron", function: "main.(*prices).refresh.func1", redis: true},
	{
		name: "sumhandler", function: "main.sendSum",
		load: &Load{
			Every: time.Second, AtATime: 50, Patience: time.Second,
			Method: http.MethodGet,
			Path: func(n int) string {
				if n%50 == 0 { // in every round one client types letters
					return "/sum?n=one,2,three,4"
				}
				return fmt.Sprintf("/sum?n=%d,2,3,4", n)
			},
		},
	},
}

// The time limits. A suspicion takes time, and a fixed twin is watched as long as its leaky one
// and a while longer.
const (
	untilAlerts   = 10 * time.Minute
	soak          = 30 * time.Second
	untilResolved = 5 * time.Minute
)

// Every leaky service under load leads to one alert that names the line; its fixed twin, under
// the same load for the same time, to none. The alert resolves when the fixed one replaces the
// leaky one.
func TestEndToEnd(t *testing.T) {
	built(t, buildGorowatch, "gorowatch") // now, and not while they leak
	built(t, buildScenarios, leaks[0].name)
	redis := StartRedis(t)
	receiver := StartReceiver(t)
	alertmanager := StartAlertmanager(t, receiver)

	leaky, traffic := map[string]*Scenario{}, map[string][2]*Traffic{}
	flags := map[string][]string{}
	var jobs []Job
	for _, l := range leaks {
		if l.redis {
			flags[l.name] = append(flags[l.name], "--redis="+redis)
		}
		leaky[l.name] = StartScenario(t, l.name, freeAddress(t), flags[l.name]...)
		fixed := StartScenario(t, l.name, "", append(flags[l.name], "--fixed")...)
		if l.load != nil {
			traffic[l.name] = [2]*Traffic{l.load.Start(t, leaky[l.name].Address), l.load.Start(t, fixed.Address)}
		}
		jobs = append(jobs,
			job(leakyNamespace, l.name, leaky[l.name].Address),
			job(fixedNamespace, l.name, fixed.Address))
	}
	prometheus := StartPrometheus(t, jobs...)

	dir := t.TempDir()
	write(t, filepath.Join(dir, "token"), "abacus\n")
	gorowatch := StartGorowatch(t, dir, fmt.Sprintf(`
global:
  evaluation_interval: 1s
prometheus:
  url: %s
  load: rate(process_cpu_seconds_total[15s])
trend:
  base: 1s
profiles:
  baseline_interval: 10s
  suspicion_interval: 2s
targets:
- matchers: ['job="logfollow"']
  path: /internal/pprof/
- matchers: ['job="sumhandler"']
  authorization: {credentials_file: token}
alerting:
  resend_interval: 1s
  alertmanagers:
  - static_configs: [{targets: [%q]}]
`, prometheus.URL, alertmanager.Address))
	gorowatch.WaitReady(t)
	begin := time.Now()

	// fault must be nil throughout the test.
	fault := func() error {
		for _, a := range receiver.Alerts(nil) {
			if a.Labels["alertname"] != "GoroutineLeak" || a.Labels["severity"] != "warning" || a.Labels["namespace"] != leakyNamespace {
				return fmt.Errorf("alert %v: %s", a.Labels, a.Annotations["summary"])
			}
		}
		return nil
	}

	first := map[string]Alert{}
	took := map[string]time.Duration{}
	Eventually(t, untilAlerts, "every leak is alerted", func() error {
		require.NoError(t, fault())
		var missing []error
		for _, l := range leaks {
			alerts := receiver.Alerts(service(leakyNamespace, l.name))
			if len(alerts) == 0 {
				missing = append(missing, fmt.Errorf("%s is silent", l.name))
				continue
			}
			if _, seen := first[l.name]; !seen {
				first[l.name], took[l.name] = alerts[0], time.Since(begin)
				t.Logf("%s alerted after %s", l.name, took[l.name].Round(time.Second))
			}
		}
		return errors.Join(missing...)
	})

	// No further alert comes while they continue to leak: no second one, none that flaps.
	for end := time.Now().Add(soak); time.Now().Before(end); time.Sleep(time.Second) {
		require.NoError(t, fault())
		for _, l := range leaks {
			require.Equal(t, "firing "+first[l.name].Labels["leak"], History(receiver.Alerts(service(leakyNamespace, l.name))), l.name)
		}
	}
	held := map[string]Alert{}
	for _, a := range alertmanager.Alerts(t) {
		held[a.Labels["job"]] = a
	}
	for _, l := range leaks {
		for moment, a := range map[string]Alert{"first sent": first[l.name], "sent last": held[l.name]} {
			require.Equal(t, l.function+" "+LeakingLine(t, l.name), firstFrame(a), "%s, as %s:\n%s", l.name, moment, a.Annotations["stack_diff"])
		}
	}

	for _, l := range leaks {
		leaky[l.name].Stop(t)
		StartScenario(t, l.name, leaky[l.name].Address, append(flags[l.name], "--fixed")...)
	}
	replaced := time.Now()
	Eventually(t, untilResolved, "every alert is resolved", func() error {
		require.NoError(t, fault())
		var open []error
		for _, l := range leaks {
			id := first[l.name].Labels["leak"]
			if got := History(receiver.Alerts(service(leakyNamespace, l.name))); got != "firing "+id+", resolved "+id {
				open = append(open, fmt.Errorf("%s: %s", l.name, got))
			}
		}
		return errors.Join(open...)
	})
	t.Logf("all resolved %s after they were replaced", time.Since(replaced).Round(time.Second))

	var report strings.Builder
	table := tabwriter.NewWriter(&report, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "scenario\talert after\ttwin\talert")
	for _, l := range leaks {
		twin := History(receiver.Alerts(service(fixedNamespace, l.name)))
		summary, _, _ := strings.Cut(first[l.name].Annotations["description"], "\n")
		fmt.Fprintf(table, "%s\t%s\t%s\t%s, in %s\n", l.name, took[l.name].Round(time.Second), twin, summary, firstFrame(first[l.name]))
	}
	require.NoError(t, table.Flush())
	for _, l := range leaks {
		if tr, ok := traffic[l.name]; ok {
			fmt.Fprintf(&report, "load on %s: %s; on its twin: %s\n", l.name, tr[0], tr[1])
			requireSameLoad(t, l.name, tr)
		}
	}
	t.Logf("end to end in %s:\n%s", time.Since(begin).Round(time.Second), &report)
}

func job(namespace, name, address string) Job {
	return Job{
		// Prometheus requires different job names; a label can override them.
		Name:    namespace + "/" + name,
		Labels:  service(namespace, name),
		Targets: []string{address},
	}
}

func service(namespace, name string) map[string]string {
	return map[string]string{"namespace": namespace, "job": name}
}

// firstFrame returns the function and the line that an alert shows first: stack_diff has a line
// of counts and below it the frames.
func firstFrame(a Alert) string {
	lines := strings.Split(a.Annotations["stack_diff"], "\n")
	if len(lines) < 2 {
		return "no frame"
	}
	return strings.Join(strings.Fields(lines[1]), " ")
}

// requireSameLoad compares the twins, because one with far less load proves nothing. Their
// loads are not exactly equal: the leaky one was away for a moment to be replaced, and a round
// waits for its slowest request.
func requireSameLoad(t *testing.T, name string, twins [2]*Traffic) {
	t.Helper()
	leaky, fixed := twins[0].Sent.Load(), twins[1].Sent.Load()
	require.NotZero(t, leaky, name)
	require.Greater(t, fixed, leaky/2, "%s: %s; its twin: %s", name, twins[0], twins[1])
	require.Zero(t, twins[1].Failed.Load(), "%s's twin: %s", name, twins[1])
}
