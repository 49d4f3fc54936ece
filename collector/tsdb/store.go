package tsdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// StoreOptions are the options of a Store. Dir is required.
type StoreOptions struct {
	// Dir is the data directory. It is created if missing, and locked: a second Store on it is
	// an error.
	Dir string
	// Retention is how long samples are kept, default 15 days.
	Retention time.Duration
	Logger    *slog.Logger
	// Registerer gets the metrics of the database, prometheus_tsdb_…; may be nil.
	Registerer prometheus.Registerer
}

// Store keeps the samples that gorowatch scrapes itself, under the names that Prometheus would
// use. Its folder is the data directory of a Prometheus, which Open and every other tool can
// read. Appended samples survive a kill of the process.
type Store struct {
	db    *tsdb.DB
	units loadUnits

	mtx  sync.Mutex
	opt  Options
	uses []signals.Use
	refs map[string]refs // by labels
}

// refs are the database's references to the series of an instance.
type refs struct {
	instance labels.Labels
	last     int64 // time of the latest sample, ms
	names    [3]string
	of       [3]storage.SeriesRef
}

// OpenStore opens the database, or creates it.
func OpenStore(o StoreOptions) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	opts := tsdb.DefaultOptions()
	opts.StripeSize = 1 << 10 // three series an instance, not a million
	opts.WALCompression = compression.Snappy
	if o.Retention > 0 {
		opts.RetentionDuration = o.Retention.Milliseconds()
	}
	// As in Prometheus: blocks of up to a tenth of the retention.
	opts.MaxBlockDuration = max(opts.MinBlockDuration, min(opts.RetentionDuration/10, 31*24*time.Hour.Milliseconds()))
	db, err := tsdb.Open(o.Dir, o.Logger, o.Registerer, opts, nil)
	if err != nil {
		return nil, fmt.Errorf("opening the series in %s: %w", o.Dir, err)
	}
	s := &Store{db: db, refs: map[string]refs{}}
	s.opt.complete()
	return s, nil
}

// Append implements scrape.Store. A sample that is not later than the one
// before is refused.
func (s *Store) Append(instance labels.Labels, x collector.Scrape) (err error) {
	key := string(instance.Bytes(nil))
	s.mtx.Lock()
	known, ok := s.refs[key]
	first := [3]string{s.opt.Signals.Goroutines[0].Name, s.opt.Signals.Load[0].Name, s.opt.Signals.Start[0].Name}
	s.mtx.Unlock()
	if !ok {
		known.instance = instance
	}
	app := s.db.Appender(context.Background())
	for i, v := range [...]float64{x.Count, x.CPU, x.Start} {
		if math.IsNaN(v) {
			continue
		}
		name := cmp.Or(x.Names[i], first[i])
		if known.names[i] != name {
			known.names[i], known.of[i] = name, 0
		}
		series := labels.NewBuilder(instance).Set(labels.MetricName, name).Labels()
		if known.of[i], err = app.Append(known.of[i], series, x.T, v); err != nil {
			return errors.Join(refused(x.T, err), app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return fmt.Errorf("keeping samples: %w", err)
	}
	known.last = x.T
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if !ok {
		s.forget(x.T)
	}
	s.refs[key] = known
	return nil
}

// refused says in words why the database refuses a sample.
func refused(t int64, err error) error {
	if errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrOutOfBounds) || errors.Is(err, storage.ErrDuplicateSampleForTimestamp) {
		return collector.Errorf(collector.ReasonBadData, "a sample of %s is not later than those before it: has the clock been set back? (%w)",
			time.UnixMilli(t).UTC().Format(time.RFC3339), err)
	}
	return fmt.Errorf("keeping samples: %w", err)
}

// forget drops the references of instances that are gone. The database keeps their samples.
func (s *Store) forget(now int64) {
	for key, r := range s.refs {
		if now-r.last > time.Hour.Milliseconds() {
			delete(s.refs, key)
		}
	}
}

// SetSignals sets the metrics that are read.
func (s *Store) SetSignals(set signals.Set) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.opt.Signals = set
}

// Signals returns the metrics by which the instances of the latest window are read.
func (s *Store) Signals() []signals.Use {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return slices.Clone(s.uses)
}

// Window implements collector.SeriesSource. The series are sorted by labels.
func (s *Store) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	s.mtx.Lock()
	opt := s.opt
	s.mtx.Unlock()
	w, uses, err := window(ctx, &opt, from, to, &s.units, func(lo, hi int64, use func(storage.Querier) error) error {
		q, err := s.db.Querier(lo, hi)
		if err != nil {
			return fmt.Errorf("reading the series: %w", err)
		}
		return errors.Join(use(q), q.Close())
	})
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.uses = uses
	return w, err
}

// Close ends the database; its samples stay on disk.
func (s *Store) Close() error { return s.db.Close() }
