package actions

import (
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

var (
	at       = time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)
	checkout = labels.FromStrings("job", "checkout", "namespace", "prod")
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLinks(t *testing.T) {
	l := Links{
		Source: []SourceLink{
			{Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "other")}, URL: "https://elsewhere"},
			{Prefix: "/src/checkout/", URL: "https://github.com/acme/checkout/blob/{version}/{path}#L{line}"},
		},
		Alertmanager: "https://am/prefix/",
	}
	f := collector.Frame{File: "/src/checkout/a b/../%2e/h.go", Line: 29}
	require.Equal(t, "https://github.com/acme/checkout/blob/v1.42.0/a%20b/%2E%2E/%252e/h.go#L29", l.SourceOf(checkout, "v1.42.0", f))
	require.Contains(t, l.SourceOf(checkout, "", f), "/blob/HEAD/")
	require.Empty(t, l.SourceOf(checkout, "", collector.Frame{File: "/go/src/net/http/server.go", Line: 1}))
	require.Empty(t, l.SourceOf(checkout, "", collector.Frame{File: "/src/checkout/h.go"}))
	silence, err := url.Parse(l.Silence(leak.Leak{ID: `3f"9c`, Service: checkout}, "https://gorowatch/leaks/3f"))
	require.NoError(t, err)
	require.Equal(t, `/silences/new?filter={alertname="GoroutineLeak",leak="3f\"9c"}&comment=Goroutine leak in prod/checkout https://gorowatch/leaks/3f`, silence.Fragment)
}
