package monitor

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// Request asks for profiles of a service now, because another system found it suspicious.
type Request struct {
	// Service is one that Services lists.
	Service labels.Labels
	// Instance is the instance label of the one to profile. If it is empty or unknown, those with
	// the most goroutines are profiled.
	Instance string
	// Why is the name of an alert, for people.
	Why string
}

// errUnknownService is for a request for a service that is not watched.
var errUnknownService = errors.New("no such service is watched")

// Request takes profiles of a service at once and then for a while, in the background and within the
// budget of each target. Meanwhile further requests for the service change nothing. It is called by
// the caller of Cycle.
func (m *Monitor) Request(ctx context.Context, now time.Time, r Request) error {
	s := m.openRequest(now, r)
	if s == nil {
		return errUnknownService
	}
	m.startPulls(ctx, now, s)
	return nil
}

// openRequest opens a request, unless one is open. It returns nil if the service is
// not watched.
func (m *Monitor) openRequest(now time.Time, r Request) *watch.Service {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	s := m.services.Lookup(r.Service)
	if s == nil || !s.Watched() {
		return nil
	}
	if s.Profiles.Requested(now) {
		return s
	}
	m.captures.Add(m.planner().Request(now, s.Profiles, r.Instance, r.Why)...)
	m.logger.Info("Profiles are taken on request", "service", s.Fleet.Labels, "why", r.Why)
	return s
}
