package fleet

import (
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// PresenceEvery is how many intervals pass between two questions for an instance of
// a leak.
const PresenceEvery = 5

// presenceValid is for how many intervals an answer is valid.
const presenceValid = 3 * PresenceEvery

// presence is whether an instance of a leak is still there, by other sources than
// its samples.
type presence struct {
	labels labels.Labels
	// listed: it was a target once. Of one that never was, no list says anything.
	listed bool
	// missing: it had no samples at the last question.
	missing bool
	state   collector.Presence
	at      time.Time // of the state
	next    time.Time // of the next question
}

// PresenceQuestion asks whether an instance is still there.
type PresenceQuestion struct {
	Labels labels.Labels

	presence *presence
}

// PresenceQuestions are those that are due for the named instances of leaks: all
// of them now and then, so that it is known later which were targets, and at once
// those whose samples have just ended. Answers for other instances are forgotten.
func (s *Service) PresenceQuestions(now time.Time, names []string, interval time.Duration) (out []PresenceQuestion) {
	known := make(map[string]*presence, len(names))
	for _, name := range names {
		in := s.instances[name]
		p := s.presence[name]
		if p == nil {
			p = &presence{labels: s.labelsOf(name)}
		}
		if in != nil {
			p.labels = in.Labels
		}
		known[name] = p
		missing := in == nil || in.ended
		if p.labels.IsEmpty() || now.Before(p.next) && (!missing || p.missing) {
			continue
		}
		p.missing, p.next = missing, now.Add(PresenceEvery*interval)
		out = append(out, PresenceQuestion{p.labels, p})
	}
	s.presence = known
	return out
}

// labelsOf are the labels of an instance of which only the name is known, as of
// one whose leak was found by an earlier run; none where the name is not its
// instance label.
func (s *Service) labelsOf(name string) labels.Labels {
	if strings.HasPrefix(name, "{") {
		return labels.EmptyLabels()
	}
	return labels.NewBuilder(s.Labels).Set("instance", name).Labels()
}

// Answer records the presence of the instance at a time. One that is no longer
// listed, but was, is gone.
func (q PresenceQuestion) Answer(at time.Time, state collector.Presence) {
	p := q.presence
	p.listed = p.listed || state == collector.PresencePresent
	if state == collector.PresenceUnlisted && p.listed {
		state = collector.PresenceGone
	}
	p.state, p.at = state, at
}

// Presence returns a function that tells whether an instance of a leak is there,
// by the recent answers.
func (s *Service) Presence(now time.Time, interval time.Duration) func(name string) collector.Presence {
	return func(name string) collector.Presence {
		if p := s.presence[name]; p != nil && now.Sub(p.at) <= presenceValid*interval {
			return p.state
		}
		return collector.PresenceUnknown
	}
}
