package monitor

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/backfill"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/trend"
)

// Archive keeps profiles and leaks.
type Archive interface {
	profiling.Archive
	SaveLeak(ctx context.Context, l leak.Leak) error
	Leaks(ctx context.Context) ([]leak.Leak, error)
	SaveCapture(ctx context.Context, c leak.Capture) error
	Captures(ctx context.Context) ([]leak.Capture, error)
}

// Versions knows what version the instances run at a time. The function answers
// with an empty string where it is not known.
type Versions interface {
	Versions(ctx context.Context, at time.Time) (func(instance labels.Labels) string, error)
}

// Options of a Monitor. Source is required; without Puller and Archive it
// judges the counts alone.
type Options struct {
	Source  collector.SeriesSource
	Puller  profiling.Source
	Archive Archive
	// Memory is asked about services that leak. It may be nil: then only their
	// goroutines count.
	Memory MemorySource
	// Targets is asked about the instances of leaks, which resolve sooner when
	// these are known to be gone; nil: nothing is known.
	Targets Targets
	// Versions is asked while a leak is open and the version of an instance is
	// not known; nil: never. VersionLabel is the label of the instances that has
	// it, and comes first; empty: none has.
	Versions     Versions
	VersionLabel string
	// Notify is given all leaks, open and lately resolved, after every cycle,
	// also one in which nothing could be read.
	Notify func(now time.Time, leaks []leak.Leak)

	// OnVerdict, if set, is told of every judgement of a Walk; why lists what is
	// behind it, until OnVerdict returns. Services are walked side by side, and
	// so it is called.
	OnVerdict func(service labels.Labels, now time.Time, v trend.Verdict, why func() []trend.Assessment)

	// Interval between two cycles, which is also how dense samples are at
	// least; default 1 minute.
	Interval time.Duration
	// Owns tells which services are watched, and whose leaks of the archive are
	// ours; default all.
	Owns func(service labels.Labels) bool
	// GroupBy are the labels that make a service; default namespace, job.
	GroupBy []string
	Trend   trend.Options
	// Ignore are the leaks that nobody is to be told of.
	Ignore []leak.Ignore
	// KeepAll keeps every leak that was ever found, as a scan wants, also those
	// that have come back; else the resolved are forgotten after a day.
	KeepAll bool
	// History is how far back the first cycle reads.
	History time.Duration
	// BaselineInterval is the time between two baselines of a service; default
	// 1 hour. BaselineInstances is how many instances each has; default 2.
	BaselineInterval  time.Duration
	BaselineInstances int
	// SuspicionInterval is the least time between two profiles of a suspicious
	// instance; default 2 minutes.
	SuspicionInterval time.Duration
	// DumpLimit is the number of goroutines up to which an instance with a leak
	// is asked for a dump; 0: never.
	DumpLimit int

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Monitor watches services for leaks. Cycle is called by one goroutine; what is
// there for pages may be called by any.
type Monitor struct {
	o       Options
	logger  *slog.Logger
	metrics *metrics

	// Owned by the caller of Cycle.
	cursor backfill.Cursor
	saved  map[string]string // digest of each leak as the archive has it
	said   map[string]string // and as the log has it
	past   past
	log    *changes

	// pulls run beside the cycle, so that a target that hangs does not block it;
	// their results wait in inbox for the next cycle.
	pulls sync.WaitGroup
	inbox inbox

	// asked is when versions were asked for last.
	asked time.Time

	// profileArchive is the archive as profiling uses it; nil: there is none.
	profileArchive profiling.Archive
	// archive is why the bucket cannot be written; pulls know first.
	archive atomic.Pointer[string]

	// mtx guards services, and what of them pages read, against the cycle.
	mtx      sync.RWMutex
	fleet    *fleet.Registry
	services map[*fleet.Service]*service
	leaks    []leak.Leak
	captures []*profiling.Capture // by requests, oldest first
	state    SourceState
	// sampled is up to when there were samples, of any instance.
	sampled time.Time
}

// SourceState is how the last reading of samples went.
type SourceState struct {
	// Read is up to when samples were read, Cycles how often.
	Read   time.Time
	Cycles int
	// Done is how much of the history is read, 0 to 1.
	Done float64
	// Error is empty when the last reading went well. Warnings are what the
	// source said then.
	Error    string
	Warnings []string
	// Archive is why the archive cannot be written; empty when it can.
	Archive string
}

// forgetSamples is how many samples an instance may lack before it is forgotten,
// where they are so far apart that an hour says nothing.
const forgetSamples = 6

// complete sets the defaults.
func (o *Options) complete() error {
	if o.Source == nil {
		return errors.New("monitor: Source is required")
	}
	if o.Logger == nil {
		o.Logger = promslog.NewNopLogger()
	}
	if o.Notify == nil {
		o.Notify = func(time.Time, []leak.Leak) {}
	}
	if o.Owns == nil {
		o.Owns = func(labels.Labels) bool { return true }
	}
	if o.Interval <= 0 {
		o.Interval = time.Minute
	}
	if len(o.GroupBy) == 0 {
		o.GroupBy = []string{"namespace", "job"}
	}
	if o.Trend.Base <= 0 {
		o.Trend.Base = time.Minute
	}
	if o.Trend.Forget <= 0 {
		o.Trend.Forget = max(60*o.Trend.Base, forgetSamples*o.Interval)
	}
	if o.BaselineInterval <= 0 {
		o.BaselineInterval = time.Hour
	}
	if o.BaselineInstances <= 0 {
		o.BaselineInstances = 2
	}
	if o.SuspicionInterval <= 0 {
		o.SuspicionInterval = 2 * time.Minute
	}
	return nil
}

// New makes a Monitor with the open leaks of the archive. If they cannot be read
// now it watches without them, and asks again.
func New(ctx context.Context, o Options) (*Monitor, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	m := &Monitor{
		o:        o,
		logger:   o.Logger,
		metrics:  newMetrics(o.Registerer),
		saved:    map[string]string{},
		said:     map[string]string{},
		log:      &changes{},
		services: map[*fleet.Service]*service{},
		fleet:    o.newFleet(),
		cursor:   backfill.NewCursor(),
	}
	if o.Archive != nil {
		m.profileArchive = profileArchive{o.Archive, m.archiveState}
		leaks, err := o.Archive.Leaks(ctx)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m.remember(leaks, err)
		if err == nil { // else both are asked for again
			m.rememberCaptures(m.readCaptures(ctx, o.Archive))
		}
	}
	return m, nil
}

func (o *Options) tracker() lifecycle.Options {
	t := lifecycle.Options{Ignore: o.Ignore, Base: o.Trend.Base, Interval: o.Interval, Patience: max(10*o.Trend.Base, 5*o.SuspicionInterval)}
	if o.KeepAll {
		t.Remember = -1
	}
	return t
}

func (o *Options) newFleet() *fleet.Registry {
	return fleet.NewRegistry(fleet.Options{GroupBy: o.GroupBy, Owns: o.Owns, Block: o.Trend.Base})
}

// Apply replaces the options, but for the Archive, Logger and Registerer. What
// is known of services stays unless what makes a service has changed: then it
// is read again. It is called by the caller of Cycle.
func (m *Monitor) Apply(o Options) error {
	o.Archive, o.Logger, o.Registerer = m.o.Archive, m.logger, m.o.Registerer
	if err := o.complete(); err != nil {
		return err
	}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	again := o.Trend != m.o.Trend || !slices.Equal(o.GroupBy, m.o.GroupBy)
	m.o = o
	m.fleet.SetOwns(o.Owns)
	if !again {
		for _, s := range m.services {
			s.tracker.Apply(o.tracker())
		}
		return nil
	}
	m.restart()
	return nil
}

// restart forgets all but the leaks: the next cycle reads the history again. The
// caller holds mtx.
func (m *Monitor) restart() {
	old := m.services
	m.fleet, m.services, m.cursor = m.o.newFleet(), map[*fleet.Service]*service{}, backfill.NewCursor()
	for _, s := range old {
		for _, l := range s.tracker.Leaks() {
			m.service(m.fleet.Service(l.Service)).tracker.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
		}
	}
}

// Cycle judges everything at the time now. If that is before the time of the
// last call, the clock was set back, and the history is read again as after a
// restart. An error says that no samples could be read: nothing fires and
// nothing resolves then, and the next cycle reads what this one missed.
//
// A long time, as at the start, is read in pieces, one a call: while Behind
// tells that there are more, nothing is judged and Cycle is to be called again.
func (m *Monitor) Cycle(ctx context.Context, now time.Time) error {
	began := time.Now()
	defer func() { m.metrics.duration.Observe(time.Since(began).Seconds()) }()

	m.rewind(now)
	m.recall(ctx)
	n, err := m.read(ctx, now)
	// An answer without any series says nothing of the services: it is what a
	// Prometheus answers that has lost its targets, or its data.
	if err == nil && n > 0 && !m.Behind() {
		services := m.judge(now)
		m.ask(ctx, now, services)
		for _, s := range services {
			m.startPulls(ctx, now, s)
		}
		m.weigh(ctx, now, services)
		m.askPresence(ctx, now)
		m.publish(ctx)
	} else {
		m.mtx.Lock()
		m.applyResults()
		m.leaks = m.allLeaks()
		m.mtx.Unlock()
	}
	m.o.Notify(now, m.Leaks())
	return err
}

// Wait waits for the pulls that are under way.
func (m *Monitor) Wait() { m.pulls.Wait() }

func (m *Monitor) logWarnings(warnings []string) {
	state := ""
	if len(warnings) > 0 {
		state = warnings[0]
	}
	m.log.say(m.logger, "warnings", state, func(l *slog.Logger) {
		if state != "" {
			l.Warn("Prometheus answers with a warning", "warnings", warnings)
		} else {
			l.Info("Prometheus answers without a warning again")
		}
	})
}

// judge judges every service and moves its leaks on; it returns the services
// that want profiles.
func (m *Monitor) judge(now time.Time) (want []*service) {
	m.mtx.Lock()
	m.applyResults()
	m.mtx.Unlock()
	status := map[trend.Status]int{}
	// Only the caller of Cycle changes services, so it may go through them as it
	// likes; it is locked for one at a time, so that pages wait for no fleet.
	for _, s := range m.services {
		if m.judgeOne(now, s) {
			status[s.verdict.Status]++
			want = append(want, s)
		}
	}
	m.metrics.verdicts(status)
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.leaks = m.allLeaks()
	return want
}

// judgeOne judges a service, and forgets it if nothing is left of it; watched
// tells whether it is watched.
func (m *Monitor) judgeOne(now time.Time, s *service) (watched bool) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	s.judge(now, m.o.Interval, m.o.Puller != nil, m.o.VersionLabel)
	s.fleet.SetWatched(s.trend.Instances())
	s.forget()
	s.fleet.MarkEnded(m.sampled, m.o.Interval)
	watched = len(s.fleet.Watched()) > 0
	if !watched && s.tracker.Idle() {
		delete(m.services, s.fleet)
		m.fleet.Remove(s.fleet)
	}
	return watched
}

