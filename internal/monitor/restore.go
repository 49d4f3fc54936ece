package monitor

import (
	"context"
	"time"

	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/leak"
)

// restore continues with the leaks of earlier runs. The caller holds mtx, or nothing else uses m yet.
func (m *Monitor) restore(leaks []leak.Leak, err error) {
	for _, l := range m.journal.Restore(leaks, err, m.o.Owns) {
		m.services.Restore(l)
	}
	m.leaks = m.services.Leaks()
}

// readCaptures reads the captures of earlier runs. If some cannot be read, it does not try again,
// because no leak depends on them.
func (m *Monitor) readCaptures(ctx context.Context, archive Archive) []ondemand.Capture {
	captures, err := archive.Captures(ctx)
	if err != nil && ctx.Err() == nil {
		m.logger.Warn("Cannot read some of the captures", "read", len(captures), "err", err)
	}
	return captures
}

// retryRestore reads the archive again, in the background, if that failed before.
func (m *Monitor) retryRestore(ctx context.Context) {
	if !m.journal.StartRestore() {
		return
	}
	archive := m.o.Archive
	m.pulls.Go(func() {
		leaks, err := m.journal.Read(ctx)
		m.inbox.put(restoreResult{leaks, err, m.readCaptures(ctx, archive)}, false)
	})
}

// ForgetArchive records that the archive was replaced: the new one is read first, and then gets the
// present leaks. Profiles that are only in the old one are lost. It is called by the caller of Cycle.
func (m *Monitor) ForgetArchive() {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.journal.ForgetArchive()
	m.captures.ForgetArchive()
	for s := range m.services.All() {
		s.Profiles.ForgetArchive()
	}
}

// rewind starts over if the clock was set back. All recorded times would be in the future otherwise,
// and nothing would happen until then.
func (m *Monitor) rewind(now time.Time) {
	if !now.Before(m.reader.Now()) {
		return
	}
	m.logger.Warn("The clock was set back; history is read again", "from", m.reader.Now(), "to", now)
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.restart()
	m.enrichSchedule = enrich.Schedule{}
}
