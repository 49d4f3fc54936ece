package alerting

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
)

const templateFile = "../deploy/alertmanager/gorowatch.tmpl"

// notification makes what Alertmanager renders for a group of alerts.
func notification(tmpl *template.Template, end time.Time, alerts ...Alert) *template.Data {
	set := func(l labels.Labels) model.LabelSet {
		out := model.LabelSet{}
		l.Range(func(l labels.Label) { out[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
		return out
	}
	var group []*amalert.Alert
	for _, a := range alerts {
		annotations := model.LabelSet{}
		for name, value := range a.Annotations {
			annotations[model.LabelName(name)] = model.LabelValue(value)
		}
		group = append(group, &amalert.Alert{Alert: model.Alert{
			Labels: set(a.Labels), Annotations: annotations, StartsAt: a.StartsAt, EndsAt: end, GeneratorURL: a.GeneratorURL,
		}})
	}
	return tmpl.Data("chat", model.LabelSet{"alertname": "GoroutineLeak", "job": "checkout"}, nil, "", group...)
}

func receiverTemplates(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.FromGlobs([]string{templateFile})
	require.NoError(t, err)
	tmpl.ExternalURL = &url.URL{Scheme: "https", Host: "alertmanager.example.com"}
	return tmpl
}

// TestReceiverTemplates renders the templates of deploy/alertmanager with Alertmanager's own
// code. The pages of docs/receivers show the same text.
func TestReceiverTemplates(t *testing.T) {
	tmpl := receiverTemplates(t)
	firing := notification(tmpl, time.Time{}, Render(checkout(), Warning, render()))
	for name, text := range map[string]string{
		"slack":     `{{ template "gorowatch.title" . }}` + "\n" + `{{ template "gorowatch.slack.text" . }}`,
		"teams":     `{{ template "gorowatch.title" . }}` + "\n\n" + `{{ template "gorowatch.teams.text" . }}`,
		"pagerduty": `{{ template "gorowatch.title" . }}` + "\n" + `severity: {{ template "gorowatch.pagerduty.severity" . }}` + "\n" + `link: {{ template "gorowatch.link" . }}`,
		"opsgenie":  `{{ template "gorowatch.title" . }}` + "\n" + `priority: {{ template "gorowatch.opsgenie.priority" . }}` + "\n\n" + `{{ template "gorowatch.text" . }}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tmpl.ExecuteTextString(text, firing)
			require.NoError(t, err)
			require.NotContains(t, got, "<no value>")
			require.Contains(t, got, "https://gorowatch.example.com/leaks-of/leaks/3f9c2a7b")
			got = strings.TrimSpace(got) + "\n"
			golden(t, filepath.Join("receivers", name+".txt"), got)
			page, err := os.ReadFile("../docs/receivers/" + name + ".md")
			require.NoError(t, err)
			require.Contains(t, string(page), "\n"+got, "docs/receivers/%s.md shows another message", name)
		})
	}
	t.Run("email", func(t *testing.T) {
		got, err := tmpl.ExecuteHTMLString(`{{ template "gorowatch.email.html" . }}`, firing)
		require.NoError(t, err)
		require.Contains(t, got, `<a href="https://gorowatch.example.com/leaks-of/leaks/3f9c2a7b">Leak page</a>`)
		require.Contains(t, got, "<pre style")
		golden(t, "receivers/email.html", got)
	})
}

// TestReceiverPictures: with a picture, Slack gets its address, Teams and e-mail show it; without
// one, no message mentions it.
func TestReceiverPictures(t *testing.T) {
	tmpl := receiverTemplates(t)
	o := render()
	o.ImageURL = func(l leak.Leak) string {
		return "https://pictures.example.com/leaks/" + l.ID + ".png?expires=1775084400&signature=abc"
	}
	const all = `{{ template "gorowatch.image" . }}` + "\n\n" + `{{ template "gorowatch.teams.text" . }}`
	got, err := tmpl.ExecuteTextString(all, notification(tmpl, time.Time{}, Render(checkout(), Warning, o)))
	require.NoError(t, err)
	golden(t, "receivers/picture.txt", strings.TrimSpace(got)+"\n")
	require.True(t, strings.HasPrefix(got, "https://pictures.example.com/leaks/3f9c2a7b.png?expires=1775084400&signature=abc\n"), got)
	require.Contains(t, got, "![Goroutines over time](https://pictures.example.com/leaks/3f9c2a7b.png?expires=1775084400&signature=abc)")
	html, err := tmpl.ExecuteHTMLString(`{{ template "gorowatch.email.html" . }}`, notification(tmpl, time.Time{}, Render(checkout(), Warning, o)))
	require.NoError(t, err)
	golden(t, "receivers/picture.html", html)
	require.Contains(t, html, `<img src="https://pictures.example.com/leaks/3f9c2a7b.png?expires=1775084400&amp;signature=abc" width="800"`)

	got, err = tmpl.ExecuteTextString(all, notification(tmpl, time.Time{}, Render(checkout(), Warning, render()), Render(checkout(), Warning, o)))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "https://pictures"), "the first that has one")
	none := notification(tmpl, time.Time{}, Render(checkout(), Warning, render()))
	got, err = tmpl.ExecuteTextString(all, none)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "\n"), got)
	require.NotContains(t, got, "![")
	html, err = tmpl.ExecuteHTMLString(`{{ template "gorowatch.email.html" . }}`, none)
	require.NoError(t, err)
	require.NotContains(t, html, "<img")
}

// TestReceiverSeverities: the two alerts of a leak reach the levels of other systems.
func TestReceiverSeverities(t *testing.T) {
	tmpl := receiverTemplates(t)
	for severity, want := range map[Severity]string{Warning: "warning P3 warning", Critical: "critical P2 danger"} {
		got, err := tmpl.ExecuteTextString(`{{ template "gorowatch.pagerduty.severity" . }} {{ template "gorowatch.opsgenie.priority" . }} {{ template "gorowatch.color" . }}`,
			notification(tmpl, time.Time{}, Render(checkout(), severity, render())))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

// TestReceiverGroups: several alerts in one message, alerts without a stack, and resolved ones.
func TestReceiverGroups(t *testing.T) {
	tmpl := receiverTemplates(t)
	bare := render()
	bare.Dashboard, bare.Runbook = "", ""
	none := unattributed()
	none.ID = "0123456789ab"
	two := notification(tmpl, time.Time{}, Render(checkout(), Warning, bare), Render(none, Warning, bare))
	got, err := tmpl.ExecuteTextString(`{{ template "gorowatch.title" . }}`+"\n"+`{{ template "gorowatch.slack.text" . }}`, two)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got, "2 goroutine leak alerts in checkout\n"), got)
	require.Equal(t, 2, strings.Count(got, "|Leak page>"))
	require.Equal(t, 2, strings.Count(got, "```"), "only one of them has a stack")
	require.NotContains(t, got, "<|")

	over := notification(tmpl, time.Now().Add(-time.Minute), Render(resolved(), Warning, bare))
	got, err = tmpl.ExecuteTextString(`{{ template "gorowatch.title" . }} {{ template "gorowatch.color" . }}`, over)
	require.NoError(t, err)
	require.Regexp(t, `^\[RESOLVED\] .* good$`, got)
}

// TestReceiverPages: what the pages configure uses templates that exist.
func TestReceiverPages(t *testing.T) {
	text, err := os.ReadFile(templateFile)
	require.NoError(t, err)
	pages, err := filepath.Glob("../docs/receivers/*.md")
	require.NoError(t, err)
	used := 0
	for _, page := range pages {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`template "(gorowatch\.[a-z.]+)"`).FindAllStringSubmatch(string(content), -1) {
			used++
			require.Contains(t, string(text), `define "`+m[1]+`"`, page)
		}
	}
	require.Greater(t, used, 8)
}
