package signals

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// Query makes the expressions for a Prometheus.
type Query struct {
	Set Set
	// Selector narrows the instances: empty or {label matchers}. It applies to names, and not
	// to expressions.
	Selector string
	// Containers narrows the series of containers; empty: they are not read.
	LoadContainers, StartContainers string
	// LoadRanks and StartRanks are the metrics of a list that are read.
	LoadRanks, StartRanks Ranks
	// BareLoad and BareStart are the places of the metrics whose series get no name if their
	// expression drops it: a name costs Prometheus a third of a query.
	BareLoad, BareStart int
	// NegatedLoad is the place of a counter whose loads are negative instead of having a
	// name, unless it is BareLoad. Over a range, loads of both would be one series.
	NegatedLoad int
	// Part selects which of them are read.
	Part Part
}

// Part is a part of the metrics of a list.
type Part int

// The parts.
const (
	All      Part = iota
	Narrowed      // those that Selector narrows
	Others        // expressions and the metrics of containers, which have selectors of their own
)

// asks reports whether the query reads a metric.
func (q *Query) asks(m *Metric) bool {
	return q.Part == All || (q.Part == Others) == (m.Kind == Expression || m.Container)
}

// Ranks are places in a list as bits, 0: all.
type Ranks uint64

// Has reports whether a place is among them.
func (r Ranks) Has(rank int) bool { return r == 0 || r&(1<<rank) != 0 }

// Goroutines returns the expression for the counts. The series keep their names, because an
// instance may have several: Rank decides which one counts.
func (q *Query) Goroutines() string {
	var parts []string
	var names []string
	flush := func() {
		switch len(names) {
		case 0:
		case 1:
			parts = append(parts, names[0]+q.Selector)
		default:
			parts = append(parts, selectNames(names, q.Selector))
		}
		names = nil
	}
	for i, m := range q.Set.Goroutines {
		if !q.asks(&m) {
			continue
		}
		if m.Kind != Expression {
			names = append(names, m.Name)
			continue
		}
		flush()
		parts = append(parts, m.tag(i, 0, m.Name))
	}
	flush()
	return q.alternatives(parts)
}

// Select returns the selectors of the metrics of the counts that Selector narrows.
func (q *Query) Select() (out []string) {
	for _, m := range q.Set.Goroutines {
		if m.Kind != Expression {
			out = append(out, m.Name+q.Selector)
		}
	}
	return out
}

// selectNames selects several metrics at once.
func selectNames(names []string, selector string) string {
	rest := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(selector), "{"), "}"))
	if rest != "" {
		rest = "," + rest
	}
	return `{__name__=~"` + strings.Join(names, "|") + `"` + rest + "}"
}

// GoroutinesOver applies a function such as min_over_time to the counts of a range. The
// step, unless 0, is that of the counts; otherwise all samples count.
func (q *Query) GoroutinesOver(function string, over, step time.Duration) string {
	var parts []string
	for i, m := range q.Set.Goroutines {
		if !q.asks(&m) {
			continue
		}
		sub := ""
		if step > 0 {
			sub = ":" + duration(step)
		} else if m.Kind == Expression {
			sub = ":"
		}
		of := m.Name + q.Selector
		if m.Kind == Expression {
			of = "(" + m.Name + ")"
		}
		parts = append(parts, m.tag(i, 0, fmt.Sprintf("%s(%s[%s%s])", function, of, duration(over), sub)))
	}
	return q.alternatives(parts)
}

// Load returns the expression for the load, with rates over a range.
func (q *Query) Load(over time.Duration) string {
	var parts []string
	for i, m := range q.Set.Load {
		switch {
		case !q.LoadRanks.Has(i), !q.asks(&m):
		case m.Kind == Expression:
			parts = append(parts, q.tagLoad(i, m.Name))
		case m.Container && q.LoadContainers == "":
		case m.Container:
			x := m.Name + q.LoadContainers
			if m.Kind == Counter {
				x = fmt.Sprintf("rate(%s[%s])", x, duration(over))
			}
			parts = append(parts, q.tagLoad(i, "sum by (namespace, pod, container) ("+x+")"), q.tagLoad(i, "sum by (namespace, pod) ("+x+")"))
		default:
			x := m.Name + q.Selector
			if m.Kind == Counter {
				x = fmt.Sprintf("rate(%s[%s])", x, duration(over))
			}
			if len(m.Sum) > 0 {
				x = "sum without (" + strings.Join(m.Sum, ", ") + ") (" + x + ")"
			}
			parts = append(parts, q.tagLoad(i, x))
		}
	}
	return q.alternatives(parts)
}

