package grouping

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		groupBy   []string
		instances [][]string
		want      string // empty: none
	}{
		"all is well": {[]string{"namespace", "job"}, [][]string{{"job", "a", "container", "x"}, {"job", "a", "container", "x"}, {"job", "b", "container", "y"}}, ""},
		"OpenTelemetry": {[]string{"namespace", "job"}, [][]string{{"service_name", "a", "service_namespace", "s"}, {"service_name", "b"}},
			"2 of 2 instances have no label of services.group_by (namespace, job), so they are one service; they have service_name: set services.group_by: [service_namespace, service_name]"},
		"nothing to go by": {[]string{"job"}, [][]string{{"instance", "a"}, {"job", "b"}},
			"1 of 2 instances have no label of services.group_by (job), so they are one service"},
		"one job for all pods": {[]string{"namespace", "job"}, [][]string{{"job", "pods", "app", "cart"}, {"job", "pods", "app", "search"}},
			`the service {job="pods"} mixes instances with different app, such as "cart" and "search": add app to services.group_by to tell them apart`},
		"that is told apart": {[]string{"job", "app"}, [][]string{{"job", "pods", "app", "cart"}, {"job", "pods", "app", "search"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := New(c.groupBy)
			for _, in := range c.instances {
				o.Add(labels.FromStrings(in...))
			}
			if c.want == "" {
				require.Empty(t, o.Warnings())
			} else {
				require.Equal(t, []string{c.want}, o.Warnings())
			}
		})
	}
}

func TestMissing(t *testing.T) {
	o := New([]string{"job", "team"})
	require.NoError(t, o.Missing(), "no series")
	o.Add(labels.FromStrings("job", "a", "instance", "x"))
	require.EqualError(t, o.Missing(), `no series has the label "team"; they have instance, job`)
	o.Add(labels.FromStrings("team", "b"))
	require.NoError(t, o.Missing())
}
