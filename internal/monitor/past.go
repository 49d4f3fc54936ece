package monitor

import (
	"context"
	"errors"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
)

// maxPartly is how often leaks are asked for while only some can be read: then
// we go on without the others.
const maxPartly = 10

// past is how it stands with what the archive has of earlier runs. It is owned
// by the caller of Cycle.
type past struct {
	missing error // why it could not be read; nil: it was
	asking  bool
	partly  int
	taken   map[string]bool // ids that were read
}

func (p *past) known() bool { return p.missing == nil }

// remember takes leaks of the archive, with an error those that could be read.
// The caller holds mtx, or nobody else knows m yet.
func (m *Monitor) remember(leaks []leak.Leak, err error) {
	p := &m.past
	p.asking, p.missing = false, err
	if p.taken == nil {
		p.taken = map[string]bool{}
	}
	for _, l := range leaks {
		if p.taken[l.ID] || !m.o.Owns(l.Service) {
			continue
		}
		p.taken[l.ID] = true
		m.service(m.fleet.Service(l.Service)).tracker.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
		m.saved[l.ID] = digest(l)
		m.said[l.ID] = m.saved[l.ID]
	}
	if err != nil && len(leaks) > 0 {
		if p.partly++; p.partly >= maxPartly {
			m.logger.Error("Some leaks of earlier runs cannot be read; watching goes on without them", "read", len(leaks), "err", err)
			p.missing = nil
		}
	}
	if p.known() {
		p.taken = nil
	}
	m.leaks = m.allLeaks()
	m.archiveState(p.missing)
}

// recall asks again, beside the cycle, for what the archive did not answer.
func (m *Monitor) recall(ctx context.Context) {
	if m.past.known() || m.past.asking {
		return
	}
	m.past.asking = true
	archive := m.o.Archive
	m.pulls.Go(func() {
		leaks, err := archive.Leaks(ctx)
		captures := m.readCaptures(ctx, archive)
		m.inbox.put(recallResult{leaks, err, captures})
	})
}

// errMoved: it was not asked yet.
var errMoved = errors.New("another archive")

// Moved says that the archive is another place now: what that has is read first,
// then it gets what we have. Profiles that stayed behind are not loaded again.
// It is called by the caller of Cycle.
func (m *Monitor) Moved() {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	clear(m.saved)
	m.past = past{missing: errMoved}
	for _, c := range m.captures {
		c.Saved = false
	}
	for _, s := range m.services {
		s.profiles.ForgetArchive()
	}
}

// rewind goes back to before what was seen if the clock did: all times that we
// have noted would be in the future, and nothing would be done until then.
func (m *Monitor) rewind(now time.Time) {
	if !now.Before(m.cursor.Now()) {
		return
	}
	m.logger.Warn("The clock was set back; history is read again", "from", m.cursor.Now(), "to", now)
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.restart()
	m.asked = time.Time{}
}
