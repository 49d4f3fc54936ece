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

// VersionSource knows which version each instance ran at a time. The function that it returns gives an
// empty string if that is unknown.
type VersionSource interface {
	Versions(ctx context.Context, at time.Time) (func(instance labels.Labels) string, error)
}

// versionInterval is how many intervals must pass between two questions about versions.
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

// VersionQuestions returns the due questions about the versions of services with a leak, if there are
// processes whose version is unknown. They show with which rollout the leak began, and which ended it.
func (o *Sources) VersionQuestions(now time.Time, schedule *Schedule, services []*watch.Service) []Question {
	if o.Versions == nil || o.VersionLabel != "" || now.Sub(schedule.versions) < versionInterval*o.Interval {
		return nil
	}
	var prior []Question
	q := versionQuestion{source: o.Versions, logger: o.Logger, now: now}
	for _, s := range services {
		if !s.Leaks.EarliestOnset().IsZero() {
			q.processes = append(q.processes, s.Fleet.VersionQuestions()...)
		}
		for _, r := range s.Leaks.Rollouts() {
			if x, ok := s.Fleet.PriorQuestion(r.Version, r.At); ok && len(prior) < maxPrior {
				prior = append(prior, priorQuestion{source: o.Versions, logger: o.Logger, at: r.At.Add(-o.Interval), prior: x})
				break // a service remembers only one answer
			}
		}
	}
	out := prior
	if len(q.processes) > 0 {
		out = append(out, q)
	}
	if len(out) > 0 {
		schedule.versions = now
	}
	return out
}

// maxPrior is how many services are asked at once for the version before a rollout.
const maxPrior = 5

// priorQuestion asks which version a service ran before a rollout.
type priorQuestion struct {
	source VersionSource
	logger *slog.Logger
	at     time.Time
	prior  fleet.PriorQuestion
}

// priorAnswer is the version before a rollout.
type priorAnswer struct {
	prior fleet.PriorQuestion
	name  string
}

// Ask reads the versions of that time.
func (q priorQuestion) Ask(ctx context.Context) Answer {
	version, err := q.source.Versions(ctx, q.at)
	if err != nil {
		q.logger.Debug("No versions from before a rollout", "reason", collector.ReasonOf(err), "err", err)
		return nil
	}
	return priorAnswer{q.prior, q.prior.Count(version)}
}

// Apply passes the version to the fleet.
func (a priorAnswer) Apply() { a.prior.Answer(a.name) }

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
