package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// Targets knows whether an instance is still there, by its labels.
type Targets interface {
	Presence(ctx context.Context, now time.Time, instance labels.Labels) collector.Presence
}

// askPresence asks beside the cycle which instances of the leaks that fire are
// still there: all of them now and then, so that it is known later which were
// targets, and at once those whose samples have just ended.
func (m *Monitor) askPresence(ctx context.Context, now time.Time) {
	if m.o.Targets == nil {
		return
	}
	var questions []fleet.PresenceQuestion
	for _, s := range m.services {
		questions = append(questions, s.Fleet.PresenceQuestions(now, s.Leaks.FiringInstances(), m.o.Interval)...)
	}
	if len(questions) == 0 {
		return
	}
	targets := m.o.Targets
	m.pulls.Go(func() {
		answers := make([]presenceAnswer, len(questions))
		for i, q := range questions {
			answers[i] = presenceAnswer{q, targets.Presence(ctx, now, q.Labels)}
		}
		m.inbox.put(presenceResult{now, answers})
	})
}
