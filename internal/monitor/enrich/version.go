package enrich

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// VersionSource knows which version the instances run at a time. The function
// returns an empty string where it is unknown.
type VersionSource interface {
	Versions(ctx context.Context, at time.Time) (func(instance labels.Labels) string, error)
}

// versionInterval is the least number of intervals between two questions for
// versions.
const versionInterval = 5

// versionQuestion asks for the versions of processes.
type versionQuestion struct {
	source    VersionSource
	logger    *slog.Logger
	now       time.Time
	processes []fleet.VersionQuestion
}

// versionAnswer is the versions of processes, in the order of the question.
type versionAnswer struct {
	processes []fleet.VersionQuestion
	versions  []string
}

// VersionQuestions ask for the versions of services with a leak, if there are
// processes whose version is unknown: to say which rollout the leak began with, and
// which one it is gone with.
func (o *Sources) VersionQuestions(now time.Time, asked *Schedule, services []*watch.Service) []Question {
	if o.Versions == nil || o.VersionLabel != "" || now.Sub(asked.versions) < versionInterval*o.Interval {
		return nil
	}
	q := versionQuestion{source: o.Versions, logger: o.Logger, now: now}
	for _, s := range services {
		if !s.Leaks.EarliestOnset().IsZero() {
			q.processes = append(q.processes, s.Fleet.VersionQuestions()...)
		}
	}
	if len(q.processes) == 0 {
		return nil
	}
	asked.versions = now
	return []Question{q}
}

// Ask reads the versions.
func (q versionQuestion) Ask(ctx context.Context) Answer {
	version, err := q.source.Versions(ctx, q.now)
	if err != nil {
		q.logger.Debug("No versions", "reason", collector.ReasonOf(err), "err", err)
		return nil
	}
	a := versionAnswer{processes: q.processes}
	for _, p := range q.processes {
		a.versions = append(a.versions, version(p.Labels))
	}
	return a
}

// Apply passes the versions to the fleet.
func (a versionAnswer) Apply() {
	for i, p := range a.processes {
		p.Answer(a.versions[i])
	}
}
