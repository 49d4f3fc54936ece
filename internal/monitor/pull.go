package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/callers"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
)

// planner returns a Planner with the present options.
func (m *Monitor) planner() *profiling.Planner {
	return &profiling.Planner{
		Source: m.o.Puller, Archive: m.profileArchive, Logger: m.logger, Block: m.o.Trend.Base,
		BaselineInterval: m.o.BaselineInterval, BaselineInstances: m.o.BaselineInstances,
		SuspicionInterval: m.o.SuspicionInterval, DumpLimit: m.o.DumpLimit,
		LabelText: m.o.LabelText,
		Pushes:    &m.pushes,
	}
}

// profileArchive is an archive that reports whether profiles can be written to it.
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

// startPulls starts the pulls that a service needs now, in the background.
func (m *Monitor) startPulls(ctx context.Context, now time.Time, s *watch.Service) {
	plan := m.plan(now, s)
	for _, p := range plan.Pulls {
		m.pulls.Go(func() { m.inbox.put(pullResult{s, p.Run(ctx)}, p.Urgent()) })
	}
	for _, p := range plan.Proofs {
		m.pulls.Go(func() { m.inbox.put(proofResult{s, p.Run(ctx)}, true) })
	}
	m.awaitPushes(now, s, plan.Wants)
	for _, p := range m.planCallers(now, s) {
		m.pulls.Go(func() { m.inbox.put(callersResult{s, p.Run(ctx)}, false) })
	}
}

// planCallers plans the heap profiles that show who calls a library that leaks.
func (m *Monitor) planCallers(now time.Time, s *watch.Service) []callers.Pull {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	source, ok := m.o.Puller.(callers.Source)
	if !ok {
		return nil
	}
	return s.Callers.Plan(now, source, s.Leaks.Leaks(), 2*m.o.SuspicionInterval, func(name string) (labels.Labels, bool) {
		in := s.Fleet.Instance(name)
		if in == nil || in.Ended() || m.pushes.Active(now, in.Labels) {
			return labels.Labels{}, false
		}
		return in.Labels, true
	})
}

// plan plans the pulls of a service. It records when the next ones are due, for pages.
func (m *Monitor) plan(now time.Time, s *watch.Service) profiling.Plan {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if m.o.Puller == nil {
		return profiling.Plan{}
	}
	need := s.Need()
	need.Leaks = s.Leaks.Open()
	need.Totals, need.Uncounted = m.totals.Names(s.Fleet)
	plan := m.planner().Plan(now, s.Profiles, need)
	s.AddFindings(plan.Findings...)
	m.plannedFor(s, m.planner().NextDue(now, s.Profiles, need))
	return plan
}
