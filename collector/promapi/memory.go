package promapi

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// The growth of memory is measured since a leak began, within these bounds.
const (
	shortestGrowth = 15 * time.Minute
	longestGrowth  = 24 * time.Hour
	// maxPods bounds the pods of a service whose limits are read.
	maxPods = 200
)

// Memory reads how the memory of the instances of a service has grown since a time, and the
// limits of their containers. The instances agree on the labels with these names. Instances
// without a known limit are left out: they need the labels namespace and pod, by which the
// kubelet's metrics are found.
func (s *Source) Memory(ctx context.Context, service labels.Labels, names []string, now, since time.Time) ([]collector.Memory, error) {
	sel, err := s.selectorOf(service, names, false)
	if err != nil {
		return nil, err
	}
	used, err := s.at(ctx, now, fmt.Sprintf("go_memstats_stack_inuse_bytes%[1]s + go_memstats_heap_inuse_bytes%[1]s", sel))
	if err != nil {
		return nil, err
	}
	pods := map[string][]string{} // by namespace
	n := 0
	for _, x := range used {
		namespace, pod := string(x.Metric["namespace"]), string(x.Metric["pod"])
		if namespace != "" && pod != "" && n < maxPods && !slices.Contains(pods[namespace], pod) {
			pods[namespace] = append(pods[namespace], pod)
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	limits, err := s.limits(ctx, now, pods)
	if err != nil || len(limits) == 0 {
		return nil, err
	}
	over := model.Duration(min(max(now.Sub(since), shortestGrowth), longestGrowth).Truncate(time.Second))
	growth, err := s.at(ctx, now, fmt.Sprintf("deriv(go_memstats_stack_inuse_bytes%[1]s[%[2]s]) + deriv(go_memstats_heap_inuse_bytes%[1]s[%[2]s])", sel, over))
	if err != nil {
		return nil, err
	}
	perSecond := make(map[model.Fingerprint]float64, len(growth))
	for _, x := range growth {
		perSecond[x.Metric.Fingerprint()] = float64(x.Values[0].Value)
	}
	// Of several replicas, the first one by labels counts.
	slices.SortFunc(used, func(a, b *model.SampleStream) int {
		return labels.Compare(withoutName(a.Metric), withoutName(b.Metric))
	})
	seen := map[string]bool{}
	var out []collector.Memory
	for _, x := range used {
		m := collector.Memory{
			Labels: s.replicas.Identity(withoutName(x.Metric)), Used: float64(x.Values[0].Value),
			Limit: limits.of(x.Metric), PerHour: 3600 * perSecond[x.Metric.Fingerprint()],
		}
		key := string(m.Labels.Bytes(nil))
		if m.Limit > 0 && !seen[key] {
			seen[key] = true
			out = append(out, m)
		}
	}
	return out, nil
}

// at reads an expression at one moment; each of the series has one value.
func (s *Source) at(ctx context.Context, now time.Time, expr string) (model.Matrix, error) {
	m, _, err := s.query(ctx, expr, v1.Range{Start: now, End: now, Step: s.o.Step})
	return slices.DeleteFunc(m, func(x *model.SampleStream) bool { return len(x.Values) == 0 }), err
}

// containerLimits has the memory limits of the containers of each pod, by namespace and pod,
// and then by container.
type containerLimits map[[2]string]map[string]float64

func (s *Source) limits(ctx context.Context, now time.Time, pods map[string][]string) (containerLimits, error) {
	out := containerLimits{}
	for namespace, names := range pods {
		for i := range names {
			names[i] = regexp.QuoteMeta(names[i])
		}
		sel := []string{
			labels.MustNewMatcher(labels.MatchEqual, "namespace", namespace).String(),
			labels.MustNewMatcher(labels.MatchRegexp, "pod", strings.Join(names, "|")).String(),
			labels.MustNewMatcher(labels.MatchNotRegexp, "container", "|POD").String(),
		}
		// 0 means no limit.
		m, err := s.at(ctx, now, "max by (namespace, pod, container) (container_spec_memory_limit_bytes{"+strings.Join(sel, ",")+"} > 0)")
		if err != nil {
			return nil, err
		}
		for _, x := range m {
			key := [2]string{string(x.Metric["namespace"]), string(x.Metric["pod"])}
			if out[key] == nil {
				out[key] = map[string]float64{}
			}
			out[key][string(x.Metric["container"])] = float64(x.Values[0].Value)
		}
	}
	return out, nil
}

// of returns the limit of the container of an instance. If the instance does not name its
// container, the largest limit of its pod counts: the limit of a sidecar must not wake anybody
// up. 0: not known.
func (l containerLimits) of(m model.Metric) (limit float64) {
	containers := l[[2]string{string(m["namespace"]), string(m["pod"])}]
	if name, ok := m["container"]; ok {
		return containers[string(name)]
	}
	for _, x := range containers {
		limit = max(limit, x)
	}
	return limit
}
