package profiling

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
)

// Histories returns the profiles of the present processes of the suspects; of all instances, if the
// counts do not grow.
func (s *Service) Histories(n Need) (out []attribution.History) {
	if n.Growing {
		for _, x := range n.Suspects {
			out = s.appendHistory(out, x)
		}
		return out
	}
	for _, w := range s.fleet.Watched() {
		out = s.appendHistory(out, Suspect{Instance: w.Name})
	}
	return out
}

// appendHistory adds the history of an instance if it has a profile.
func (s *Service) appendHistory(list []attribution.History, x Suspect) []attribution.History {
	in := s.instances[x.Instance]
	if in == nil {
		return list
	}
	shot := func(p storedProfile) attribution.Shot {
		return attribution.Shot{Ref: p.ref, Snapshot: p.snapshot, Load: s.fleet.LoadAt(in.Instance, p.taken())}
	}
	h := attribution.History{Instance: x.Instance, Onset: x.Onset, Leaked: x.Leaked}
	for _, p := range s.current(in) {
		h.Shots = append(h.Shots, shot(p))
	}
	if len(h.Shots) == 0 {
		return list
	}
	for _, p := range in.earlier {
		h.Earlier = append(h.Earlier, shot(p))
	}
	return append(list, h)
}

// current returns the profiles in memory of the present process of an instance.
func (s *Service) current(in *instanceProfiles) []storedProfile {
	return s.loaded(in.Name, in.profiles)
}

// loaded returns the profiles of a list that are in memory and of the present process.
func (s *Service) loaded(instance string, list []storedProfile) (out []storedProfile) {
	started := s.fleet.Started(instance)
	for _, p := range list {
		if p.snapshot != nil && p.taken().After(started) {
			out = append(out, p)
		}
	}
	return out
}

// Latest returns the newest profile of an instance that is in memory; nil: there is none.
func (s *Service) Latest(name string) (*stack.Snapshot, time.Time) {
	if in := s.instances[name]; in != nil {
		for _, p := range slices.Backward(in.profiles) {
			if p.snapshot != nil {
				return p.snapshot, p.taken()
			}
		}
	}
	return nil, time.Time{}
}

// Failure says in plain words why pulls of the suspects fail; empty: they do not.
func (s *Service) Failure(suspects []Suspect) string {
	for _, in := range s.suspects(suspects) {
		if in.suspicion.failures > 0 && in.lastError != "" {
			return in.lastError
		}
	}
	return ""
}

// Unavailable reports whether there is no point in waiting for profiles, because at least two pulls of
// each suspect failed in a row.
func (s *Service) Unavailable(suspects []Suspect) bool {
	list := s.suspects(suspects)
	for _, in := range list {
		if in.suspicion.failures < 2 {
			return false
		}
	}
	return len(list) > 0
}

// Available reports whether there are several profiles of the present process of a suspect.
func (s *Service) Available(suspects []Suspect) bool {
	return slices.ContainsFunc(s.suspects(suspects), func(in *instanceProfiles) bool { return len(s.current(in)) > 1 })
}
