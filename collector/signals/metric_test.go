package signals

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	s := Default()
	require.NoError(t, s.CheckNames())
	require.Equal(t, "go_goroutines", s.Goroutines[0].Name)
	require.Equal(t, Counter, s.Load[0].Kind)
	require.Equal(t, Uptime, s.Start[1].Kind)
}

func TestParse(t *testing.T) {
	s, err := Parse(Names{
		Goroutines: []string{"vault_runtime_num_goroutines", "sum by (instance) (x)"},
		Load:       []string{"go_sched_goroutines_created_goroutines_total", "rate(requests[5m])", "rate(requests_total[1m])", "in_flight"},
		Start:      []string{"boot_time", "app_uptime_seconds"},
	})
	require.NoError(t, err)
	require.Equal(t, List{{Name: "vault_runtime_num_goroutines"}, {Name: "sum by (instance) (x)", Kind: Expression}}, s.Goroutines)
	require.Equal(t, List{
		{Name: "go_sched_goroutines_created_goroutines_total", Kind: Counter}, {Name: "requests", Kind: Counter},
		{Name: "rate(requests_total[1m])", Kind: Expression}, {Name: "in_flight"},
	}, s.Load)
	require.Equal(t, List{{Name: "boot_time"}, {Name: "app_uptime_seconds", Kind: Uptime}}, s.Start)
	require.ErrorContains(t, s.CheckNames(), `"sum by (instance) (x)" is an expression, which needs a Prometheus`)
	require.Equal(t, 1, s.Goroutines.Rank("expression_1"))
	require.Equal(t, 1, s.Goroutines.Rank("x"), "an expression may keep the name of its metric")
	require.Equal(t, 0, s.Goroutines.Rank(""))
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		names Names
		says  string
	}{
		"empty":              {Names{Load: []string{" "}}, `load[0]: " ": is empty, expected the name of a metric or a PromQL expression`},
		"not PromQL":         {Names{Goroutines: []string{"go_goroutines", "sum("}}, `goroutines[1]: "sum(": `},
		"twice":              {Names{Goroutines: []string{"a", "a"}}, `goroutines[1]: "a": is there twice`},
		"a range":            {Names{Load: []string{"x[5m]"}}, `load[0]: "x[5m]": is a range vector, expected an instant vector`},
		"a scalar":           {Names{Load: []string{"1"}}, `load[0]: "1": is a scalar, expected an instant vector`},
		"a counter as gauge": {Names{Goroutines: []string{"go_sched_goroutines_created_goroutines_total"}}, "is a counter by its name, expected a gauge"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.names)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// Every query is valid PromQL, whatever the lists and the selector are.
func TestExpressionsAreValid(t *testing.T) {
	mixed, err := Parse(Names{Goroutines: []string{"sum(a)", "b", "c", "d > 1"}, Load: []string{"container_x_total", "up"}, Start: []string{"x > 1", "container_y"}})
	require.NoError(t, err)
	for _, set := range []Set{Default(), mixed} {
		for _, selector := range []string{"", "{}", `{namespace="prod",job=~"a|b"}`, ` { a="b" } `} {
			for _, containers := range []string{"", Containers([]string{"a.b", `c"d`})} {
				q := Query{Set: set, Selector: selector, LoadContainers: containers, StartContainers: containers}
				for _, expr := range []string{q.Goroutines(), q.GoroutinesOver("min_over_time", Range, 0), q.GoroutinesOver("max_over_time", Range, Range), q.Load(Range), q.Start(), q.StartOrUptime()} {
					_, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
					require.NoError(t, err, expr)
				}
			}
		}
	}
	none := Query{Set: Set{Load: List{{Name: "container_x", Container: true}}}}
	require.Equal(t, "vector(0) > 1", none.Load(Range), "nothing to ask for")
	require.Equal(t, `{container!~"|POD"}`, Containers(make([]string, 5000)), "a query has a length")
}

func TestInstance(t *testing.T) {
	m := Metric{Name: "x"}
	require.Equal(t, labels.FromStrings("job", "a"), m.Instance(labels.FromStrings("__name__", "x", "job", "a")))
	require.Equal(t, labels.FromStrings("job", "a", "otel", "b"),
		m.Instance(labels.FromStrings("__name__", "x", "job", "a", "otel", "b", "otel_scope_name", "y", "otel_scope_schema_url", "z")))
	m.Sum = []string{"state"}
	require.Equal(t, labels.FromStrings("job", "a"), m.Instance(labels.FromStrings("__name__", "x", "job", "a", "otel_scope_name", "y", "state", "user")))
	m = Metric{Container: true}
	require.Equal(t, labels.FromStrings("namespace", "n", "pod", "p"), m.Instance(labels.FromStrings("__name__", "x", "job", "a", "namespace", "n", "pod", "p")))
}
