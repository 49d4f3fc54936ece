package fleet

import (
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// PresenceEvery is how many intervals pass between two questions about an instance of a leak.
const PresenceEvery = 5

// presenceValid is for how many intervals an answer is valid.
const presenceValid = 3 * PresenceEvery

// presence says whether an instance of a leak still exists, according to other systems.
type presence struct {
	labels labels.Labels
	// listed means that it was a target before. If it never was, it means nothing that a list does
	// not have it.
	listed bool
	// missing means that it had no samples at the last question.
	missing bool
	state   collector.Presence
	at      time.Time // of the state
	next    time.Time // of the next question
}

// PresenceQuestion asks whether an instance still exists.
type PresenceQuestion struct {
	Labels labels.Labels

	presence *presence
}

// PresenceQuestions returns the due questions about the named instances of leaks: at intervals
// about all of them, to know later which were targets, and at once about those whose samples
// have just ended. Answers about other instances are dropped.
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

// labelsOf returns the labels of an instance of which only the name is known, such as one whose
// leak was found by an earlier run; none if the name is not its instance label.
func (s *Service) labelsOf(name string) labels.Labels {
	if strings.HasPrefix(name, "{") {
		return labels.EmptyLabels()
	}
	return labels.NewBuilder(s.Labels).Set("instance", name).Labels()
}

// Answer records the presence of the instance at a time. An instance that was listed before and no longer
// is, is gone.
func (q PresenceQuestion) Answer(at time.Time, state collector.Presence) {
	p := q.presence
	p.listed = p.listed || state == collector.PresencePresent
	if state == collector.PresenceUnlisted && p.listed {
		state = collector.PresenceGone
	}
	p.state, p.at = state, at
}

// Presence returns a function that says whether an instance of a leak exists, by the recent answers.
func (s *Service) Presence(now time.Time, interval time.Duration) func(name string) collector.Presence {
	return func(name string) collector.Presence {
		if p := s.presence[name]; p != nil && now.Sub(p.at) <= presenceValid*interval {
			return p.state
		}
		return collector.PresenceUnknown
	}
}
