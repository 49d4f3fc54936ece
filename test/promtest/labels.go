package promtest

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

// Labels reads a series as written, such as up{job="a"}.
func Labels(t testing.TB, text string) labels.Labels {
	t.Helper()
	ls, err := parser.NewParser(parser.Options{}).ParseMetric(text)
	require.NoError(t, err, text)
	return ls
}
