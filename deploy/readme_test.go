package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"
	yaml3 "go.yaml.in/yaml/v3"
)

const readmeHead = `# gorowatch

gorowatch watches Go services for goroutine leaks. It reads goroutine counts from Prometheus, pulls
pprof profiles of services that look suspicious, and posts one alert a leak to Alertmanager, with the
line that leaks.

## Install

` + "```sh" + `
helm install gorowatch oci://ghcr.io/gorowatch/charts/gorowatch --namespace monitoring --create-namespace \
  --set prometheus.url=http://prometheus-operated.monitoring.svc:9090 \
  --set 'alertmanagers[0]=http://alertmanager-operated.monitoring.svc:9093'
` + "```" + `

The [quick start](https://github.com/gorowatch/gorowatch/blob/main/docs/quickstart-kubernetes.md) goes on
from here.

## Upgrade and uninstall

An upgrade keeps the volume and the open leaks. ` + "`helm uninstall gorowatch`" + ` keeps the volume too, unless
` + "`persistence.retentionPolicy.whenDeleted`" + ` is ` + "`Delete`" + `.

## As a dependency

` + "```yaml part" + `
# Chart.yaml of the umbrella chart
dependencies:
  - name: gorowatch
    version: 0.1.0
    repository: oci://ghcr.io/gorowatch/charts
    condition: gorowatch.enabled
` + "```" + `

## Values

`

// sectionTitle matches an underlined comment in values.yaml.
var sectionTitle = regexp.MustCompile(`(?m)^# (.+)\n# -{4,}\n\n?`)

// TestReadmeOfTheChart: README.md of the chart is made from the comments of values.yaml;
// -update rewrites it.
func TestReadmeOfTheChart(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString(readmeHead)
	titles := sectionTitle.FindAllStringSubmatch(string(text), -1)
	sections := sectionTitle.Split(string(text), -1)[1:]
	require.Len(t, sections, len(titles))
	rows := 0
	for i, section := range sections {
		fmt.Fprintf(&b, "### %s\n\n| value | default | meaning |\n|---|---|---|\n", titles[i][1])
		var document yaml3.Node
		require.NoError(t, yaml3.Unmarshal([]byte(section), &document), titles[i][1])
		rows += valueRows(t, &b, "", document.Content[0])
		b.WriteString("\n")
	}
	require.Greater(t, rows, 100)
	golden(t, filepath.Join(chart, "README.md"), strings.TrimRight(b.String(), "\n")+"\n")
}

// valueRows writes a row for each value that has no further keys in values.yaml.
func valueRows(t *testing.T, b *strings.Builder, path string, mapping *yaml3.Node) (rows int) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		meaning := plain(key.HeadComment)
		if value.Kind == yaml3.MappingNode && value.Style&yaml3.FlowStyle == 0 && len(value.Content) > 0 {
			if meaning != "" {
				fmt.Fprintf(b, "| `%s` | | %s |\n", name, meaning)
			}
			rows += valueRows(t, b, name, value)
			continue
		}
		value.HeadComment, value.LineComment, value.FootComment = "", "", ""
		var v any
		require.NoError(t, value.Decode(&v))
		def, err := yaml.Marshal(v)
		require.NoError(t, err)
		if value.Kind != yaml3.ScalarNode {
			node := *value
			node.Style = yaml3.FlowStyle
			def, err = yaml3.Marshal(&node)
			require.NoError(t, err)
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", name, strings.Join(strings.Fields(string(def)), " "), meaning)
		rows++
	}
	return rows
}

// plain turns a comment into a sentence.
func plain(comment string) string {
	// A paragraph above a blank line is about what was before.
	if i := strings.LastIndex(comment, "\n\n"); i >= 0 {
		comment = comment[i:]
	}
	var words []string
	for _, line := range strings.Split(comment, "\n") {
		words = append(words, strings.Fields(strings.TrimLeft(line, "# "))...)
	}
	return strings.ReplaceAll(strings.Join(words, " "), "|", `\|`)
}

// TestChartForArtifactHub checks what Artifact Hub shows of the chart, and that the version of
// the image is the chart's.
func TestChartForArtifactHub(t *testing.T) {
	var c struct {
		Description, Icon, Home, AppVersion string
		Keywords                            []string
		Maintainers                         []struct{ Name, URL string }
		Annotations                         map[string]string
	}
	text, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(regexp.MustCompile(`(?m)^appVersion:`).ReplaceAll(text, []byte("appversion:")), &c))
	require.NotEmpty(t, c.Description)
	require.NotEmpty(t, c.Maintainers)
	require.Contains(t, []string{"ai-machine-learning", "database", "integration-delivery", "monitoring-logging", "networking", "security", "storage", "streaming-messaging", "skip-prediction"}, c.Annotations["artifacthub.io/category"])
	require.Equal(t, "Apache-2.0", c.Annotations["artifacthub.io/license"])

	const raw = "https://raw.githubusercontent.com/gorowatch/gorowatch/main/"
	var screenshots, links, recommendations []struct{ Title, Name, URL string }
	var images []struct {
		Name, Image string
		Platforms   []string
	}
	for key, list := range map[string]any{"screenshots": &screenshots, "links": &links, "images": &images, "recommendations": &recommendations} {
		require.NoError(t, yaml.UnmarshalStrict([]byte(c.Annotations["artifacthub.io/"+key]), list), key)
	}
	require.Len(t, images, 1)
	require.Equal(t, "ghcr.io/gorowatch/gorowatch:v"+c.AppVersion, images[0].Image)
	require.NotEmpty(t, links)
	for _, url := range []string{c.Icon, screenshots[0].URL} {
		path, ok := strings.CutPrefix(url, raw)
		require.True(t, ok, url)
		_, err := os.Stat(filepath.Join("..", path))
		require.NoError(t, err)
	}
}
