package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
)

// planner plans profiles by the present options.
func (m *Monitor) planner() *profiling.Planner {
	return &profiling.Planner{
		Source: m.o.Puller, Archive: m.profileArchive, Logger: m.logger, Block: m.o.Trend.Base,
		BaselineInterval: m.o.BaselineInterval, BaselineInstances: m.o.BaselineInstances,
		SuspicionInterval: m.o.SuspicionInterval, DumpLimit: m.o.DumpLimit,
		Pushes: &m.pushes,
	}
}

// profileArchive reports whether profiles can be written.
type profileArchive struct {
	profiling.Archive
	report func(error)
}

// SaveProfile saves a profile.
func (a profileArchive) SaveProfile(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	ref, err := a.Archive.SaveProfile(ctx, service, instance, taken, p)
	a.report(err)
	return ref, err
}

// SaveDump saves a dump.
func (a profileArchive) SaveDump(ctx context.Context, service labels.Labels, instance string, taken time.Time, p *collector.Profile) (leak.ProfileRef, error) {
	ref, err := a.Archive.SaveDump(ctx, service, instance, taken, p)
	a.report(err)
	return ref, err
}

// startPulls starts the pulls that a service needs now, beside the cycle.
func (m *Monitor) startPulls(ctx context.Context, now time.Time, s *watch.Service) {
	plan := m.plan(now, s)
	for _, p := range plan.Pulls {
		m.pulls.Go(func() { m.inbox.put(pullResult{s, p.Run(ctx)}) })
	}
	for _, p := range plan.Proofs {
		m.pulls.Go(func() { m.inbox.put(proofResult{s, p.Run(ctx)}) })
	}
	m.awaitPushes(now, s, plan.Wants)
}

// plan plans the pulls of a service. It notes when the next ones are due, which
// pages read.
func (m *Monitor) plan(now time.Time, s *watch.Service) profiling.Plan {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if m.o.Puller == nil {
		return profiling.Plan{}
	}
	need := s.Need()
	need.Leaks = s.Leaks.Leaks()
	need.Totals, need.Uncounted = m.totals.Names(s.Fleet)
	plan := m.planner().Plan(now, s.Profiles, need)
	s.AddFindings(plan.Findings...)
	return plan
}
