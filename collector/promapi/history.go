package promapi

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// scrapesApart is the longest usual distance of samples. The server condenses longer steps;
// shorter ones have a sample each.
const scrapesApart = 5 * time.Minute

// History reads the counts of the instances of a service for a chart. The instances have the
// labels of the service, and those of names that it does not have are empty. The server reduces
// the samples, so the answer does not grow with the window.
func (s *Source) History(ctx context.Context, service labels.Labels, names []string, from, to time.Time, step time.Duration) (collector.History, error) {
	selector, err := s.selectorOf(service, names, s.completes())
	if err != nil {
		return collector.History{}, err
	}
	steps := int((to.Sub(from) + step - 1) / step)
	h := collector.History{Start: from.Add(step), Step: step, Steps: steps}
	r := v1.Range{Start: h.Start, End: h.Start.Add(time.Duration(steps-1) * step), Step: step}

	q := s.narrowed(selector, service, names)
	least, most := q.Goroutines(), ""
	if step >= scrapesApart {
		least, most = q.GoroutinesOver("min_over_time", step, 0), q.GoroutinesOver("max_over_time", step, 0)
	}
	exprs := []string{least, most, q.Load(max(signals.Range, step)), q.Start()}
	pods, err := s.podsOf(ctx, service, r)
	if err != nil {
		return collector.History{}, err
	}
	results := make([]model.Matrix, len(exprs))
	notes := make([]v1.Warnings, len(exprs))
	g, ctx := errgroup.WithContext(ctx)
	for i, expr := range exprs {
		if expr != "" {
			g.Go(func() (err error) {
				results[i], notes[i], err = s.query(ctx, expr, r)
				return err
			})
		}
	}
	if err := g.Wait(); err != nil {
		return collector.History{}, err
	}
	for _, ws := range notes {
		for _, w := range ws {
			h.Warnings = appendNew(h.Warnings, w)
		}
	}

	at := func(t model.Time) int {
		return int(math.Round(float64(int64(t)-h.Start.UnixMilli()) / float64(step.Milliseconds())))
	}
	byInstance := map[string]*collector.InstanceHistory{}
	var shown []labels.Labels                                 // of each instance
	others := q.Set.Goroutines.HasExpression() || pods != nil // there may be other services
	lists := []signals.List{q.Set.Goroutines, q.Set.Goroutines, q.Set.Load, q.Set.Start}
	for k, m := range results {
		// If an instance has several metrics, the one that comes first stays, and its own
		// container before the whole of its pod.
		rank := func(s *model.SampleStream) int { return lists[k].Rank(string(s.Metric[model.MetricNameLabel])) }
		slices.SortStableFunc(m, func(a, b *model.SampleStream) int {
			return cmp.Or(rank(b)-rank(a), len(a.Metric)-len(b.Metric))
		})
		for _, stream := range m {
			ls := withoutName(stream.Metric)
			as := ls
			if k == 0 && pods != nil {
				completed := pods.Complete(ls)
				ls, as = completed, s.shownLabels(ls, completed)
			}
			if collector.LabelsProblem(ls) != "" || k == 0 && others && !labels.Equal(labels.NewBuilder(as).Keep(names...).Labels(), service) {
				continue
			}
			found := instancesOf(&h, byInstance, ls, k == 0)
			if len(shown) < len(h.Instances) {
				shown = append(shown, as)
			}
			for _, in := range found {
				for _, p := range stream.Values {
					if i := at(p.Timestamp); i >= 0 && i < steps {
						v := float64(p.Value)
						if k == 3 {
							v = collector.KnownStart(v, int64(p.Timestamp))
						}
						put(in, k, i, v)
					}
				}
			}
		}
	}
	for i := range h.Instances {
		h.Instances[i].Labels = shown[i]
	}
	h.Instances = s.replicas.MergeHistory(h.Instances)
	return h, nil
}

// put puts a value of the k-th expression into step i.
func put(in *collector.InstanceHistory, k, i int, v float64) {
	switch k {
	case 0, 1:
		if !collector.ValidCount(v) {
			return
		}
	case 2:
		v = collector.KnownLoad(v)
	}
	switch k {
	case 0:
		in.Min[i] = v
		in.Max[i] = v
	case 1:
		in.Max[i] = max(in.Max[i], v)
	case 2:
		in.Load[i] = v
	case 3:
		in.Start[i] = v
	}
}

// instancesOf returns the instances of a series: the one with its labels, which is added if
// grow allows it, else all that agree with it.
func instancesOf(h *collector.History, byInstance map[string]*collector.InstanceHistory, ls labels.Labels, grow bool) (out []*collector.InstanceHistory) {
	key := string(ls.Bytes(nil))
	if in, ok := byInstance[key]; ok {
		return []*collector.InstanceHistory{in}
	}
	if grow {
		// Its slices are shared with the copy in h.
		in := collector.NewInstanceHistory(ls, h.Steps)
		h.Instances = append(h.Instances, in)
		byInstance[key] = &in
		return []*collector.InstanceHistory{&in}
	}
	for i := range h.Instances {
		agrees := !ls.IsEmpty()
		ls.Range(func(l labels.Label) { agrees = agrees && h.Instances[i].Labels.Get(l.Name) == l.Value })
		if agrees {
			out = append(out, &h.Instances[i])
		}
	}
	return out
}

// withoutName returns the labels of the instance of a series.
func withoutName(m model.Metric) labels.Labels {
	b := labels.NewScratchBuilder(len(m))
	for name, value := range m {
		if name != model.MetricNameLabel && !signals.IsScope(string(name)) {
			b.Add(string(name), string(value))
		}
	}
	b.Sort()
	return b.Labels()
}

// selectorOf narrows the selector to the instances of one service. If pods may be completed,
// the series may lack labels of a pod.
func (s *Source) selectorOf(service labels.Labels, names []string, completed bool) (string, error) {
	var matchers []*labels.Matcher
	if s.o.Selector != "" {
		var err error
		if matchers, err = parser.NewParser(parser.Options{}).ParseMetricSelector(s.o.Selector); err != nil {
			return "", fmt.Errorf("promapi: selector %q: %w", s.o.Selector, err)
		}
	}
	for _, name := range names {
		if completed && (name == "namespace" || name == "pod" || name == "container") {
			matchers = append(matchers, podMatcher(name, service.Get(name)))
			continue
		}
		matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, name, service.Get(name)))
	}
	var b strings.Builder
	for i, m := range matchers {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.String())
	}
	return "{" + b.String() + "}", nil
}
