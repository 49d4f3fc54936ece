package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// askPause is the least number of intervals between two questions for versions.
const askPause = 5

// ask asks, beside the cycle, for the versions of the instances of services
// with a leak, where processes are new: to say which rollout it began with, and
// which one it is gone with.
func (m *Monitor) ask(ctx context.Context, now time.Time, services []*service) {
	if m.o.Versions == nil || m.o.VersionLabel != "" || now.Sub(m.asked) < askPause*m.o.Interval {
		return
	}
	type question struct {
		service *service
		name    string
		labels  labels.Labels
		started time.Time
	}
	var questions []question
	for _, s := range services {
		if s.tracker.EarliestOnset().IsZero() {
			continue
		}
		for _, w := range s.watched {
			if in := s.instances[w.Name]; in != nil && !in.knows(w.Started) {
				questions = append(questions, question{s, w.Name, in.labels, w.Started})
			}
		}
	}
	if len(questions) == 0 {
		return
	}
	m.asked = now
	source := m.o.Versions // a reload may bring another
	m.pulls.Go(func() {
		version, err := source.Versions(ctx, now)
		if err != nil {
			m.logger.Debug("No versions", "reason", collector.ReasonOf(err), "err", err)
			return
		}
		versions := make([]processVersion, len(questions))
		for i, q := range questions {
			versions[i] = processVersion{q.service, q.name, q.started, version(q.labels)}
		}
		m.inbox.put(versionResult{versions})
	})
}

// knows tells whether the version of the process that began then was asked for.
func (in *instance) knows(started time.Time) bool {
	return in.versioned && (started.Equal(in.versionOf) || procstart.At(started).Same(procstart.At(in.versionOf)))
}

// versions are those of the instances, where known.
func (s *service) versions(label string) map[string]string {
	out := map[string]string{}
	for _, w := range s.watched {
		in := s.instances[w.Name]
		switch {
		case in == nil:
		case label != "":
			out[w.Name] = in.labels.Get(label)
		case in.knows(w.Started):
			out[w.Name] = in.version
		}
	}
	return out
}
