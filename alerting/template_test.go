package alerting

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func TestTemplates(t *testing.T) {
	texts, err := NewTemplates(map[string]string{
		"summary":       `{{ .Labels.job | toUpper }}: {{ printf "%.0f" .Leak.GrowthPerHour }}/h at {{ .Leak.Function }}:{{ .Leak.Line }} on {{ join ", " .Leak.Instances }}`,
		"dashboard_url": `https://grafana/d/gorowatch?var-job={{ .Labels.job | urlquery }}&from={{ .Leak.Onset.UnixMilli }}`,
		"team":          `{{ if match "prod|pay" .Leak.Service.namespace }}{{ reReplaceAll "^(.*)out$" "team-$1" .Labels.job }}{{ end }}`,
		"nothing":       `{{ .Labels.owner }}`,
		"projection":    "{{ .Annotations.growth }}\n\x00{{ .Leak.State }}",
	})
	require.NoError(t, err)
	o := render()
	o.Annotations = texts
	a := Render(checkout(), Warning, o)
	require.Equal(t, "CHECKOUT: 212/h at main.logHandler.func1:29 on 10.0.0.7:8080, 10.0.0.8:8080, 10.0.0.9:8080", a.Annotations["summary"])
	require.Equal(t, "https://grafana/d/gorowatch?var-job=checkout&from=1772460130000", a.Annotations["dashboard_url"])
	require.Equal(t, "team-check", a.Annotations["team"])
	require.NotContains(t, a.Annotations, "nothing")
	require.Equal(t, Render(checkout(), Warning, render()).Annotations["growth"]+"\n\uFFFDfiring", a.Annotations["projection"])
	require.NotContains(t, a.Annotations["projection"], "\x00")
	require.Equal(t, Render(checkout(), Warning, render()).Labels, a.Labels)
}

func TestTemplatesThatAreWrong(t *testing.T) {
	_, err := NewTemplates(map[string]string{
		"a": `{{ .Labels.job`, "b": `{{ .Leak.Speed }}`, "c": `{{ shout .Labels.job }}`, "d": `{{ reReplaceAll "(" "" .Labels.job }}`,
		"e": `{{ define "x" }}xxxxxxxxxxxxxxxx{{ template "x" }}{{ end }}{{ template "x" }}`, "fine": `{{ .Labels.job }}`,
	})
	for _, want := range []string{
		"alerting.annotations.a: \"{{ .Labels.job\": template: a:1: unclosed action, expected a template such as {{",
		"alerting.annotations.b: ", "can't evaluate field Speed",
		"alerting.annotations.c: ", `function "shout" not defined`,
		"alerting.annotations.d: ", "missing closing )",
		"alerting.annotations.e: ", "writes more than 64 KiB",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "alerting.annotations.fine")
}

// Whatever templates write, an alert stays within its bounds. Templates' annotations take room
// from gorowatch's own.
func TestTemplatesThatWriteMuch(t *testing.T) {
	much := map[string]string{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		much[name] = strings.Repeat(strings.Repeat("x", 99)+"\n", 30)
	}
	much["line"] = strings.Repeat("y", 1200) // not one whole line of it fits
	texts, err := NewTemplates(much)
	require.NoError(t, err)
	o := render()
	o.Annotations = texts
	l := checkout()
	a := Render(l, Warning, o)
	weight := 0
	for name, value := range a.Annotations {
		weight += len(name) + len(value)
	}
	require.LessOrEqual(t, weight, maxAnnotations)
	require.Equal(t, strings.TrimSpace(strings.Repeat(strings.Repeat("x", 99)+"\n", 10)), a.Annotations["a"])

	o.Annotations, err = NewTemplates(map[string]string{"runtime": `{{ index .Leak.Instances 0 }}`})
	require.NoError(t, err)
	l.Instances = nil
	require.Contains(t, Render(l, Warning, o).Annotations["runtime"], "the template failed: ")
}

func BenchmarkTemplates(b *testing.B) {
	o := render()
	var err error
	o.Annotations, err = NewTemplates(map[string]string{"summary": `{{ .Labels.job | toUpper }} leaks {{ .Leak.GrowthPerHour | printf "%.0f" }}`})
	require.NoError(b, err)
	l := checkout()
	l.Service, l.Onset = labels.FromStrings("job", "x"), time.Unix(0, 0)
	for b.Loop() {
		Render(l, Warning, o)
	}
}
