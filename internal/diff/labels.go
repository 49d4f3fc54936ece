package diff

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// LabelCounts are the counts of goroutines by the value of a pprof label.
type LabelCounts struct {
	Key string `json:"key"`
	// Values are those of both profiles, most grown first. Goroutines without the label have
	// the empty value.
	Values []LabelCount `json:"values"`
}

// LabelCount is the count for one value.
type LabelCount struct {
	Value string `json:"value"`
	Base  int64  `json:"base"`
	Head  int64  `json:"head"`
}

// Growth returns the number of additional goroutines.
func (l LabelCount) Growth() int64 { return l.Head - l.Base }

// maxLabelValues is how many values of a label are distinguished and shown.
const (
	maxLabelValues   = 1000
	maxValuesInTable = 20
)

// otherValues stands for values beyond maxLabelValues.
const otherValues = "(other values)"

// labelled is a profile whose stacks are separated by a label.
type labelled struct {
	all    *stack.Snapshot
	values map[string]*stack.Snapshot
	// main has the goroutine of the function main, if it has not the label.
	main *stack.Snapshot
}

// splitter makes a snapshot for each value of a label, besides that of all.
type splitter struct {
	key      string
	builders map[string]*stack.Builder
}

func newSplitter(key string) *splitter {
	return &splitter{key: key, builders: map[string]*stack.Builder{}}
}

func (s *splitter) add(format collector.Format, rec *collector.Record) error {
	value := rec.Labels[s.key]
	b := s.builders[value]
	if b == nil && len(s.builders) >= maxLabelValues {
		value = otherValues
		b = s.builders[value]
	}
	if b == nil {
		b = stack.NewBuilder()
		s.builders[value] = b
	}
	return b.Add(format, rec)
}

func (s *splitter) snapshots(p *collector.Profile) map[string]*stack.Snapshot {
	out := map[string]*stack.Snapshot{}
	for value, b := range s.builders {
		out[value] = b.Snapshot(p)
	}
	return out
}

// splitLabel splits "KEY" and "KEY=VALUE".
func splitLabel(label string) (key, value string, filter bool) {
	return strings.Cut(label, "=")
}

// byLabel compares two profiles for each value of a label.
func byLabel(key string, base, head labelled) *Report {
	var deltas []stack.Delta
	counts := &LabelCounts{Key: key}
	values := map[string]bool{}
	for value := range base.values {
		values[value] = true
	}
	for value := range head.values {
		values[value] = true
	}
	for value := range values {
		b, h := base.values[value], head.values[value]
		deltas = append(deltas, stack.Diff(b, h)...)
		c := LabelCount{Value: value}
		if b != nil {
			c.Base = b.Total
		}
		if h != nil {
			c.Head = h.Total
		}
		if c.Base+c.Head > 0 {
			counts.Values = append(counts.Values, c)
		}
	}
	slices.SortFunc(deltas, func(a, b stack.Delta) int {
		return cmp.Or(cmp.Compare(b.Growth(), a.Growth()), cmp.Compare(b.Head, a.Head), cmp.Compare(a.Signature, b.Signature), cmp.Compare(a.Labels[key], b.Labels[key]))
	})
	slices.SortFunc(counts.Values, func(a, b LabelCount) int {
		return cmp.Or(cmp.Compare(b.Growth(), a.Growth()), cmp.Compare(b.Head, a.Head), cmp.Compare(a.Value, b.Value))
	})
	r := Of(base.all, head.all, deltas)
	r.Labels = counts
	return r
}

// table writes the counts by label, most grown first.
func (c *LabelCounts) table(b *bufio.Writer) {
	if c == nil {
		return
	}
	_, _ = fmt.Fprintf(b, "\nby label %s\n", human.Line(c.Key, 60))
	for i, v := range c.Values {
		if i == maxValuesInTable {
			_, _ = fmt.Fprintf(b, "  … and %s that changed less\n", human.Plural(int64(len(c.Values)-i), "value", "values"))
			break
		}
		name := human.Line(v.Value, 80)
		if name == "" {
			name = "(without the label)"
		}
		_, _ = fmt.Fprintf(b, "  %s (%s → %s)  %s\n", human.Change(v.Growth()), human.Count(v.Base), human.Count(v.Head), name)
	}
}
