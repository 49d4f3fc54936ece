package profiling

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// firstBaseline is the longest time without a baseline: after a start, the first baselines of
	// all services are spread over this time.
	firstBaseline = 5 * time.Minute
	// maxSuspects is how many instances of a suspicious service are profiled: enough to show
	// whether one leaks or all do.
	maxSuspects = 3
)

// Source takes profiles of instances. goroutines is the best estimate of how many an instance has.
// Errors have a collector.Reason. pulling.Puller is a Source.
type Source interface {
	Pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error)
	// Dump also has the ids and ages of the goroutines; it stops the target.
	Dump(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error)
	// Leaked has the goroutines that the target's garbage collector cannot reach. Few targets
	// have it; the others return collector.ReasonNotFound.
	Leaked(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error)
}

// Archive stores profiles.
type Archive interface {
	SaveProfile(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error)
	SaveDump(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error)
	Profiles(ctx context.Context, service labels.Labels, instance string) ([]leak.ProfileRef, error)
	LoadProfile(ctx context.Context, key string) (*collector.Profile, error)
}

// Planner decides which profiles of a service are taken, and when. It has no state of its own: each
// Service has its own.
type Planner struct {
	Source  Source  // nil: no profiles are taken
	Archive Archive // nil: profiles are only in memory
	Logger  *slog.Logger
	// Block is the length of a block of the trend.
	Block time.Duration
	// BaselineInterval is the time between two baselines of a service,
	// BaselineInstances how many instances each has.
	BaselineInterval  time.Duration
	BaselineInstances int
	// SuspicionInterval is the time between two profiles of a suspicious instance, after the first
	// ones, which come sooner.
	SuspicionInterval time.Duration
	// DumpLimit is the number of goroutines up to which an instance with a leak is asked for a
	// dump; 0: never.
	DumpLimit int
	// LabelText returns the values of pprof labels as they may be shown; nil: labels are not
	// counted.
	LabelText stack.LabelText
	// Pushes has the instances that push their profiles, which are not pulled; nil: none do.
	Pushes *Pushes
}

// Plan has the pulls that a service needs now.
type Plan struct {
	Pulls  []Pull
	Proofs []ProofPull
	// Wants are profiles of instances that push them.
	Wants []Want
	// Findings say which evidence the leaks still need, and why.
	Findings []lifecycle.Finding
}

// Plan decides which pulls a service needs now: for a request, of its suspects, for a review, for a
// baseline, and to prove its leaks.
func (p *Planner) Plan(now time.Time, s *Service, n Need) (plan Plan) {
	if p.Source == nil {
		return plan
	}
	p.planRequest(now, s, &n, &plan)
	p.planSuspects(now, s, &n, &plan)
	plan.Pulls = append(plan.Pulls, p.planReview(now, s, &n)...)
	if !n.Growing {
		for _, in := range s.instances {
			in.suspicion.end()
		}
		for _, in := range s.baselineDue(now, p.BaselineInterval, p.BaselineInstances, n.Totals...) {
			switch {
			case in.pulling:
			case p.isPushed(now, in):
				plan.Wants = append(plan.Wants, p.want(p.pull(now, s, in, nil), in, 0))
			default:
				plan.Pulls = append(plan.Pulls, p.pull(now, s, in, nil))
			}
		}
	}
	p.planTotals(now, s, &n, &plan)
	p.planProofs(now, s, n.Leaks, &plan)
	return plan
}

// PlanJudged plans only the pulls that the judgement of a service needs: of its suspects, and for a
// review. A scan of recorded profiles needs no others.
func (p *Planner) PlanJudged(now time.Time, s *Service, n Need) []Pull {
	if p.Source == nil {
		return nil
	}
	var plan Plan
	p.planSuspects(now, s, &n, &plan)
	return append(plan.Pulls, p.planReview(now, s, &n)...)
}

// planSuspects plans the pulls of a suspicious service.
func (p *Planner) planSuspects(now time.Time, s *Service, n *Need, plan *Plan) {
	if !n.Growing {
		return
	}
	for _, in := range s.suspects(n.Suspects) {
		switch {
		case in.pulling:
		case p.isPushed(now, in):
			plan.Wants = append(plan.Wants, p.want(p.pull(now, s, in, n), in, p.pushPause(in)))
		case in.suspicion.due(now, n.Suspected):
			in.suspicion.planned(now, p.SuspicionInterval, p.BaselineInterval)
			plan.Pulls = append(plan.Pulls, p.pull(now, s, in, n))
		}
	}
}

// suspects returns the instances to profile, the fastest growing first.
func (s *Service) suspects(list []Suspect) (out []*instanceProfiles) {
	for _, x := range list {
		if in := s.instance(x.Instance); in != nil && !in.Ended() && len(out) < maxSuspects {
			out = append(out, in)
		}
	}
	return out
}

// baselineDue returns the instances whose baseline is due: n of the service, in turns, without those in
// totals. After the first baselines, those of a service come at a place in the interval that depends
// on its hash, and so is the same after a restart.
func (s *Service) baselineDue(now time.Time, interval time.Duration, n int, totals ...string) (out []*instanceProfiles) {
	b := &s.baseline
	if b.next.IsZero() {
		b.next = now.Add(time.Duration(s.hash % uint64(min(interval, firstBaseline))))
	}
	if now.Before(b.next) {
		return nil
	}
	present := withSeries(s.fleet.Present(), totals)
	if len(present) == 0 {
		return nil
	}
	b.next = now.Truncate(interval).Add(time.Duration(s.hash % uint64(interval)))
	if !b.next.After(now) {
		b.next = b.next.Add(interval)
	}
	for range min(n, len(present)) {
		out = append(out, s.instance(present[b.turn%len(present)].Name))
		b.turn++
	}
	return out
}

// NextPull returns the earliest time of the next profile of an instance, which is the i-th of all
// present ones of the service; zero: unknown. growing reports whether the service grows.
func (p *Planner) NextPull(s *Service, growing bool, name string, i, all int) time.Time {
	var next suspicion
	if in := s.instances[name]; in != nil {
		next = in.suspicion
	}
	switch in := s.instances[name]; {
	case p.Source == nil:
		return time.Time{}
	case in != nil && !in.nextTotal.IsZero() && (!growing || next.pulls == 0):
		return in.nextTotal
	case growing && next.pulls > 0, s.request.capture(name) != nil:
		return next.next
	case growing, s.baseline.next.IsZero():
		return time.Time{} // there are no baselines during a suspicion
	}
	n := min(p.BaselineInstances, all)
	turns := (i - s.baseline.turn%all + all) % all
	return s.baseline.next.Add(time.Duration(turns/n) * p.BaselineInterval)
}
