package fleet

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

// version is the version of the process that started at started; an empty name: unknown. It is valid only
// once there is an answer.
type version struct {
	name     string
	started  time.Time
	answered bool
}

// of reports whether the version is that of the process that started then.
func (v version) of(started time.Time) bool {
	return v.answered && (started.Equal(v.started) || procstart.At(started).Same(procstart.At(v.started)))
}

// VersionQuestion asks for the version of one process.
type VersionQuestion struct {
	Labels labels.Labels // of the instance

	service *Service
	name    string
	started time.Time
}

// VersionQuestions returns questions about the watched processes whose version was not asked for yet.
func (s *Service) VersionQuestions() (out []VersionQuestion) {
	for _, w := range s.watched {
		if in := s.instances[w.Name]; in != nil && !in.version.of(w.Started) {
			out = append(out, VersionQuestion{in.Labels, s, w.Name, w.Started})
		}
	}
	return out
}

// Answer records the version; empty: unknown.
func (q VersionQuestion) Answer(name string) {
	if in := q.service.instances[q.name]; in != nil {
		in.version = version{name, q.started, true}
	}
}

// priorVersion is the version that ran before a rollout.
type priorVersion struct {
	rollout time.Time // zero: there is no answer yet
	name    string
}

// PriorQuestion asks which version a service ran before a rollout.
type PriorQuestion struct {
	Rollout time.Time

	service   *Service
	version   string
	instances []labels.Labels
}

// PriorQuestion returns a question about the version before the rollout of a version, unless the answer
// is known. It is about all instances of the service, because an old process may have had the labels of
// a present one.
func (s *Service) PriorQuestion(version string, rollout time.Time) (PriorQuestion, bool) {
	if s.prior.rollout.Equal(rollout) {
		return PriorQuestion{}, false
	}
	q := PriorQuestion{Rollout: rollout, service: s, version: version}
	for _, in := range s.instances {
		q.instances = append(q.instances, in.Labels)
	}
	return q, len(q.instances) > 0
}

// Count returns the version that most of the instances ran, according to version. A tie goes to the name
// that sorts last. The version of the rollout itself does not count.
func (q PriorQuestion) Count(version func(labels.Labels) string) (name string) {
	n := map[string]int{}
	for _, in := range q.instances {
		if v := version(in); v != "" && v != q.version {
			n[v]++
		}
	}
	for v, k := range n {
		if name == "" || k > n[name] || k == n[name] && v > name {
			name = v
		}
	}
	return name
}

// Answer records the version; empty: unknown.
func (q PriorQuestion) Answer(name string) { q.service.prior = priorVersion{q.Rollout, name} }

// VersionBefore returns the version that ran before a rollout; empty: unknown.
func (s *Service) VersionBefore(rollout time.Time) string {
	if s.prior.rollout.Equal(rollout) {
		return s.prior.name
	}
	return ""
}

// Versions returns the known versions of the watched instances. label is the label of the instances that
// has their version; empty: there is none.
func (s *Service) Versions(label string) map[string]string {
	out := map[string]string{}
	for _, w := range s.watched {
		in := s.instances[w.Name]
		switch {
		case in == nil:
		case label != "":
			out[w.Name] = in.Labels.Get(label)
		case in.version.of(w.Started):
			out[w.Name] = in.version.name
		}
	}
	return out
}
