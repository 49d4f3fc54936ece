package tsdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Options say where the series are and which metrics are read.
type Options struct {
	// Dir holds blocks and, in a data directory of a Prometheus, the write-ahead log of newer
	// samples.
	Dir string
	// Signals are the metrics that are read, by default signals.Default. Expressions are
	// not possible.
	Signals signals.Set
	// Matchers select instances, besides the name.
	Matchers []*labels.Matcher
	// ReplicaLabels distinguish the replicas of a Prometheus: series that differ only in them
	// are one instance. None: all series are instances.
	ReplicaLabels []string
	// Logger gets the warnings of the storage, default none.
	Logger *slog.Logger
}

// complete sets the defaults.
func (o *Options) complete() {
	if len(o.Signals.Goroutines) == 0 {
		o.Signals = signals.Default()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// matchers select the series of a list of metrics that belong to instances themselves.
func (o *Options) matchers(l signals.List) []*labels.Matcher {
	var names []string
	for _, m := range l {
		if !m.Container {
			names = append(names, regexp.QuoteMeta(m.Name))
		}
	}
	return append([]*labels.Matcher{labels.MustNewMatcher(labels.MatchRegexp, labels.MetricName, strings.Join(names, "|"))}, o.Matchers...)
}

// Source is the series of a TSDB. Its methods are safe for concurrent use.
type Source struct {
	opt      Options
	blocks   []*tsdb.Block
	head     storage.Querier // of the write-ahead log, nil: none
	min, max int64
	closers  []io.Closer
	warnings []string

	mtx      sync.Mutex // guards replicas and uses
	uses     []signals.Use
	replicas *collector.Replicas
	units    loadUnits
}

var _ collector.SeriesSource = (*Source)(nil)

// Open opens all blocks in a folder and replays the write-ahead log, if
// there is one.
func Open(o Options) (_ *Source, err error) {
	o.complete()
	if err := o.Signals.CheckNames(); err != nil {
		return nil, err
	}
	s := &Source{opt: o, min: math.MaxInt64, max: math.MinInt64, replicas: collector.NewReplicas(o.ReplicaLabels)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.openBlocks(); err != nil {
		return nil, err
	}
	if err := s.openHead(); err != nil {
		// The log of a running Prometheus may be in the middle of a write; its blocks are good
		// nevertheless.
		if len(s.blocks) == 0 {
			return nil, err
		}
		s.warnings = append(s.warnings, err.Error())
	}
	if s.min > s.max {
		return nil, fmt.Errorf("%s: neither blocks nor a write-ahead log with samples", o.Dir)
	}
	return s, nil
}

func (s *Source) openBlocks() error {
	entries, err := os.ReadDir(s.opt.Dir)
	if err != nil {
		return fmt.Errorf("reading the data directory: %w", err)
	}
	superseded := map[ulid.ULID]bool{}
	for _, e := range entries {
		dir := filepath.Join(s.opt.Dir, e.Name())
		if _, err := ulid.ParseStrict(e.Name()); err != nil {
			continue
		}
		// Prometheus writes meta.json last: without it, the block is not
		// complete yet or being deleted.
		if _, err := os.Stat(filepath.Join(dir, "meta.json")); errors.Is(err, os.ErrNotExist) {
			continue
		}
		b, err := tsdb.OpenBlock(s.opt.Logger, dir, chunkenc.NewPool(), nil)
		if err != nil {
			if _, gone := os.Stat(dir); errors.Is(gone, os.ErrNotExist) {
				continue // compacted away meanwhile
			}
			s.warnings = append(s.warnings, fmt.Sprintf("block %s: %v", e.Name(), err))
			continue
		}
		s.blocks = append(s.blocks, b)
		s.closers = append(s.closers, b)
		for _, p := range b.Meta().Compaction.Parents {
			superseded[p.ULID] = true
		}
	}
	// A compacted block replaces its parents.
	s.blocks = slices.DeleteFunc(s.blocks, func(b *tsdb.Block) bool { return superseded[b.Meta().ULID] })
	slices.SortFunc(s.blocks, func(a, b *tsdb.Block) int { return int(max(-1, min(1, a.MinTime()-b.MinTime()))) })
	for _, b := range s.blocks {
		s.min, s.max = min(s.min, b.Meta().MinTime), max(s.max, b.Meta().MaxTime-1)
	}
	return nil
}

// openHead replays the write-ahead log in a folder of its own, which shares
// the memory-mapped chunks as hard links, or as copies where the file system
// has no links.
func (s *Source) openHead() error {
	if segments, err := os.ReadDir(filepath.Join(s.opt.Dir, "wal")); err != nil || len(segments) == 0 {
		return nil
	}
	abs, err := filepath.Abs(s.opt.Dir)
	if err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	shadow, err := os.MkdirTemp("", "gorowatch-tsdb-")
	if err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	s.closers = append(s.closers, closerFunc(func() error { return os.RemoveAll(shadow) }))
	for _, name := range []string{"wal", "wbl"} {
		if _, err := os.Stat(filepath.Join(abs, name)); err == nil {
			if err := os.Symlink(filepath.Join(abs, name), filepath.Join(shadow, name)); err != nil {
				return fmt.Errorf("write-ahead log: %w", err)
			}
		}
	}
	if err := shareFiles(filepath.Join(abs, "chunks_head"), filepath.Join(shadow, "chunks_head")); err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	db, err := tsdb.OpenDBReadOnly(shadow, shadow, s.opt.Logger)
	if err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	s.closers = append(s.closers, db)
	q, err := db.Querier(math.MinInt64, math.MaxInt64)
	if err != nil {
		return fmt.Errorf("write-ahead log: %w", err)
	}
	s.closers = append(s.closers, q)
	s.head = q
	return s.boundHead()
}

// boundHead extends the time range by the samples of the write-ahead log.
func (s *Source) boundHead() error {
	set := s.head.Select(context.Background(), false, nil, s.opt.matchers(s.opt.Signals.Goroutines)...)
	var it chunkenc.Iterator
	for set.Next() {
		it = set.At().Iterator(it)
		for it.Next() == chunkenc.ValFloat {
			t, _ := it.At()
			s.min, s.max = min(s.min, t), max(s.max, t)
		}
		if err := it.Err(); err != nil {
			return fmt.Errorf("write-ahead log: %w", err)
		}
	}
	return set.Err()
}

func shareFiles(from, to string) error {
	if err := os.Mkdir(to, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		src, dst := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if os.Link(src, dst) == nil {
			continue
		}
		if err := copyFile(src, dst); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func copyFile(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

// Close releases the files.
func (s *Source) Close() error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c.Close())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// MinTime and MaxTime bound the samples.
func (s *Source) MinTime() time.Time { return time.UnixMilli(s.min).UTC() }

// MaxTime is not before the latest sample.
func (s *Source) MaxTime() time.Time { return time.UnixMilli(s.max).UTC() }

// Window implements collector.SeriesSource. The series are sorted by labels.
func (s *Source) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	w, uses, err := window(ctx, &s.opt, from, to, &s.units, s.each)
	w.Warnings = append(slices.Clone(s.warnings), w.Warnings...)
	if err != nil {
		return w, err
	}
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.uses = uses
	merged, notes := s.replicas.Merge(w.Series, from)
	w.Series, w.Warnings = merged, append(w.Warnings, notes...)
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, nil
}

// Signals returns the metrics by which the instances of the latest window are read.
func (s *Source) Signals() []signals.Use {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return slices.Clone(s.uses)
}

// each passes one querier after another that has samples in [lo, hi] to use.
func (s *Source) each(lo, hi int64, use func(storage.Querier) error) error {
	for _, b := range s.blocks {
		if b.Meta().MaxTime <= lo || b.Meta().MinTime > hi {
			continue
		}
		q, err := tsdb.NewBlockQuerier(b, lo, hi)
		if err != nil {
			return fmt.Errorf("block %s: %w", b.Meta().ULID, err)
		}
		if err := errors.Join(use(q), q.Close()); err != nil {
			return fmt.Errorf("block %s: %w", b.Meta().ULID, err)
		}
	}
	if s.head != nil {
		if err := use(s.head); err != nil {
			return fmt.Errorf("write-ahead log: %w", err)
		}
	}
	return nil
}
