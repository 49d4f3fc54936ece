package view

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Lengths of texts, in characters: a hostile name must not make a page or an answer unreadable.
const (
	MaxName  = 120
	MaxFunc  = 160
	MaxWords = 400
)

// How long a request waits for a bucket or a Prometheus.
const (
	ListTimeout    = 3 * time.Second
	LoadTimeout    = 10 * time.Second
	historyTimeout = 15 * time.Second
)

// Options of a Reader. Logger and Backend are required.
type Options struct {
	Logger  *slog.Logger
	Backend Backend
	// Profiles reads the archive, and History the data of charts. Either may be nil.
	Profiles Profiles
	History  History
	// Resolution is the shortest step of a chart, a second if 0.
	Resolution time.Duration
	// Puller takes profiles on request from the pages. It is nil if that is not enabled.
	Puller Puller
	// Triage stores owners, notes and expectations of leaks. It is nil if nothing is stored.
	Triage Triage
}

// Reader finds what pages and API show. It is safe for use by many requests.
type Reader struct {
	o Options
	// slots limit requests that read profiles, because one may take much memory
	slots chan struct{}
}

// New makes a Reader.
func New(o Options) *Reader {
	return &Reader{o: o, slots: make(chan struct{}, maxReaders)}
}

// HasHistory reports whether there is a source of series.
func (r *Reader) HasHistory() bool { return r.o.History != nil }

// HasScheduler reports whether Go's scheduler metrics may be there.
func (r *Reader) HasScheduler() bool {
	s, ok := r.o.History.(Scheduler)
	return ok && s.HasScheduler()
}

// Scheduler reads the scheduler's metrics of a service, in a bounded time; false: there are
// none.
func (r *Reader) Scheduler(ctx context.Context, service labels.Labels) (collector.Scheduler, bool, error) {
	s, ok := r.o.History.(Scheduler)
	if !ok {
		return collector.Scheduler{}, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	return s.Scheduler(ctx, service, r.o.Backend.Now())
}

// Resolution returns the shortest step of a chart, a second if 0.
func (r *Reader) Resolution() time.Duration { return r.o.Resolution }

// History reads the series of a service, in a bounded time. There must be a source
// of them.
func (r *Reader) History(ctx context.Context, service labels.Labels, from, to time.Time, step time.Duration) (collector.History, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	return r.o.History.History(ctx, service, from, to, step)
}
