package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// Versions knows which version the instances run at a time. The function returns an
// empty string where it is unknown.
type Versions interface {
	Versions(ctx context.Context, at time.Time) (func(instance labels.Labels) string, error)
}

// askPause is the least number of intervals between two questions for versions.
const askPause = 5

// askVersions asks, beside the cycle, for the versions of the instances of services
// with a leak, where processes are new: to say which rollout it began with, and
// which one it is gone with.
func (m *Monitor) askVersions(ctx context.Context, now time.Time, services []*watch.Service) {
	if m.o.Versions == nil || m.o.VersionLabel != "" || now.Sub(m.versionsAsked) < askPause*m.o.Interval {
		return
	}
	var questions []fleet.VersionQuestion
	for _, s := range services {
		if !s.Leaks.EarliestOnset().IsZero() {
			questions = append(questions, s.Fleet.VersionQuestions()...)
		}
	}
	if len(questions) == 0 {
		return
	}
	m.versionsAsked = now
	source := m.o.Versions // a reload may bring another
	m.pulls.Go(func() {
		version, err := source.Versions(ctx, now)
		if err != nil {
			m.logger.Debug("No versions", "reason", collector.ReasonOf(err), "err", err)
			return
		}
		versions := make([]processVersion, len(questions))
		for i, q := range questions {
			versions[i] = processVersion{q, version(q.Labels)}
		}
		m.inbox.put(versionResult{versions})
	})
}