// allLeaks are those of all services. The caller holds mtx.
func (m *Monitor) allLeaks() []leak.Leak {
	var out []leak.Leak
	for _, s := range m.services {
		out = append(out, s.tracker.Leaks()...)
	}
	slices.SortFunc(out, leak.ByDetection)
	return out
}

// Leaks lists all leaks, open and lately resolved, by the time of detection.
func (m *Monitor) Leaks() []leak.Leak {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	return m.leaks
}

// Service is a watched service, for pages.
type Service struct {
	Labels  labels.Labels
	Verdict trend.Verdict
	// Held is why nobody is told of a leak that the counts show, in plain words;
	// empty: they show none, or are believed.
	Held      string
	Instances []Instance
}

// Instance is a watched instance.
type Instance struct {
	trend.Instance
	Labels labels.Labels
	// Next is the earliest time of the next profile; zero: not known yet.
	Next time.Time
	// Gone: its series have ended. It is not asked for profiles, and only what it
	// leaves behind is still judged, for a while.
	Gone bool
}

// Services lists the watched services, in no order.
func (m *Monitor) Services() []Service {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	planner := m.planner()
	out := make([]Service, 0, len(m.services))
	for _, s := range m.services {
		if len(s.fleet.Watched()) == 0 {
			continue // gone, but for its leaks
		}
		v := Service{Labels: s.fleet.Labels, Verdict: s.verdict, Held: s.tracker.SuppressedReason()}
		place, there := 0, len(s.fleet.Present())
		for _, w := range s.fleet.Watched() {
			if in := s.fleet.Instance(w.Name); in != nil {
				i := Instance{Instance: w, Labels: in.Labels, Gone: in.Ended()}
				if !i.Gone {
					i.Next = planner.NextPull(s.profiles, s.growing(), w.Name, place, there)
					place++
				}
				v.Instances = append(v.Instances, i)
			}
		}
		out = append(out, v)
	}
	return out
}

// Each visits the watched instances, in no order. gone: the series of this one
// have ended.
func (m *Monitor) Each(visit func(instance labels.Labels, gone bool)) {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	for _, s := range m.services {
		for _, w := range s.fleet.Watched() {
			if in := s.fleet.Instance(w.Name); in != nil {
				visit(in.Labels, in.Ended())
			}
		}
	}
}

// State is how the last reading of samples went.
func (m *Monitor) State() SourceState {
	m.mtx.RLock()
	defer m.mtx.RUnlock()
	s := m.state
	if why := m.archive.Load(); why != nil {
		s.Archive = *why
	}
	return s
}
