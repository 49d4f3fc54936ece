package monitor

import (
	"cmp"
	"context"
	"slices"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
)

// Captures lists what requests have brought of late, the newest first.
func (m *Monitor) Captures() []leak.Capture {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	out := make([]leak.Capture, 0, len(m.captures))
	for _, c := range slices.Backward(m.captures) {
		out = append(out, c.Capture)
	}
	return out
}

// boundCaptures lets go of the oldest. The caller holds mtx.
func (m *Monitor) boundCaptures() {
	if n := len(m.captures) - leak.MaxCaptures; n > 0 {
		m.captures = slices.Delete(m.captures, 0, n)
	}
}

// readCaptures asks the archive for those of earlier runs. Who has only some of
// them lacks nothing that would be told wrongly: it is not asked again.
func (m *Monitor) readCaptures(ctx context.Context, archive Archive) []leak.Capture {
	captures, err := archive.Captures(ctx)
	if err != nil && ctx.Err() == nil {
		m.logger.Warn("Not all of what was captured on request can be read", "read", len(captures), "err", err)
	}
	return captures
}

// rememberCaptures takes those of earlier runs. The caller holds mtx, or nobody
// else knows m yet.
func (m *Monitor) rememberCaptures(captures []leak.Capture) {
	known := map[string]bool{}
	for _, c := range m.captures {
		known[c.ID] = true
	}
	for _, c := range captures {
		if !known[c.ID] && m.o.Owns(c.Service) {
			m.captures = append(m.captures, &profiling.Capture{Capture: c, Saved: true})
		}
	}
	slices.SortFunc(m.captures, func(a, b *profiling.Capture) int { return cmp.Compare(a.ID, b.ID) })
	m.boundCaptures()
}

// saveCaptures writes what has changed of them. After the first failure the rest
// waits for the next cycle.
func (m *Monitor) saveCaptures(ctx context.Context) {
	for _, c := range m.captures {
		if c.Saved {
			continue
		}
		err := m.o.Archive.SaveCapture(ctx, c.Capture)
		m.archiveState(err)
		if err != nil {
			return
		}
		c.Saved = true
	}
}
