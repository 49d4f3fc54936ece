package app

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/testutil"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/archive"
	"github.com/gorowatch/gorowatch/internal/config"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

var update = flag.Bool("update", false, "rewrite docs/metrics.md")

const metricsPage = "../../docs/metrics.md"

const metricsIntro = `# Metrics

What gorowatch says of itself on ` + "`/metrics`" + `, besides what every Go process says (` + "`go_*`, `process_*`" + `) and ` + "`promhttp_*`" + `. The label values are few and known from the start: counters are there at 0 before anything has happened. ` + "`" + `gorowatch_leak_*` + "`" + ` are the exception: they have the labels of the service (here ` + "`" + `namespace` + "`" + ` and ` + "`" + `job` + "`" + `) and the id of each of up to 1,000 leaks that fire, and go with it. Scrape them with ` + "`" + `honor_labels: true` + "`" + `, or the labels of gorowatch itself come before those of the service.

| name | type | labels | meaning |
|---|---|---|---|
`

// The page lists the metrics that an App gathers; -update rewrites it.
func TestPageOfTheMetrics(t *testing.T) {
	conf := fast(t, newPrometheus(t).URL)
	conf.Alerting.Alertmanagers = []config.Alertmanager{{
		Scheme: "http", Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
		StaticConfigs: []config.StaticConfig{{Targets: []string{"127.0.0.1:1"}}},
	}}
	// A leak, for the metrics of leaks.
	conf.Storage.URL, conf.Alerting.GoroutineLimit = "file://"+t.TempDir(), 1000
	bucket, err := archive.Open(t.Context(), conf.Storage.URL, archive.Options{GroupBy: []string{"job"}, Decode: func(context.Context, io.Reader, time.Time) (*collector.Profile, error) { return nil, nil }})
	require.NoError(t, err)
	since := time.Now().Add(-time.Hour)
	require.NoError(t, bucket.SaveLeak(t.Context(), leak.Leak{
		ID: "abc123", Service: labels.FromStrings("namespace", "prod", "job", "shop"), State: leak.Firing, Evidence: leak.Growth,
		Onset: since, DetectedAt: since, UpdatedAt: since, Leaked: 100, Rate: trend.Interval{Value: 10}, Instances: []string{"127.0.0.1:1"}, InstancesTotal: 1,
		Stacks: []leak.StackGrowth{{Op: "chan send", Key: collector.Frame{Func: "main.serve"}, Head: 100}},
	}))
	require.NoError(t, bucket.Close())
	conf.Alerting.Webhooks = []config.Webhook{{Name: "chat", URL: "http://127.0.0.1:1", MaxAlerts: 1, Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig}}
	reg := prometheus.NewRegistry()
	reg.MustRegister(versioncollector.NewCollector("gorowatch"))
	r := start(t, Options{Config: conf, Registry: reg})
	code, _ := r.get("/") // the handlers' metrics begin with a request
	require.Equal(t, http.StatusOK, code)

	families, err := reg.Gather()
	require.NoError(t, err)
	var page strings.Builder
	page.WriteString(metricsIntro)
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "gorowatch_") {
			continue
		}
		require.NotEmpty(t, f.GetHelp(), f.GetName())
		var names []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			names = append(names, "`"+l.GetName()+"`")
		}
		slices.Sort(names)
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(names, ", "), f.GetHelp())
	}
	var reasons []string
	for _, r := range collector.Reasons {
		reasons = append(reasons, "`"+string(r)+"`")
	}
	fmt.Fprintf(&page, "\nA `result` that is not `ok` is `error` for the archive, and else the reason: %s.\n", strings.Join(reasons, ", "))
	if *update {
		require.NoError(t, os.WriteFile(metricsPage, []byte(page.String()), 0o644))
	}
	want, err := os.ReadFile(metricsPage)
	require.NoError(t, err)
	require.Equal(t, string(want), page.String(), "go test ./internal/app -run TestPageOfTheMetrics -update")
}
