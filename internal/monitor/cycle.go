package monitor

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/trend"
)

// Cycle reads the samples up to now, and judges every service at that time. If now is before the last
// call, the clock was set back, and the history is read again as after a restart. An error means that
// no samples could be read: no leak fires or resolves, and the next cycle reads what this one missed.
//
// A long history, as at the start, is read in pieces, one per call. While Behind is true, nothing is
// judged, and Cycle should be called again at once.
func (m *Monitor) Cycle(ctx context.Context, now time.Time) error {
	began := time.Now()
	defer func() { m.metrics.duration.Observe(time.Since(began).Seconds()) }()

	m.rewind(now)
	m.retryRestore(ctx)
	n, err := m.read(ctx, now)
	current, counted := err == nil && !m.Behind(), 0
	m.blind = !current
	if current {
		counted = m.watchTotals(ctx, now)
	}
	// An answer without any series does not count, because a Prometheus that has lost its targets
	// or its data gives it. If there never were any series, targets without series are judged.
	if current && (n > 0 || counted > 0 && !m.hasSeries) {
		clear(m.due)
		services := m.judgeAll(now)
		sources := m.sources()
		m.ask(ctx, sources.VersionQuestions(now, &m.enrichSchedule, services))
		for _, s := range services {
			m.startPulls(ctx, now, s)
		}
		m.ask(ctx, sources.MemoryQuestions(now, services))
		m.ask(ctx, sources.PresenceQuestions(now, m.services.All()))
		m.publish(ctx)
		m.pushes.Keep(now)
	} else {
		m.blind = true
		m.mtx.Lock()
		m.applyResults()
		m.leaks = m.services.Leaks()
		m.mtx.Unlock()
	}
	m.o.Notify(now, m.Leaks())
	return err
}

// Behind reports whether there is more to read before the latest evaluation.
func (m *Monitor) Behind() bool { return m.reader.Behind() }

// read feeds the next piece of samples to the services, and returns the number of
// series.
func (m *Monitor) read(ctx context.Context, now time.Time) (int, error) {
	o := m.o.reading()
	w, err := m.reader.Read(ctx, now, m.o.Source, o)
	if err != nil {
		return 0, err
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	if len(w.Series) > 0 {
		m.sampled, m.hasSeries = w.Until, true
		m.totals.Drop(w.Series)
	}
	var samples int
	if w.InHistory {
		samples = m.replay(w.Window, w.Block)
	} else {
		samples = m.services.Feed(w.Window, w.Block)
	}
	m.reader.Done(w, o, samples, m.services.Len())
	return len(w.Series), nil
}

// judgeAll judges every service and moves its leaks to their next states. It returns the services
// that are watched.
func (m *Monitor) judgeAll(now time.Time) (watched []*watch.Service) {
	m.mtx.Lock()
	m.applyResults()
	m.mtx.Unlock()
	status := map[trend.Status]int{}
	// Only the caller of Cycle changes the set of services, so it iterates without the lock. It
	// locks for one service at a time, so that pages need not wait for all of them.
	for s := range m.services.All() {
		if m.judgeOne(now, s) {
			status[s.Verdict().Status]++
			watched = append(watched, s)
		}
	}
	m.metrics.verdicts(status)
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.leaks = m.services.Leaks()
	return watched
}

// judgeOne judges a service, and removes it if nothing is left of it. It reports whether the
// service is watched.
func (m *Monitor) judgeOne(now time.Time, s *watch.Service) (watched bool) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	s.Judge(now, m.o.judge())
	s.Refresh()
	s.Fleet.MarkEnded(m.sampled, m.o.Interval)
	if !s.Watched() && s.Leaks.Idle() {
		m.services.Remove(s)
	}
	return s.Watched()
}
