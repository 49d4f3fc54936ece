package app

import (
	"flag"
	"fmt"
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
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/config"
)

var update = flag.Bool("update", false, "rewrite docs/metrics.md")

const metricsPage = "../../docs/metrics.md"

const metricsIntro = `# Metrics

What gorowatch says of itself on ` + "`/metrics`" + `, besides what every Go process says (` + "`go_*`, `process_*`" + `) and ` + "`promhttp_*`" + `. The label values are few and known from the start: counters are there at 0 before anything has happened.

| name | type | labels | meaning |
|---|---|---|---|
`

// The page is what an App gathers; -update rewrites it.
func TestPageOfTheMetrics(t *testing.T) {
	conf := fast(t, newPrometheus(t).URL)
	conf.Alerting.Alertmanagers = []config.Alertmanager{{
		Scheme: "http", Timeout: model.Duration(time.Second), HTTPClientConfig: commoncfg.DefaultHTTPClientConfig,
		StaticConfigs: []config.StaticConfig{{Targets: []string{"127.0.0.1:1"}}},
	}}
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
