package signals

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Range is the range of the rates: a load is what rate(x[5m]) gives.
const Range = 5 * time.Minute

// Kind is how the value of a metric is read.
type Kind int

// The kinds.
const (
	Gauge      Kind = iota // the value as it is
	Counter                // the rate of the value
	Uptime                 // the time of the sample less the value
	Expression             // what Prometheus makes of it
)

// Metric is one way to read a signal.
type Metric struct {
	// Name is the name of the metric, or the text of an expression.
	Name string
	Kind Kind
	// Container means that the metric is cAdvisor's, and belongs to the instances with the same
	// labels namespace, pod and container, or namespace and pod.
	Container bool
	// Sum names labels whose series are summed up.
	Sum []string
	// Milliseconds means that the value is in milliseconds, not in seconds.
	Milliseconds bool
}

// Creates reports whether the metric counts the goroutines that a process creates, as
// /sched/goroutines-created:goroutines of package runtime/metrics does.
func (m Metric) Creates() bool {
	return m.Kind == Counter && strings.Contains(m.Name, "goroutines_created")
}

// List is the ways to read a signal, the best one first.
type List []Metric

// Set is how the three signals are read.
type Set struct{ Goroutines, Load, Start List }

// Names has the names of a Set, as in the configuration. An empty list stands for the default.
type Names struct{ Goroutines, Load, Start []string }

// DefaultNames returns the names that are tried without a configuration.
func DefaultNames() Names {
	return Names{
		Goroutines: []string{"go_goroutines", "go_goroutine_count", "process_runtime_go_goroutines", "go_sched_goroutines_goroutines"},
		Load:       []string{"go_sched_goroutines_created_goroutines_total", "process_cpu_seconds_total", "process_cpu_time_seconds_total", "go_memory_allocations_total", "container_cpu_usage_seconds_total"},
		Start:      []string{"process_start_time_seconds", "process_uptime_seconds", "runtime_uptime_milliseconds_total", "container_start_time_seconds"},
	}
}

// Default returns the Set of DefaultNames.
func Default() Set {
	s, err := Parse(Names{})
	if err != nil {
		panic(err) // cannot be: a test parses the defaults
	}
	return s
}

// Parse reads the names of metrics, and PromQL expressions.
func Parse(n Names) (s Set, err error) {
	d := DefaultNames()
	for _, l := range []struct {
		key              string
		names, otherwise []string
		to               *List
		kind             func(name string) Kind
	}{
		{"goroutines", n.Goroutines, d.Goroutines, &s.Goroutines, func(string) Kind { return Gauge }},
		{"load", n.Load, d.Load, &s.Load, loadKind},
		{"start_time", n.Start, d.Start, &s.Start, startKind},
	} {
		if len(l.names) == 0 {
			l.names = l.otherwise
		}
		for i, text := range l.names {
			m, err := parse(text, l.kind)
			if err != nil {
				return s, fmt.Errorf("%s[%d]: %q: %w", l.key, i, text, err)
			}
			if m.Kind == Gauge && !m.Container && l.key != "load" && strings.HasSuffix(m.Name, "_total") {
				return s, fmt.Errorf("%s[%d]: %q: is a counter by its name, expected a gauge", l.key, i, text)
			}
			if slices.ContainsFunc(*l.to, func(have Metric) bool { return have.Name == m.Name }) {
				return s, fmt.Errorf("%s[%d]: %q: is there twice", l.key, i, text)
			}
			*l.to = append(*l.to, m)
		}
	}
	return s, nil
}

// parse reads a name or an expression. A rate over Range is read as a counter.
func parse(text string, kind func(string) Kind) (Metric, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return Metric{}, errors.New("is empty, expected the name of a metric or a PromQL expression")
	}
	if model.LegacyValidation.IsValidMetricName(text) {
		return named(text, kind(text)), nil
	}
	e, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return Metric{}, fmt.Errorf("%w, expected the name of a metric or a PromQL expression", err)
	}
	if t := e.Type(); t != parser.ValueTypeVector {
		return Metric{}, fmt.Errorf("is a %s, expected an instant vector", parser.DocumentedType(t))
	}
	if name := rateOf(e); name != "" && kind(name) != Uptime {
		return named(name, Counter), nil
	}
	return Metric{Name: text, Kind: Expression}, nil
}

