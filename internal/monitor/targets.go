package monitor

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Targets knows whether an instance is still there, by its labels.
type Targets interface {
	Presence(ctx context.Context, now time.Time, instance labels.Labels) collector.Presence
}

const (
	// presenceEvery is how many intervals pass between two questions for an
	// instance of a leak, presenceValid how many an answer is good for.
	presenceEvery = 5
	presenceValid = 3 * presenceEvery
)

// presence is what is known of an instance of a leak beside its samples.
type presence struct {
	labels labels.Labels
	// listed: it was a target once. Of one that never was, no list says anything.
	listed bool
	// missing: it had no samples when it was asked for last.
	missing bool
	state   collector.Presence
	at      time.Time // of the state
	next    time.Time // no question before
}

// presenceQuestion asks for the presence of an instance.
type presenceQuestion struct {
	labels   labels.Labels
	presence *presence // to be updated
}

// askPresence asks beside the cycle which instances of the leaks that fire are
// still there: all of them now and then, so that it is known later which were
// targets, and at once those whose samples have just ended.
func (m *Monitor) askPresence(ctx context.Context, now time.Time) {
	if m.o.Targets == nil {
		return
	}
	var questions []presenceQuestion
	for _, s := range m.services {
		questions = append(questions, s.presenceQuestions(now, m.o.Interval)...)
	}
	if len(questions) == 0 {
		return
	}
	targets := m.o.Targets
	m.pulls.Go(func() {
		answers := make([]presenceAnswer, len(questions))
		for i, q := range questions {
			answers[i] = presenceAnswer{q.presence, targets.Presence(ctx, now, q.labels)}
		}
		m.inbox.put(presenceResult{now, answers})
	})
}

// presenceQuestions are those of a service that are due.
func (s *service) presenceQuestions(now time.Time, interval time.Duration) (out []presenceQuestion) {
	names := s.tracker.FiringInstances()
	known := make(map[string]*presence, len(names))
	for _, name := range names {
		in := s.instances[name]
		p := s.presence[name]
		if p == nil {
			p = &presence{labels: s.labelsOf(name)}
		}
		if in != nil {
			p.labels = in.labels
		}
		known[name] = p
		missing := in == nil || in.ended
		if p.labels.IsEmpty() || now.Before(p.next) && (!missing || p.missing) {
			continue
		}
		p.missing, p.next = missing, now.Add(presenceEvery*interval)
		out = append(out, presenceQuestion{p.labels, p})
	}
	s.presence = known
	return out
}

// labelsOf are the labels of an instance of which no more is known than its name,
// as of one whose leak was found by an earlier run; none where the name is not
// its instance label.
func (s *service) labelsOf(name string) labels.Labels {
	if strings.HasPrefix(name, "{") {
		return labels.EmptyLabels()
	}
	return labels.NewBuilder(s.labels).Set("instance", name).Labels()
}

// take takes an answer.
func (p *presence) take(now time.Time, state collector.Presence) {
	p.listed = p.listed || state == collector.PresencePresent
	if state == collector.PresenceUnlisted && p.listed {
		state = collector.PresenceGone
	}
	p.state, p.at = state, now
}

// presenceOf answers for the instances of leaks, from what was asked lately.
func (s *service) presenceOf(now time.Time, interval time.Duration) func(string) collector.Presence {
	return func(name string) collector.Presence {
		if p := s.presence[name]; p != nil && now.Sub(p.at) <= presenceValid*interval {
			return p.state
		}
		return collector.PresenceUnknown
	}
}
