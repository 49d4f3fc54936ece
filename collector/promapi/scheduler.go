package promapi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Scheduler reads the metrics of Go's scheduler for a service, as client_golang exports them.
// names are the labels of a service. ok is false if none of its instances has them. It is one
// query.
func (s *Source) Scheduler(ctx context.Context, service labels.Labels, names []string, now time.Time) (x collector.Scheduler, ok bool, err error) {
	selector, err := s.selectorOf(service, names, s.completes())
	if err != nil {
		return x, false, err
	}
	const prefix, suffix, created = "go_sched_goroutines_", "_goroutines", "go_sched_goroutines_created_goroutines_total"
	inside := strings.TrimSuffix(strings.TrimPrefix(selector, "{"), "}")
	if inside != "" {
		inside = "," + inside
	}
	m, err := s.at(ctx, now, fmt.Sprintf(`sum by (__name__) ({__name__=~"%s(waiting|runnable|running|not_in_go)%s"%s}) or label_replace(sum(rate(%s%s[%s])), "of", "created", "", "")`,
		prefix, suffix, inside, created, selector, model.Duration(signals.Range)))
	x = collector.Scheduler{Waiting: collector.Unknown, Runnable: collector.Unknown, Running: collector.Unknown, NotInGo: collector.Unknown, Created: collector.Unknown}
	to := map[model.LabelValue]*float64{
		prefix + "waiting" + suffix: &x.Waiting, prefix + "runnable" + suffix: &x.Runnable,
		prefix + "running" + suffix: &x.Running, prefix + "not_in_go" + suffix: &x.NotInGo,
	}
	for _, stream := range m {
		v := to[stream.Metric[model.MetricNameLabel]]
		if stream.Metric["of"] == "created" { // "or" takes a series without labels for a match of those before it
			v = &x.Created
		}
		if v != nil {
			*v, ok = float64(stream.Values[0].Value), true
		}
	}
	return x, ok, err
}
