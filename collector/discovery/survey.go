package discovery

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Survey counts instances with targets and targets without an instance, at one time and without
// a request. There may be tens of thousands, so it only builds what identifies a target.
type Survey struct {
	finder *Finder
	now    time.Time
	used   map[where]bool // nil: there are no targets that could be unused
}

// where is a target's URL.
type where struct{ scheme, host, path string }

// where returns that of the spot's target.
func (s spot) where() where {
	if s.endpoint != nil {
		u := s.endpoint.target.URL
		return where{u.Scheme, u.Host, u.Path}
	}
	return where{s.access.scheme(s.scheme), s.access.address(s.address, ""), s.access.absolute(s.access.profilePath())}
}

// Survey begins a survey.
func (f *Finder) Survey(now time.Time) *Survey {
	s := &Survey{finder: f, now: now}
	if len(f.o.Static) > 0 || f.o.Discovered != nil && len(f.o.Discovered.names()) > 0 {
		s.used = map[where]bool{}
	}
	return s
}

// Has reports whether an instance has a target, as Known does.
func (s *Survey) Has(instance labels.Labels) bool {
	at, err := s.finder.locate(context.Background(), s.now, instance, false)
	if err == nil && s.used != nil {
		s.used[at.where()] = true
	}
	return err == nil
}

// Unused counts the targets that belong to no instance, which Unused of the Finder lists.
func (s *Survey) Unused() (n int) {
	for _, t := range s.finder.o.Static {
		if !s.used[t.spot().where()] {
			n++
		}
	}
	if s.finder.o.Discovered == nil {
		return n
	}
	for _, e := range s.finder.o.Discovered.Endpoints(s.now) {
		if e.Err != nil || !s.used[spot{endpoint: e}.where()] {
			n++
		}
	}
	return n
}
