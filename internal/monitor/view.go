package monitor

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/trend"
)

// Floors are the floors of a service of late, since a time if there are that
// many; empty for a service that is not watched.
func (m *Monitor) Floors(service labels.Labels, since time.Time) trend.Floors {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	if s := m.lookup(service); s != nil {
		return s.trend.Floors(since)
	}
	return trend.Floors{}
}

// Explain lists what is behind the latest verdict on a service, by instance and
// scale; nil for a service that is not watched.
func (m *Monitor) Explain(service labels.Labels) []trend.Assessment {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	if s := m.lookup(service); s != nil {
		return s.trend.Explain()
	}
	return nil
}

// lookup returns the service with the given labels; nil: there is none. The caller
// holds mtx.
func (m *Monitor) lookup(group labels.Labels) *service {
	return m.services[m.fleet.Lookup(group)]
}
