package enrich

import (
	"context"
	"iter"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// TargetSource knows whether an instance still exists, by its labels.
type TargetSource interface {
	Presence(ctx context.Context, now time.Time, instance labels.Labels) collector.Presence
}

// presenceQuestion asks which instances still exist.
type presenceQuestion struct {
	source    TargetSource
	now       time.Time
	instances []fleet.PresenceQuestion
}

// presenceAnswer is the presence of instances, in the order of the question.
type presenceAnswer struct {
	at        time.Time
	instances []fleet.PresenceQuestion
	states    []collector.Presence
}

// PresenceQuestions returns the due questions about the instances of firing leaks: at intervals about
// all of them, to know later which were targets, and at once about those whose samples have just ended.
func (o *Sources) PresenceQuestions(now time.Time, services iter.Seq[*watch.Service]) []Question {
	if o.Targets == nil {
		return nil
	}
	q := presenceQuestion{source: o.Targets, now: now}
	for s := range services {
		q.instances = append(q.instances, s.Fleet.PresenceQuestions(now, s.Leaks.FiringInstances(), o.Interval)...)
	}
	if len(q.instances) == 0 {
		return nil
	}
	return []Question{q}
}

// Ask asks about each instance.
func (q presenceQuestion) Ask(ctx context.Context) Answer {
	a := presenceAnswer{at: q.now, instances: q.instances}
	for _, in := range q.instances {
		a.states = append(a.states, q.source.Presence(ctx, q.now, in.Labels))
	}
	return a
}

// Apply passes the presence to the fleet.
func (a presenceAnswer) Apply() {
	for i, in := range a.instances {
		in.Answer(a.at, a.states[i])
	}
}
