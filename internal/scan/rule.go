package scan

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Rule is an alerting rule as in Prometheus: it fires for each series of Expr that exists, at
// each evaluation, for the time For.
type Rule struct {
	Expr string
	For  time.Duration
}

// forClause finds the last "for DURATION". If the rest has a quote or a bracket, it belongs to
// the expression.
var forClause = regexp.MustCompile("(?s)^(.*?)\\s+for(?:\\s+([^\\s\"'`{}()\\[\\]]*))?\\s*$")

// ParseRule reads "EXPR for DURATION". Without a duration the rule fires at once. Prometheus
// decides whether EXPR is valid.
func ParseRule(s string) (Rule, error) {
	const expected = `expected "EXPR for DURATION", e.g. "go_goroutines > 1000 for 10m"`
	m := forClause.FindStringSubmatch(" " + s)
	switch {
	case strings.TrimSpace(s) == "", m != nil && strings.TrimSpace(m[1]) == "":
		return Rule{}, fmt.Errorf("%q has no expression, %s", s, expected)
	case m == nil:
		return Rule{Expr: s}, nil
	case m[2] == "":
		return Rule{}, fmt.Errorf(`%q has no duration after "for", %s`, s, expected)
	}
	d, err := model.ParseDuration(m[2])
	if err != nil {
		return Rule{}, fmt.Errorf(`%q is not a duration, expected e.g. 30s, 10m or 1h after "for"`, m[2])
	}
	return Rule{Expr: m[1][1:], For: time.Duration(d)}, nil
}

// String returns the text that ParseRule reads.
func (r Rule) String() string {
	if r.For == 0 {
		return r.Expr
	}
	return r.Expr + " for " + model.Duration(r.For).String()
}

// Evaluator evaluates an expression at start, at each step after it, and at
// end. Where it has no value, there is no sample.
type Evaluator interface {
	Matrix(ctx context.Context, expr string, start, end time.Time) (model.Matrix, []string, error)
}

// Bounds of a compared rule. A rule beyond them is useless.
const (
	maxRuleSeries  = 10_000
	maxRuleFirings = 1_000_000
)

// alerts are the alerts of a rule, series by series.
type alerts struct {
	rule    Rule
	step    time.Duration
	series  map[model.Fingerprint]*alert
	firings int
}

// alert is the alert of one series.
type alert struct {
	labels  labels.Labels
	since   int64 // ms, first of the evaluations in a row
	last    int64 // ms, latest evaluation at which the series existed
	firing  bool
	firings []firing
}

// firing is the time from the evaluation at which an alert fired to the one at which it no
// longer did, in ms.
type firing struct{ from, to int64 }

// ongoing is the end of an alert that still fires.
const ongoing = int64(1) << 62

func newAlerts(r Rule, step time.Duration) *alerts {
	return &alerts{rule: r, step: step, series: map[model.Fingerprint]*alert{}}
}

// add goes through the evaluations of a window, which follows the one before.
func (a *alerts) add(m model.Matrix) error {
	for _, stream := range m {
		key := stream.Metric.Fingerprint()
		s := a.series[key]
		if s == nil {
			if len(a.series) == maxRuleSeries {
				return fmt.Errorf("%s: more than %d series, expected an expression with one series for each alert", a.rule, maxRuleSeries)
			}
			s = &alert{labels: ruleLabels(stream.Metric)}
			a.series[key] = s
		}
		for _, v := range stream.Values {
			if a.firings += s.at(int64(v.Timestamp), a.step.Milliseconds(), a.rule.For.Milliseconds()); a.firings > maxRuleFirings {
				return fmt.Errorf("%s: fires more than %d times", a.rule, maxRuleFirings)
			}
		}
	}
	return nil
}

// at handles an evaluation at which the series exists; it returns how many alerts have begun.
func (s *alert) at(t, step, hold int64) int {
	if s.last == 0 || t-s.last > step {
		s.end(s.last + step)
		s.since = t
	}
	s.last = t
	if s.firing || t-s.since < hold {
		return 0
	}
	s.firing = true
	s.firings = append(s.firings, firing{t, ongoing})
	return 1
}

// end resolves a firing alert.
func (s *alert) end(t int64) {
	if s.firing {
		s.firings[len(s.firings)-1].to = t
		s.firing = false
	}
}

// finish resolves the alerts that were gone at the last evaluation.
func (a *alerts) finish(last time.Time) {
	for _, s := range a.series {
		if s.last+a.step.Milliseconds() <= last.UnixMilli() {
			s.end(s.last + a.step.Milliseconds())
		}
	}
}

// ruleLabels returns the labels of the alerts of a series.
func ruleLabels(m model.Metric) labels.Labels {
	b := labels.NewScratchBuilder(len(m))
	for name, value := range m {
		if name != model.MetricNameLabel {
			b.Add(string(name), string(value))
		}
	}
	b.Sort()
	return b.Labels()
}
