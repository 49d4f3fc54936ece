package profiling

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// planTotals plans the profiles of the instances that have no series: each has a baseline of
// its own at the baseline interval, also while its service is suspicious, because nothing
// else says how many goroutines it has. One that pushes is counted by the next profile that
// it sends.
func (p *Planner) planTotals(now time.Time, s *Service, n *Need, plan *Plan) {
	for _, name := range n.Totals {
		in := s.instance(name)
		if in == nil || in.Ended() || in.pulling {
			continue
		}
		if in.nextTotal.IsZero() {
			in.nextTotal = now.Add(time.Duration(in.Labels.Hash() % uint64(min(p.BaselineInterval, firstBaseline))))
		}
		if now.Before(in.nextTotal) {
			continue
		}
		in.nextTotal = now.Add(p.BaselineInterval)
		if p.isPushed(now, in) {
			p.wantTotal(now, s, in, plan)
		} else {
			plan.Pulls = append(plan.Pulls, p.pull(now, s, in, nil))
		}
	}
	for _, name := range n.Uncounted {
		if in := s.instance(name); in != nil && !in.pulling && p.isPushed(now, in) {
			p.wantTotal(now, s, in, plan)
		}
	}
}

// wantTotal waits for a profile that an instance pushes, unless one is awaited already, which
// counts as well.
func (p *Planner) wantTotal(now time.Time, s *Service, in *instanceProfiles, plan *Plan) {
	if !slices.ContainsFunc(plan.Wants, func(w Want) bool { return w.Proof == nil && labels.Equal(w.instance, in.Labels) }) {
		plan.Wants = append(plan.Wants, p.want(p.pull(now, s, in, nil), in, 0))
	}
}

// withSeries are the instances that take turns with the baselines of their service.
func withSeries(present []*fleet.Instance, totals []string) []*fleet.Instance {
	if len(totals) == 0 {
		return present
	}
	return slices.DeleteFunc(present, func(in *fleet.Instance) bool { return slices.Contains(totals, in.Name) })
}

// Count is what a pull says of the number of goroutines of an instance.
type Count struct {
	Instance   labels.Labels
	At         time.Time
	Goroutines int64
	// Reason is why there is no profile; empty: there is one.
	Reason collector.Reason
}

// Count returns the number of goroutines that a pull found; ok is false if it asked nobody.
func (r PullResult) Count() (c Count, ok bool) {
	if r.review {
		return c, false
	}
	c = r.count
	c.Reason = r.reason
	return c, true
}
