package promapi

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gorowatch/gorowatch/collector"
)

// join puts the counts, loads and start times of the instances together,
// chunk by chunk in time order.
type join struct {
	byKey   map[string]*collector.Series
	order   []string
	metrics *Metrics
	// young is how long the load of a process is unknown: a rate is too low
	// before there are samples for all of its range.
	young time.Duration
}

func newJoin(m *Metrics, young time.Duration) *join {
	return &join{byKey: map[string]*collector.Series{}, metrics: m, young: young}
}

// longestRange is the longest range of an expression's rates, 0 if it has none.
func longestRange(expr string) (longest time.Duration, err error) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return 0, err
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if m, ok := n.(*parser.MatrixSelector); ok {
			longest = max(longest, m.Range)
		}
		return nil
	})
	return longest, nil
}

func (j *join) series() []collector.Series {
	out := make([]collector.Series, 0, len(j.order))
	for _, k := range j.order {
		if s := j.byKey[k]; len(s.Samples) > 0 {
			out = append(out, *s)
		}
	}
	return out
}

// add appends a chunk. Counts decide which samples there are; a load or start
// time without a count is of no use.
func (j *join) add(counts, loads, starts model.Matrix) {
	load, start := newSide(loads), newSide(starts)
	seen := make(map[string]bool, len(counts))
	for _, stream := range counts {
		ls := instanceLabels(stream.Metric)
		key := string(ls.Bytes(nil))
		if seen[key] {
			j.metrics.dropped.WithLabelValues(dropDuplicate).Inc()
			continue
		}
		seen[key] = true
		s, ok := j.byKey[key]
		if !ok {
			s = &collector.Series{Labels: ls}
			j.byKey[key] = s
			j.order = append(j.order, key)
		}
		loadAt, startAt := load.of(stream.Metric), start.of(stream.Metric)
		s.Samples = slices.Grow(s.Samples, len(stream.Values))
		for _, p := range stream.Values {
			v := float64(p.Value)
			if math.IsNaN(v) || math.IsInf(v, 0) {
				j.metrics.dropped.WithLabelValues(dropNotFinite).Inc()
				continue
			}
			if n := len(s.Samples); n > 0 && s.Samples[n-1].T >= int64(p.Timestamp) {
				j.metrics.dropped.WithLabelValues(dropOutOfOrder).Inc()
				continue
			}
			x := collector.Sample{T: int64(p.Timestamp), Count: v, Load: loadAt.value(p.Timestamp), Start: startAt.value(p.Timestamp)}
			if age := float64(x.T)/1000 - x.Start; age < j.young.Seconds() {
				x.Load = collector.Unknown
			}
			s.Samples = append(s.Samples, x)
		}
	}
}

// instanceLabels are the labels of a series without its name.
func instanceLabels(m model.Metric) labels.Labels {
	b := labels.NewScratchBuilder(len(m))
	for name, value := range m {
		if name != model.MetricNameLabel {
			b.Add(string(name), string(value))
		}
	}
	b.Sort()
	return b.Labels()
}

// side is a result that is joined to the counts by the labels it has.
type side struct {
	// sets are the distinct sets of label names in the result, usually one.
	sets []labelSet
}

type labelSet struct {
	names []model.LabelName
	byKey map[string][]model.SamplePair
}

func newSide(m model.Matrix) *side {
	s := &side{}
	index := map[string]int{}
	for _, stream := range m {
		names := make([]model.LabelName, 0, len(stream.Metric))
		for name := range stream.Metric {
			if name != model.MetricNameLabel {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		id := joinNames(names)
		i, ok := index[id]
		if !ok {
			i = len(s.sets)
			index[id] = i
			s.sets = append(s.sets, labelSet{names: names, byKey: map[string][]model.SamplePair{}})
		}
		key, _ := s.sets[i].key(stream.Metric)
		s.sets[i].byKey[key] = stream.Values
	}
	// More labels say more: they are asked first.
	slices.SortStableFunc(s.sets, func(a, b labelSet) int { return len(b.names) - len(a.names) })
	return s
}

func joinNames(names []model.LabelName) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(string(n))
		b.WriteByte(0xff)
	}
	return b.String()
}

// key is the values of the set's labels in m; false if m lacks one.
func (l *labelSet) key(m model.Metric) (string, bool) {
	var b strings.Builder
	for _, n := range l.names {
		v, ok := m[n]
		if !ok {
			return "", false
		}
		b.WriteString(string(v))
		b.WriteByte(0xff)
	}
	return b.String(), true
}

// of finds the values for a series of counts.
func (s *side) of(m model.Metric) *cursor {
	for i := range s.sets {
		if key, ok := s.sets[i].key(m); ok {
			if values, ok := s.sets[i].byKey[key]; ok {
				return &cursor{values: values}
			}
		}
	}
	return &cursor{}
}

// cursor walks through values along with the counts.
type cursor struct {
	values []model.SamplePair
	next   int
}

// value is what there is at exactly t, else collector.Unknown. Calls come in
// time order.
func (c *cursor) value(t model.Time) float64 {
	for c.next < len(c.values) && c.values[c.next].Timestamp < t {
		c.next++
	}
	if c.next < len(c.values) && c.values[c.next].Timestamp == t {
		if v := float64(c.values[c.next].Value); !math.IsInf(v, 0) {
			return v
		}
	}
	return collector.Unknown
}
