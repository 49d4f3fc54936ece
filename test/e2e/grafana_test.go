package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The rules are valid and pass their cases, and each alert has a case and a runbook.
func TestMixin(t *testing.T) {
	t.Parallel()
	promtool := tool(t, "prometheus", "promtool")
	dir := filepath.Join(repository(), "grafana")
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.yaml"))
	require.NoError(t, err)
	cases, err := filepath.Glob(filepath.Join(dir, "rules_test", "*.yaml"))
	require.NoError(t, err)
	for _, args := range [][]string{append([]string{"check", "rules"}, rules...), append([]string{"test", "rules"}, cases...)} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	tested := ""
	for _, file := range cases {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		tested += string(text)
	}
	for _, file := range rules {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		alerts := regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, alerts, file)
		for _, alert := range alerts {
			require.Contains(t, tested, alert[1], "no case of rules_test has it")
			_, err := os.Stat(filepath.Join(repository(), "docs", "runbooks", strings.ToLower(alert[1])+".md"))
			require.NoError(t, err)
		}
	}
}

// grafana is the part of a dashboard with queries.
type grafana struct {
	Title  string
	Panels []struct {
		Title, Type string
		Targets     []struct {
			Expr    string
			Instant bool
		}
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      any
			Multi      bool
		}
	}
	Annotations struct {
		List []struct{ Name, Expr string }
	}
}

// No Grafana runs here. Its queries go to a Prometheus that has scraped gorowatch and a leaking
// service. Every query of every dashboard, with variables and annotations, has an answer that
// is not empty.
func TestDashboardsHaveData(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	l := leaks[0]
	leaky := StartScenario(t, l.name, "")
	l.load.Start(t, leaky.Address)
	own := freeAddress(t)
	gorowatchJob := job("monitoring", "gorowatch", own)
	gorowatchJob.HonorLabels = true
	jobs := []Job{job(leakyNamespace, l.name, leaky.Address), gorowatchJob}
	for _, j := range jobs {
		j.Labels["cluster"] = "here"
	}
	prometheus := StartPrometheus(t, jobs...)
	alertmanager := StartAlertmanager(t, StartReceiver(t))
	StartGorowatch(t, t.TempDir(), fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus:
  url: %s
  load: rate(process_cpu_seconds_total[15s])
trend: {base: 1s}
profiles: {baseline_interval: 10s, suspicion_interval: 2s}
alerting:
  goroutine_limit: 100000
  resend_interval: 1s
  alertmanagers: [{static_configs: [{targets: [%q]}]}]
  webhooks: [{url: %q}]
`, prometheus.URL, alertmanager.Address, StartReceiver(t).URL), "--web.listen-address="+own).WaitReady(t)
	Eventually(t, untilAlerts, "the leak fires", func() error {
		if prometheus.Value(t, `gorowatch_leaks_firing`) == 0 {
			return errNotYet
		}
		return nil
	})

	files, err := filepath.Glob(filepath.Join(repository(), "grafana", "dashboards", "*.json"))
	require.NoError(t, err)
	require.Len(t, files, 3)
	asked := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var board grafana
		require.NoError(t, json.Unmarshal(text, &board))
		fill := variables(t, prometheus, board)
		ask := func(what, expr string, instant bool) {
			asked++
			expr = fill.Replace(expr)
			require.NotContains(t, expr, "$", what)
			// Some rates need another scrape or two.
			Eventually(t, startTime, fmt.Sprintf("%s, %s has data: %s", board.Title, what, expr), func() error {
				return prometheus.answersWithData(t, expr, instant)
			})
		}
		for _, p := range board.Panels {
			for _, target := range p.Targets {
				ask("panel "+p.Title, target.Expr, target.Instant || p.Type == "stat")
			}
		}
		for _, a := range board.Annotations.List {
			ask("annotation "+a.Name, a.Expr, false)
		}
	}
	t.Logf("%d queries", asked)
}

// variables returns the values of a dashboard's variables: each has some, with the leaking
// service among them; a variable with several choices gets all.
func variables(t *testing.T, prometheus *Prometheus, board grafana) *strings.Replacer {
	labelValues := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	chosen := map[string]string{"cluster": "here", "namespace": leakyNamespace, "job": leaks[0].name}
	pairs := []string{"$__rate_interval", "15s", "$__interval", "5s"}
	for _, v := range board.Templating.List {
		if v.Type != "query" {
			continue
		}
		query := labelValues.FindStringSubmatch(v.Query.(string))
		require.NotNil(t, query, "%s: variable %s: %s", board.Title, v.Name, v.Query)
		var answer struct{ Data []string }
		getJSON(t, prometheus.URL+"/api/v1/label/"+query[2]+"/values?match[]="+url.QueryEscape(strings.NewReplacer(pairs...).Replace(query[1])), &answer)
		require.NotEmpty(t, answer.Data, "%s: variable %s", board.Title, v.Name)
		if v.Multi {
			pairs = append(pairs, "$"+v.Name, ".*")
			continue
		}
		require.Contains(t, answer.Data, chosen[v.Name], "%s: variable %s", board.Title, v.Name)
		pairs = append(pairs, "$"+v.Name, chosen[v.Name])
	}
	return strings.NewReplacer(pairs...)
}

// answersWithData reports whether a query has a number in its answer.
func (p *Prometheus) answersWithData(t *testing.T, expr string, instant bool) error {
	now := time.Now().Unix()
	ask := fmt.Sprintf("/api/v1/query_range?query=%s&start=%d&end=%d&step=5", url.QueryEscape(expr), now-60, now)
	if instant {
		ask = "/api/v1/query?query=" + url.QueryEscape(expr)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value  [2]any
				Values [][2]any
			}
		}
	}
	getJSON(t, p.URL+ask, &answer)
	for _, series := range answer.Data.Result {
		for _, v := range append(series.Values, series.Value) {
			if f, err := strconv.ParseFloat(fmt.Sprint(v[1]), 64); err == nil && !math.IsNaN(f) {
				return nil
			}
		}
	}
	return fmt.Errorf("%d series and no number", len(answer.Data.Result))
}
