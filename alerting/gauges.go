package alerting

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// Limits of the series: how many leaks have some, how many stacks of each leak, and how many
// characters of a stack's name.
const (
	maxGauged       = 1000
	maxGaugedStacks = 3
	maxStackLabel   = 200
)

// Gauges exposes the firing leaks as metrics, for users who alert by rules in
// Prometheus. The labels are those of the alert without the severity. The series of
// a leak disappear when it resolves.
type Gauges struct {
	leaks   func() []leak.Leak
	options func() RenderOptions
}

// NewGauges makes the metrics of the leaks that leaks returns at each scrape.
func NewGauges(leaks func() []leak.Leak, options func() RenderOptions) *Gauges {
	return &Gauges{leaks, options}
}

// states are the values of the label state of gorowatch_leaks.
var states = []leak.State{leak.Suspected, leak.Firing, leak.Plateaued, leak.Resolved, leak.Ignored}

// Describe implements prometheus.Collector. It describes nothing, because the labels
// of services are not known beforehand.
func (g *Gauges) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (g *Gauges) Collect(ch chan<- prometheus.Metric) {
	o := g.options()
	count := map[leak.State]int{}
	var open []leak.Leak
	for _, l := range g.leaks() {
		count[l.Phase()]++
		if l.State == leak.Firing {
			open = append(open, l)
		}
	}
	total := prometheus.NewDesc("gorowatch_leaks", "Known leaks, by state. Resolved leaks count for a day.", []string{"state"}, nil)
	for _, s := range states {
		ch <- prometheus.MustNewConstMetric(total, prometheus.GaugeValue, float64(count[s]), string(s))
	}
	omitted := max(len(open)-maxGauged, 0)
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc("gorowatch_leaks_omitted", "Firing leaks without series of their own because there are too many. The slowest are left out.", nil, nil),
		prometheus.GaugeValue, float64(omitted))
	if omitted > 0 {
		slices.SortFunc(open, func(a, b leak.Leak) int {
			return cmp.Or(cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.ID, b.ID))
		})
		open = open[:maxGauged]
	}
	for _, l := range open {
		names, values := gaugeLabels(l, "leak")
		gauge := func(name, help string, value float64) {
			ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), prometheus.GaugeValue, value, values...)
		}
		gauge("gorowatch_leak_goroutines", "Goroutines leaked, on all instances.", l.Leaked)
		gauge("gorowatch_leak_growth_per_hour", "Growth of a leak in goroutines per hour, on all instances.", l.Rate.Value)
		gauge("gorowatch_leak_instances", "Instances that leak.", float64(len(l.Instances)))
		gauge("gorowatch_leak_onset_timestamp_seconds", "When a leak began.", float64(l.Onset.UnixMilli())/1000)
		gauge("gorowatch_leak_evidence", "Evidence of a leak: 1 growth, 2 stack, 3 aged, 4 proven.", float64(1+slices.Index([]leak.Evidence{leak.Growth, leak.Stack, leak.Aged, leak.Proven}, l.Evidence)))
		if h := timeToLimit(l, o); !math.IsInf(h, 0) {
			gauge("gorowatch_leak_time_to_limit_seconds", "Time until a leaking instance reaches its limit of goroutines or memory.", h*3600)
		}
		collectStacks(ch, l)
	}
}

// collectStacks sends the goroutines of the stacks of a leak that grow the most.
// Stacks with the same key frame are summed.
func collectStacks(ch chan<- prometheus.Metric, l leak.Leak) {
	names, values := gaugeLabels(l, "leak", "stack")
	desc := prometheus.NewDesc("gorowatch_leak_stack_goroutines",
		"Goroutines in each of the three stacks of a leak that grow most, in the latest profile of the instance that shows it best.", names, nil)
	count := map[string]int64{}
	var order []string
	for _, s := range l.Stacks {
		name := human.Line(cmp.Or(strings.TrimSpace(s.Key.Func+" "+human.Place(s.Key.File, s.Key.Line)), s.Op), maxStackLabel)
		if _, known := count[name]; !known {
			if len(order) == maxGaugedStacks {
				continue
			}
			order = append(order, name)
		}
		count[name] += s.Head
	}
	for _, name := range order {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(count[name]), slices.Concat(values, []string{name})...)
	}
}

// gaugeLabels returns the labels of the service and the ID of the leak. The reserved names come
// after those of the service and replace them; the first reserved name is that of the ID.
func gaugeLabels(l leak.Leak, reserved ...string) (names, values []string) {
	l.Service.Range(func(x labels.Label) {
		if slices.Contains(reserved, x.Name) || strings.HasPrefix(x.Name, model.ReservedLabelPrefix) || !model.UTF8Validation.IsValidLabelName(x.Name) {
			return
		}
		names = append(names, x.Name)
		values = append(values, shortValue(x.Value))
	})
	return append(names, reserved...), append(values, l.ID)
}
