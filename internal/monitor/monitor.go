package monitor

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/internal/monitor/enrich"
	"github.com/gorowatch/gorowatch/internal/monitor/journal"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/reading"
	"github.com/gorowatch/gorowatch/internal/monitor/totals"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
	"github.com/gorowatch/gorowatch/leak"
)

// Monitor watches services for leaks. One goroutine calls Cycle, and the other methods that say so;
// any goroutine may call the methods that pages read.
type Monitor struct {
	o       Options
	logger  *slog.Logger
	metrics *metrics

	// These are owned by the caller of Cycle.
	reader  *reading.Reader
	journal *journal.Journal
	// enrichSchedule is when other systems were last asked.
	enrichSchedule enrich.Schedule
	// followUp has the services that are followed between two cycles.
	followUp

	// pulls run in the background, so that a target that hangs does not block the cycle. Their
	// results wait in inbox for the next cycle.
	pulls sync.WaitGroup
	inbox inbox
	// pushes has the instances whose profiles arrive without a pull.
	pushes profiling.Pushes
	// profileArchive is the archive as profiling uses it; nil: there is none.
	profileArchive profiling.Archive

	// mtx guards services, and what pages read of them, against the cycle.
	mtx      sync.RWMutex
	services *watch.Services
	leaks    []leak.Leak
	captures profiling.Captures
	// totals has the targets without series.
	totals totals.Targets
	// hasSeries reports whether there were ever any series.
	hasSeries bool
	// sampled is up to when samples have been read.
	sampled time.Time
}

// New makes a Monitor with the leaks of the archive. If they cannot be read now, it watches without
// them and reads them later.
func New(ctx context.Context, o Options) (*Monitor, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	m := &Monitor{
		o:        o,
		logger:   o.Logger,
		metrics:  newMetrics(o.Registerer),
		services: watch.NewServices(o.services()),
		inbox:    inbox{urgent: make(chan struct{}, 1)},
		followUp: followUp{news: map[*watch.Service]bool{}, due: map[*watch.Service]time.Time{}},
	}
	m.journal = journal.New(o.Archive, o.Logger)
	m.reader = reading.NewReader(m.journal, o.Registerer)
	if o.Archive != nil {
		m.profileArchive = profileArchive{o.Archive, m.journal.Report}
		leaks, err := m.journal.Read(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m.restore(leaks, err)
		if err == nil { // else retryRestore reads both
			m.captures.Restore(m.readCaptures(ctx, o.Archive), o.Owns)
		}
	}
	return m, nil
}

// Apply replaces the options, except for the Archive, Logger and Registerer. If they change what a
// service is, or how it is judged, the history is read again; otherwise services keep their state. It
// is called by the caller of Cycle.
func (m *Monitor) Apply(o Options) error {
	o.Archive, o.Logger, o.Registerer = m.o.Archive, m.logger, m.o.Registerer
	if err := o.complete(); err != nil {
		return err
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.o = o
	if !m.services.Apply(o.services()) {
		m.restart()
	}
	return nil
}

// restart drops all state but the leaks, so that the next cycle reads the history again. The caller
// holds mtx.
func (m *Monitor) restart() {
	old := m.services
	m.services = watch.NewServices(m.o.services())
	m.reader.Restart()
	for s := range old.All() {
		for _, l := range s.Leaks.Leaks() {
			m.services.Restore(l)
		}
	}
}

// Wait waits for the running pulls.
func (m *Monitor) Wait() { m.pulls.Wait() }
