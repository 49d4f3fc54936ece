package promapi

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// maxMatcher bounds the bytes of a matcher by value, because a query may not be much longer
// than 8 KB.
const maxMatcher = 4 << 10

// completePods adds the pods to the labels of instances without one, by OpenTelemetry's
// target_info. It asks once for each of them.
func (s *Source) completePods(ctx context.Context, r v1.Range, warnings *[]string) error {
	v := s.join.counts
	if len(v.fresh) == 0 {
		return nil
	}
	infos := newVector(2*maxReplicas*s.o.SeriesLimit, signals.List{{Name: signals.TargetInfo}})
	infos.named = true
	exprs := []string{s.podExpr(v.fresh, r.End.Sub(r.Start))}
	notes, err := s.readInto(ctx, infos, exprs, v1.Range{Start: r.End, End: r.End, Step: s.o.Step}, false)
	switch {
	case err == nil:
	case collector.ReasonOf(err) == collector.ReasonBadData: // the server would refuse it again
		*warnings = appendNew(*warnings, "the pods of instances without a pod label are not known: "+err.Error())
		infos.read = nil
	default:
		return err
	}
	for _, text := range notes {
		*warnings = appendNew(*warnings, text)
	}
	var pods signals.Pods
	for _, x := range infos.read {
		pods.Add(x.of.labels)
	}
	for _, x := range v.fresh {
		in := x.of
		in.container = pods.Complete(in.labels)
		in.shown = s.shownLabels(in.labels, in.container)
		s.completed = s.completed || in.container.Len() > in.labels.Len()
	}
	v.fresh = nil
	return nil
}

// shownLabels returns the labels that an instance is shown with: its own, and those of its pod.
// With a Share, only its own decide on its service: a Prometheus can only select by these, and
// by others two shards could disagree.
func (s *Source) shownLabels(own, completed labels.Labels) labels.Labels {
	if s.o.Share == nil || own.Len() == completed.Len() {
		return completed
	}
	b := labels.NewBuilder(completed)
	for _, name := range s.o.Share.GroupBy {
		if !own.Has(name) {
			b.Del(name)
		}
	}
	return b.Labels()
}

// podExpr returns the expression for the pods of some instances.
func (s *Source) podExpr(of []*series, over time.Duration) string {
	var names []string
	size := 0
	for _, x := range of {
		name := regexp.QuoteMeta(x.of.labels.Get(model.InstanceLabel))
		names = append(names, name)
		size += len(name) + 1
	}
	if size >= maxMatcher {
		return s.targetInfo(over)
	}
	slices.Sort(names)
	return s.targetInfo(over, model.InstanceLabel+"=~"+strconv.Quote(strings.Join(slices.Compact(names), "|")))
}

// targetInfo returns the expression for the pods of the instances that matchers select, over a
// time.
func (s *Source) targetInfo(over time.Duration, matchers ...string) string {
	expr := signals.TargetInfo + narrower(s.o.Selector, append(matchers, `k8s_pod_name!=""`)...)
	if over > 0 {
		over = (over + signals.Lookback).Truncate(time.Second)
		expr = "last_over_time(" + expr + "[" + model.Duration(over).String() + "])"
	}
	return "group by (job, instance, " + strings.Join(signals.PodAttributes(), ", ") + ") (" + expr + ")"
}

// podsOf reads the pods of a service over the time of a chart. It selects by the labels of the
// service, which need not be those of the series. If all instances name their pod, it makes no
// query.
func (s *Source) podsOf(ctx context.Context, service labels.Labels, r v1.Range) (pods *signals.Pods, err error) {
	pods = &signals.Pods{}
	if !s.completes() {
		return nil, nil
	}
	var matchers []string
	for _, name := range []string{model.JobLabel, model.InstanceLabel} {
		if value := service.Get(name); value != "" {
			matchers = append(matchers, labels.MustNewMatcher(labels.MatchEqual, name, value).String())
		}
	}
	m, _, err := s.query(ctx, s.targetInfo(r.End.Sub(r.Start), matchers...), v1.Range{Start: r.End, End: r.End, Step: s.o.Step})
	for _, stream := range m {
		pods.Add(withoutName(stream.Metric))
	}
	return pods, err
}

// completes reports whether pods of instances are completed.
func (s *Source) completes() bool {
	s.shownMtx.Lock()
	defer s.shownMtx.Unlock()
	return s.shownCompleted
}

// podMatcher matches a label of a pod, which the series may lack.
func podMatcher(name, value string) *labels.Matcher {
	return labels.MustNewMatcher(labels.MatchRegexp, name, regexp.QuoteMeta(value)+"|")
}
