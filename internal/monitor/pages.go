package monitor

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/monitor/reading"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// State is the result of the last reading of samples, and the state of the archive.
type State struct {
	reading.State
	// Archive is why the archive cannot be written; empty: it can.
	Archive string
}

// Service is a watched service, for pages.
type Service struct {
	Labels  labels.Labels
	Verdict trend.Verdict
	// SuppressedReason says in plain words why a leak that the counts show does not fire; empty:
	// they show none, or it fires.
	SuppressedReason string
	Instances        []Instance
}

// Instance is a watched instance, for pages.
type Instance struct {
	trend.Instance
	Labels labels.Labels
	// Next is the earliest time of the next profile; zero: unknown.
	Next time.Time
	// Gone means that its series have ended. No profiles of it are pulled, but its samples still
	// count for a while.
	Gone bool
}

// Leaks lists all leaks, open and recently resolved, by the time of detection.
func (m *Monitor) Leaks() []leak.Leak {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	return m.leaks
}

// Captures lists the recent captures, the newest first.
func (m *Monitor) Captures() []ondemand.Capture {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	return m.captures.List()
}

// Services lists the watched services, in no order.
func (m *Monitor) Services() []Service {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	planner := m.planner()
	out := make([]Service, 0, m.services.Len())
	for s := range m.services.All() {
		if !s.Watched() {
			continue // it has only leaks left
		}
		v := Service{Labels: s.Fleet.Labels, Verdict: s.Verdict(), SuppressedReason: s.Leaks.SuppressedReason()}
		place, present := 0, len(s.Fleet.Present())
		for _, w := range s.Fleet.Watched() {
			if in := s.Fleet.Instance(w.Name); in != nil {
				i := Instance{Instance: w, Labels: in.Labels, Gone: in.Ended()}
				if !i.Gone {
					i.Next = planner.NextPull(s.Profiles, s.Growing(), w.Name, place, present)
					place++
				}
				v.Instances = append(v.Instances, i)
			}
		}
		out = append(out, v)
	}
	return out
}

// Each visits the watched instances, in no order. gone means that the series of the instance have
// ended.
func (m *Monitor) Each(visit func(instance labels.Labels, gone bool)) {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	for s := range m.services.All() {
		for _, w := range s.Fleet.Watched() {
			if in := s.Fleet.Instance(w.Name); in != nil {
				visit(in.Labels, in.Ended())
			}
		}
	}
}

// State returns the result of the last reading of samples, and the state of the archive.
func (m *Monitor) State() State { return State{m.reader.State(), m.journal.ArchiveError()} }

// CurrentLabels returns the labels that a watched instance has now; watched is false
// if there is no such instance. It is called by the caller of Cycle.
func (m *Monitor) CurrentLabels(instance labels.Labels) (now labels.Labels, watched bool) {
	if now, watched = m.services.CurrentLabels(instance); watched {
		return now, true
	}
	return instance, m.totals.Has(instance)
}

// Floors returns the recent floors of a service, from since on as far as they are known; empty for a
// service that is not watched.
func (m *Monitor) Floors(service labels.Labels, since time.Time) trend.Floors {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	if s := m.services.Lookup(service); s != nil {
		return s.Floors(since)
	}
	return trend.Floors{}
}

// Confidences returns how sure it was that a service leaks in each of a number of hours, of which the
// first contains from; nil for a service that is not watched.
func (m *Monitor) Confidences(service labels.Labels, from time.Time, hours int) []hourly.Hour {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	if s := m.services.Lookup(service); s != nil {
		return s.Confidences(from, hours)
	}
	return nil
}

// Explain lists the assessments behind the latest verdict on a service, by instance and scale;
// nil for a service that is not watched.
func (m *Monitor) Explain(service labels.Labels) []trend.Assessment {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	if s := m.services.Lookup(service); s != nil {
		return s.Explain()
	}
	return nil
}
