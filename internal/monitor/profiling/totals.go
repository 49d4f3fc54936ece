package profiling

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// planTotals plans the profiles of the instances without series. Each has a baseline of its own at every
// baseline interval, even while its service is suspicious, because nothing else shows how many
// goroutines it has. One that pushes is counted by its next push.
func (p *Planner) planTotals(now time.Time, s *Service, n *Need, plan *Plan) {
	for _, name := range slices.Concat(n.Totals, n.Uncounted) {
		in, counted := s.instance(name), slices.Contains(n.Totals, name)
		if in == nil || in.pulling || counted && (in.Ended() || !in.totalDue(now, p.BaselineInterval)) {
			continue
		}
		awaited := func(w Want) bool { return w.Proof == nil && labels.Equal(w.instance, in.Labels) }
		switch pushed := p.isPushed(now, in); {
		case pushed && !slices.ContainsFunc(plan.Wants, awaited):
			plan.Wants = append(plan.Wants, p.want(p.pull(now, s, in, nil), in, 0))
		case counted && !pushed:
			plan.Pulls = append(plan.Pulls, p.pull(now, s, in, nil))
		}
	}
}

// totalDue reports whether it is time to count an instance.
func (in *instanceProfiles) totalDue(now time.Time, interval time.Duration) bool {
	if in.nextTotal.IsZero() {
		in.nextTotal = now.Add(time.Duration(in.Labels.Hash() % uint64(min(interval, firstBaseline))))
	}
	if now.Before(in.nextTotal) {
		return false
	}
	in.nextTotal = now.Add(interval)
	return true
}

// withSeries returns the instances that take turns with the baselines of their service.
func withSeries(present []*fleet.Instance, totals []string) []*fleet.Instance {
	return slices.DeleteFunc(present, func(in *fleet.Instance) bool { return slices.Contains(totals, in.Name) })
}

// Count is the number of goroutines of an instance according to a pull.
type Count struct {
	Instance   labels.Labels
	At         time.Time
	Goroutines int64
	// Reason is why there is no profile; empty: there is one.
	Reason collector.Reason
}

// Count returns the number of goroutines that a pull found; ok is false if it made no request.
func (r PullResult) Count() (c Count, ok bool) {
	if r.review {
		return c, false
	}
	c = r.count
	c.Reason = r.reason
	return c, true
}
