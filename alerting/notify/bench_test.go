package notify

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/leaktest"
	"github.com/gorowatch/gorowatch/leak"
)

// BenchmarkUpdate measures one evaluation with 500 open leaks that are all due: rendered,
// relabelled, with a template, queued for two Alertmanagers and offered to a webhook, besides
// the gauges.
func BenchmarkUpdate(b *testing.B) {
	texts, err := alerting.NewTemplates(map[string]string{"summary": `{{ .Labels.job | toUpper }} leaks {{ .Leak.GrowthPerHour | printf "%.0f" }}`})
	require.NoError(b, err)
	o := render()
	o.Annotations, o.Limit, o.CriticalWithin = texts, 10_000, 7*24*time.Hour
	leaks := make([]leak.Leak, 500)
	for i := range leaks {
		leaks[i] = leaktest.Library()
		leaks[i].ID, leaks[i].DetectedAt = fmt.Sprintf("leak-%03d", i), leaktest.Detected
		leaks[i].Service = labels.FromStrings("namespace", "prod", "job", fmt.Sprintf("job-%03d", i/2))
	}
	drop := []*relabel.Config{{SourceLabels: model.LabelNames{"job"}, Separator: ";", Regex: relabel.MustNewRegexp("nosuch"), Action: relabel.Drop, NameValidationScheme: model.UTF8Validation}}
	am := func(host string) alerting.Alertmanager {
		return alerting.Alertmanager{URL: &url.URL{Scheme: "http", Host: host}, Relabel: drop}
	}
	n, err := New(b.Context(), Options{Config: Config{
		Alertmanagers: []alerting.Alertmanager{am("one"), am("two")}, Render: o, Relabel: drop,
		Webhooks: []alerting.Webhook{{Name: "chat", URL: func() (*url.URL, error) { return &url.URL{Scheme: "http", Host: "chat"}, nil }}},
	}})
	require.NoError(b, err)
	gauges := alerting.NewGauges(func() []leak.Leak { return leaks }, func() alerting.RenderOptions { return o })
	reg := prometheus.NewRegistry()
	reg.MustRegister(gauges)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		n.Update(leaks, now)
		now = now.Add(time.Minute)
		_, err := reg.Gather()
		require.NoError(b, err)
	}
	require.Len(b, n.firing, 1000, "a warning and a critical alert each")
}