// tagLoad is tag for a load.
func (q *Query) tagLoad(i int, expr string) string {
	if i == q.NegatedLoad && i != q.BareLoad {
		return "-" + expr
	}
	return q.Set.Load[i].tag(i, q.BareLoad, expr)
}

// Start returns the expression for the starts of the processes.
func (q *Query) Start() string { return q.start(false) }

// StartOrUptime returns the expression for the starts of the processes, or for their uptimes if
// they export these. All of them have the names of their metrics, so that it costs no more than
// one metric.
func (q *Query) StartOrUptime() string { return q.start(true) }

func (q *Query) start(uptimes bool) string {
	var parts, names []string
	for i, m := range q.Set.Start {
		switch {
		case !q.StartRanks.Has(i), !q.asks(&m):
		case m.Kind == Expression:
			parts = append(parts, m.tag(i, q.BareStart, m.Name))
		case m.Container && q.StartContainers == "":
		case m.Container:
			x := m.Name + q.StartContainers
			parts = append(parts, m.tag(i, q.BareStart, "max by (namespace, pod, container) ("+x+")"), m.tag(i, q.BareStart, "max by (namespace, pod) ("+x+")"))
		case uptimes:
			names = append(names, m.Name)
		case m.Kind == Uptime:
			x := m.Name + q.Selector
			scale := ""
			if m.Milliseconds {
				scale = " / 1000"
			}
			parts = append(parts, m.tag(i, q.BareStart, "timestamp("+x+") - "+x+scale))
		default:
			parts = append(parts, m.Name+q.Selector)
		}
	}
	switch len(names) {
	case 0:
	case 1:
		parts = append([]string{names[0] + q.Selector}, parts...)
	default:
		parts = append([]string{selectNames(names, q.Selector)}, parts...)
	}
	return q.alternatives(parts)
}

// alternatives returns an expression that tries the parts in order for each set of labels.
// Without any, the expression has no series; that of a part is empty. The last ones are
// combined first: "or" looks at all series of both sides, and the last ones are the fewest.
func (q *Query) alternatives(parts []string) string {
	switch {
	case len(parts) > 0:
	case q.Part == All:
		return "vector(0) > 1"
	default:
		return ""
	}
	n := len(parts)
	return strings.Join(parts[:max(1, n-1)], " or (") + last(parts) + strings.Repeat(")", max(0, n-2))
}

func last(parts []string) string {
	if len(parts) == 1 {
		return ""
	}
	return " or " + parts[len(parts)-1]
}

// tag gives the name of the metric to the series of an expression that drops it, so that the
// alternative is known. A single alternative needs none.
func (m *Metric) tag(i, bare int, expr string) string {
	if i == bare {
		return expr
	}
	return "label_replace(" + expr + `, "__name__", "` + m.id(i) + `", "", "")`
}

// id returns the name of the series of the metric with this place in the list.
func (m *Metric) id(i int) string {
	if m.Kind == Expression {
		return "expression_" + strconv.Itoa(i)
	}
	return m.Name
}

func duration(d time.Duration) string { return model.Duration(d.Truncate(time.Millisecond)).String() }

// Containers returns the selector of the containers of some namespaces, without those that hold
// the network of a pod.
func Containers(namespaces []string) string {
	const most = 4 << 10 // bytes; a query may not be much longer than 8 KB
	quoted := make([]string, len(namespaces))
	size := 0
	for i, n := range namespaces {
		quoted[i] = regexp.QuoteMeta(n)
		size += len(quoted[i]) + 1
	}
	if size > most {
		return `{container!~"|POD"}`
	}
	return `{container!~"|POD",namespace=~` + strconv.Quote(strings.Join(quoted, "|")) + "}"
}
