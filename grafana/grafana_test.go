package main

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write dashboards and rules, and the chart's copies")

// charts is where the Helm chart has its copies.
const charts = "../deploy/helm/gorowatch/files"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func generated(t *testing.T) map[string][]byte {
	c, err := loadConfig("mixin.yml")
	require.NoError(t, err)
	files, err := generate(c)
	require.NoError(t, err)
	return files
}

// The committed files, here and in the chart, are up to date.
func TestFilesAreGenerated(t *testing.T) {
	if *update {
		require.NoError(t, run("mixin.yml", "."))
		require.NoError(t, run("mixin.yml", charts))
	}
	files := generated(t)
	for _, dir := range []string{".", charts} {
		for name, want := range files {
			got, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, string(want), string(got), "%s: go test . -update", filepath.Join(dir, name))
		}
		for _, kind := range []string{"dashboards/*.json", "rules/*.yaml"} {
			found, err := filepath.Glob(filepath.Join(dir, kind))
			require.NoError(t, err)
			for _, file := range found {
				name, err := filepath.Rel(dir, file)
				require.NoError(t, err)
				require.Contains(t, files, filepath.ToSlash(name), "%s: nothing makes it", file)
			}
		}
	}
}

// ours are the fields of an annotation that Grafana's Prometheus data source reads and its
// schema leaves to the data source.
var ours = []string{"titleFormat", "textFormat", "useValueForTime"}

// Grafana's own schema knows every field.
func TestDashboardsAreValid(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for name, text := range generated(t) {
		if !strings.HasPrefix(name, "dashboards/") {
			continue
		}
		var open map[string]any
		require.NoError(t, json.Unmarshal(text, &open))
		for _, a := range open["annotations"].(map[string]any)["list"].([]any) {
			for _, field := range ours {
				delete(a.(map[string]any), field)
			}
		}
		strict, err := json.Marshal(open)
		require.NoError(t, err)
		var d dashboard.Dashboard
		require.NoError(t, d.UnmarshalJSONStrict(strict), name)
		require.NoError(t, d.Validate(), name)

		require.NotEmpty(t, *d.Title)
		require.Equal(t, "datasource", d.Templating.List[0].Name, name)
		for _, variable := range []string{"cluster", "namespace", "job"} {
			require.Contains(t, string(text), `"name": "`+variable+`"`, name)
		}
		// A typo is found.
		require.Error(t, new(dashboard.Dashboard).UnmarshalJSONStrict([]byte(strings.Replace(string(strict), `"panels"`, `"panles"`, 1))))
	}
}

// Rules for another setup have its job, runbooks and labels.
func TestConfigIsUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yml")
	require.NoError(t, os.WriteFile(file, []byte(`
selector: job="leaks",env="prod"
cluster_label: region
runbook_url: https://wiki.example.org/
url: https://leaks.example.org
labels: {team: platform}
tags: [mine]
for: 5m
stale_seconds: 60
failed_pulls: 0.5
limit_seconds: 60
`), 0o600))
	dir := t.TempDir()
	require.NoError(t, run(file, dir))
	rules, err := os.ReadFile(filepath.Join(dir, "rules/gorowatch.yaml"))
	require.NoError(t, err)
	for _, want := range []string{`up{job="leaks",env="prod"}`, "https://wiki.example.org/gorowatchdown.md", "team: platform", "region", "> 60", "> 0.5", "for: 5m"} {
		require.Contains(t, string(rules), want)
	}
	require.NotContains(t, string(rules), `job="gorowatch"`)
	board, err := os.ReadFile(filepath.Join(dir, "dashboards/gorowatch-fleet.json"))
	require.NoError(t, err)
	require.Contains(t, string(board), `region=~\"$cluster\"`)
	require.Contains(t, string(board), "https://leaks.example.org")
}

func TestConfigIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"selectr: x":      "field selectr not found",
		`selector: a="b"`: "have to be set",
	} {
		file := filepath.Join(t.TempDir(), "bad.yml")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := loadConfig(file)
		require.ErrorContains(t, err, want)
	}
}