// named makes the Metric of a name.
func named(name string, k Kind) Metric {
	m := Metric{Name: name, Kind: k, Container: strings.HasPrefix(name, "container_"), Milliseconds: k == Uptime && strings.Contains(name, "_milliseconds")}
	if k == Counter && !m.Container && strings.HasPrefix(name, "process_cpu_time") {
		m.Sum = []string{"cpu_mode", "process_cpu_state", "state"} // of OpenTelemetry
	}
	return m
}

// rateOf returns the metric of rate(metric[5m]), empty for any other expression.
func rateOf(e parser.Expr) string {
	call, ok := e.(*parser.Call)
	if !ok || call.Func.Name != "rate" || len(call.Args) != 1 {
		return ""
	}
	m, ok := call.Args[0].(*parser.MatrixSelector)
	if !ok || m.Range != Range {
		return ""
	}
	v, ok := m.VectorSelector.(*parser.VectorSelector)
	if !ok || v.OriginalOffset != 0 || v.Timestamp != nil || v.StartOrEnd != 0 || len(v.LabelMatchers) != 1 {
		return ""
	}
	return v.Name
}

// loadKind returns Counter for names that end like those of counters.
func loadKind(name string) Kind {
	if strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum") {
		return Counter
	}
	return Gauge
}

func startKind(name string) Kind {
	base := strings.TrimSuffix(name, "_total")
	if strings.HasSuffix(base, "uptime_seconds") || strings.HasSuffix(base, "uptime_milliseconds") {
		return Uptime
	}
	return Gauge
}

// HasExpression reports whether a metric of the list is an expression.
func (l List) HasExpression() bool {
	return slices.ContainsFunc(l, func(m Metric) bool { return m.Kind == Expression })
}

// CheckNames returns an error if a list has an expression, which only Prometheus can
// evaluate.
func (s *Set) CheckNames() error {
	for _, l := range []List{s.Goroutines, s.Load, s.Start} {
		for _, m := range l {
			if m.Kind == Expression {
				return fmt.Errorf("%q is an expression, which needs a Prometheus: expected the name of a metric, or rate(NAME[5m])", m.Name)
			}
		}
	}
	return nil
}

// Rank returns the place in the list for the name of a series. A name that is in no list
// belongs to an expression. A series without a name belongs to the first metric.
func (l List) Rank(name string) int {
	if name == "" {
		return 0
	}
	expression := 0
	for i, m := range l {
		if m.id(i) == name {
			return i
		}
		if m.Kind == Expression && l[expression].Kind != Expression {
			expression = i
		}
	}
	return expression
}

// scopePrefix begins the labels that OpenTelemetry's exporter adds to a metric. They name the
// measuring library, so they differ between the metrics of one instance.
const scopePrefix = "otel_scope_"

// IsScope reports whether a label names the measuring library, which is not part of the
// identity of an instance.
func IsScope(name string) bool { return strings.HasPrefix(name, scopePrefix) }

// Instance returns the labels of the instance that a series of the metric belongs to.
func (m *Metric) Instance(ls labels.Labels) labels.Labels {
	if m.Container {
		return labels.NewBuilder(ls).Keep("namespace", "pod", "container").Labels()
	}
	more := m.Sum
	ls.Range(func(l labels.Label) {
		if IsScope(l.Name) {
			more = append(slices.Clip(more), l.Name)
		}
	})
	if len(more) == 0 {
		return ls.DropMetricName()
	}
	return labels.NewBuilder(ls).Del(labels.MetricName).Del(more...).Labels()
}
