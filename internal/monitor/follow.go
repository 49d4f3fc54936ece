package monitor

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
)

// followUp has the services that are followed between two cycles: those with new profiles, or
// with profiles due soon.
type followUp struct {
	// news has the services with new results.
	news map[*watch.Service]bool
	// due is when the next profile of a growing service is due.
	due map[*watch.Service]time.Time
	// blind means that the latest cycle could not read samples, so nothing is judged.
	blind bool
}

// plannedFor records when the next profile of a service is due; zero: none is.
func (f *followUp) plannedFor(s *watch.Service, next time.Time) {
	if next.IsZero() {
		delete(f.due, s)
		return
	}
	f.due[s] = next
}

// Urgent has a value when profiles of growth have arrived, so that Follow should be called.
func (m *Monitor) Urgent() <-chan struct{} { return m.inbox.urgent }

// NextFollow returns when profiles are due before the next cycle, for Follow to pull; zero:
// none are. It is called by the caller of Cycle.
func (m *Monitor) NextFollow() (next time.Time) {
	if m.blind {
		return next
	}
	for _, at := range m.due {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// Follow works between two cycles: it judges the services with new profiles, by the counts of the last
// cycle, and starts the due pulls. So a leak that its stacks prove does not wait for an evaluation. It
// is called by the caller of Cycle.
func (m *Monitor) Follow(ctx context.Context, now time.Time) {
	if m.blind || m.Behind() {
		return // the next cycle applies the results
	}
	m.mtx.Lock()
	m.applyResults()
	var list []*watch.Service
	for s := range m.news {
		list = append(list, s)
	}
	for s, at := range m.due {
		if !now.Before(at) && !m.news[s] {
			list = append(list, s)
		}
	}
	before := m.leaks
	m.mtx.Unlock()
	if len(list) == 0 {
		return
	}
	for _, s := range list {
		m.mtx.Lock()
		watched := m.services.Has(s) && s.Watched()
		if watched {
			s.Judge(now, m.o.judge())
		}
		m.mtx.Unlock()
		if !watched {
			m.plannedFor(s, time.Time{})
			continue
		}
		m.startPulls(ctx, now, s)
	}
	m.mtx.Lock()
	m.leaks = m.services.Leaks()
	leaks := m.leaks
	m.mtx.Unlock()
	if !changed(before, leaks) {
		return
	}
	m.publish(ctx)
	m.o.Notify(now, leaks)
}

// changed reports whether leaks appeared, disappeared, or changed their state.
func changed(before, after []leak.Leak) bool {
	if len(before) != len(after) {
		return true
	}
	states := make(map[string]leak.State, len(before))
	for _, l := range before {
		states[l.ID] = l.Phase()
	}
	for _, l := range after {
		if state, ok := states[l.ID]; !ok || state != l.Phase() {
			return true
		}
	}
	return false
}
