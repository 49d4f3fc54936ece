package fleet

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

// version is the version of the process that started at started. asked is false
// until there was an answer.
type version struct {
	name    string
	started time.Time
	asked   bool
}

// of reports whether the version is that of the process that started then.
func (v version) of(started time.Time) bool {
	return v.asked && (started.Equal(v.started) || procstart.At(started).Same(procstart.At(v.started)))
}

// VersionQuestion asks for the version of one process.
type VersionQuestion struct {
	Labels labels.Labels // of the instance

	service *Service
	name    string
	started time.Time
}

// VersionQuestions are those of the watched processes whose version is unknown.
func (s *Service) VersionQuestions() (out []VersionQuestion) {
	for _, w := range s.watched {
		if in := s.instances[w.Name]; in != nil && !in.version.of(w.Started) {
			out = append(out, VersionQuestion{in.Labels, s, w.Name, w.Started})
		}
	}
	return out
}

// Answer records the version; empty: nobody knows it.
func (q VersionQuestion) Answer(name string) {
	if in := q.service.instances[q.name]; in != nil {
		in.version = version{name, q.started, true}
	}
}

// Versions are those of the watched instances, where they are known. label is the
// label of the instances that has it; empty: none has.
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
