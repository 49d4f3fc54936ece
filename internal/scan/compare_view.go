package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/internal/human"
)

// The columns of the table that compares.
var comparedHeader = []string{"SERVICE", "GOROWATCH", "THE RULE", "FIRST", "FIRINGS OF THE RULE"}

// comparedRows returns the services of the comparison.
func (r *Result) comparedRows() [][]string {
	var out [][]string
	for _, c := range r.Comparison.Services {
		here, there, first := "–", "–", "only gorowatch"
		if !c.Detected.IsZero() {
			here = stamp(c.Detected, r.End) + ", " + string(c.State)
		}
		if !c.Fired.IsZero() {
			there = stamp(c.Fired, r.End) + ", " + c.outcome()
		}
		lead, both := c.Lead()
		switch {
		case both && lead > 0:
			first = "gorowatch, " + human.Duration(lead)
		case both && lead < 0:
			first = "rule, " + human.Duration(-lead)
		case both:
			first = "at once"
		case c.Detected.IsZero():
			first = "only rule"
		}
		out = append(out, []string{name(c.Labels, r.curves), here, there, first, firings(c)})
	}
	return out
}

// name returns the name of a service as in the table of leaks, or the labels of a series
// without a service.
func name(ls labels.Labels, c *curves) string {
	if c.services[serviceKey(ls)] != nil {
		return human.Line(alerting.ServiceName(ls), 40)
	}
	return human.Line(ls.String(), 60)
}

// outcome says how a rule's alerts ended.
func (c Compared) outcome() string {
	switch {
	case c.Firing:
		return "firing"
	case c.Recovered:
		return "recovered"
	}
	return "resolved"
}

// firings says how often the rule fired, and on which series of the service: by the instance,
// or by the labels that the service does not have.
func firings(c Compared) string {
	if c.Firings == 0 {
		return "–"
	}
	var names []string
	for _, s := range c.Series {
		if instance := s.Get("instance"); instance != "" && !c.Labels.Has("instance") {
			names = append(names, human.Line(instance, 40))
			continue
		}
		var parts []string
		s.Range(func(l labels.Label) {
			if !c.Labels.Has(l.Name) {
				parts = append(parts, l.Name+"="+l.Value)
			}
		})
		if len(parts) > 0 {
			names = append(names, human.Line(strings.Join(parts, " "), 60))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	s := human.Count(int64(c.Firings))
	if len(names) > 0 {
		s += " on " + list(names, 2)
	}
	return s
}

// comparedNotes summarizes the comparison.
func (r *Result) comparedNotes(left int) []string {
	c := r.Comparison
	var out []string
	if left > 0 {
		out = append(out, fmt.Sprintf("%s more: --limit=0 shows all.", human.Count(int64(left))))
	}
	s := fmt.Sprintf("Both %d, only gorowatch %d, only the rule %d", c.Both, c.OnlyHere, c.OnlyRule)
	if c.OnlyRule > 0 {
		s += fmt.Sprintf(" (of which %d recovered by themselves)", c.Recovered)
	}
	return append(out, s+".")
}

// title names the rule.
func (c *Comparison) title() string { return "Compared with " + human.Line(c.Rule.String(), 200) + ":" }

// compared writes the comparison for a terminal.
func (r *Result) compared(v View) []string {
	rows, left := v.cut(r.comparedRows())
	lines := append(wrap(r.Comparison.title(), v.Width), "")
	if len(rows) > 0 {
		lines = append(append(lines, grid{rows: append([][]string{comparedHeader}, rows...)}.lines(v.Width)...), "")
	}
	for _, note := range r.comparedNotes(left) {
		lines = append(lines, wrap(note, v.Width)...)
	}
	return lines
}
