package monitor

import (
	"context"

	"github.com/gorowatch/gorowatch/internal/monitor/journal"
	"github.com/gorowatch/gorowatch/leak"
)

// publish logs and saves the changes of leaks, and saves captures. It runs before any notification, so
// that gorowatch knows after a restart what it has sent.
func (m *Monitor) publish(ctx context.Context) {
	leaks := m.Leaks()
	firing := 0
	for _, l := range leaks {
		if l.State == leak.Firing {
			firing++
		}
	}
	m.metrics.open.Set(float64(firing))
	m.journal.Log(leaks)
	if m.o.Archive == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, journal.SaveTime(m.o.Interval))
	defer cancel()
	m.journal.Save(ctx, leaks)
	m.saveCaptures(ctx)
}

// saveCaptures writes the captures that have changed. After the first failure the
// others wait for the next cycle.
func (m *Monitor) saveCaptures(ctx context.Context) {
	for _, c := range m.captures.Unsaved() {
		err := m.o.Archive.SaveCapture(ctx, c.Capture)
		m.journal.Report(err)
		if err != nil {
			return
		}
		c.Saved = true
	}
}
