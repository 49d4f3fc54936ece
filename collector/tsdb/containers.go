package tsdb

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/gorowatch/gorowatch/collector/signals"
)

// addContainers gives instances without a load or start of their own those of their containers:
// by namespace, pod and container, or of the whole pod.
func addContainers(ctx context.Context, o *Options, all map[string]*instance, lo, hi int64, in each) error {
	for _, s := range []struct {
		list signals.List
		of   func(*instance) *[][]signals.Points
	}{
		{o.Signals.Load, func(x *instance) *[][]signals.Points { return &x.raw.Load }},
		{o.Signals.Start, func(x *instance) *[][]signals.Points { return &x.raw.Start }},
	} {
		namespaces := map[string]bool{}
		for _, x := range all {
			if lacks(*s.of(x)) && x.labels.Has("pod") && x.labels.Has("namespace") {
				namespaces[x.labels.Get("namespace")] = true
			}
		}
		var names []string
		for _, m := range s.list {
			if m.Container {
				names = append(names, regexp.QuoteMeta(m.Name))
			}
		}
		if len(names) == 0 || len(namespaces) == 0 {
			continue
		}
		quoted := slices.Sorted(maps.Keys(namespaces))
		for i := range quoted {
			quoted[i] = regexp.QuoteMeta(quoted[i])
		}
		found, err := read(ctx, []*labels.Matcher{
			labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, strings.Join(names, "|")),
			labels.MustNewMatcher(labels.MatchRegexp, "namespace", strings.Join(quoted, "|")),
			labels.MustNewMatcher(labels.MatchNotRegexp, "container", "|POD"),
		}, s.list, lo, hi, in, &leftOut{})
		if err != nil {
			return err
		}
		byPod := map[string][]*vector{}
		for _, v := range found {
			key := podOf(v.labels)
			byPod[key] = append(byPod[key], v)
		}
		for _, x := range all {
			to := s.of(x)
			if !lacks(*to) || !x.labels.Has("pod") {
				continue
			}
			own := slices.ContainsFunc(byPod[podOf(x.labels)], func(v *vector) bool { return v.labels.Get("container") == x.labels.Get("container") })
			for _, v := range byPod[podOf(x.labels)] {
				if own && v.labels.Get("container") != x.labels.Get("container") {
					continue
				}
				for rank, series := range v.byRank {
					(*to)[rank] = append((*to)[rank], series...)
				}
			}
		}
	}
	return nil
}

// readPods reads the pods that OpenTelemetry's target_info names.
func readPods(ctx context.Context, o *Options, lo, hi int64, in each) (*signals.Pods, error) {
	pods := &signals.Pods{}
	matchers := append([]*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, signals.TargetInfo),
		labels.MustNewMatcher(labels.MatchNotEqual, "k8s_pod_name", ""),
	}, o.Matchers...)
	err := in(lo, hi, func(q storage.Querier) error {
		set := q.Select(ctx, false, nil, matchers...)
		for set.Next() {
			pods.Add(set.At().Labels())
		}
		return set.Err()
	})
	return pods, err
}

// lacks reports whether there are no samples of any metric.
func lacks(all [][]signals.Points) bool {
	return !slices.ContainsFunc(all, func(series []signals.Points) bool { return len(series) > 0 })
}

func podOf(ls labels.Labels) string { return ls.Get("namespace") + "\xff" + ls.Get("pod") }
