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
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/gorowatch/gorowatch/collector"
)

// Options say where the series are and what they are called.
type Options struct {
	// Dir holds blocks, and beside them, in a data directory of a
	// Prometheus, the write-ahead log of what is in no block yet.
	Dir string
	// Count, Load and Start are metric names, by default go_goroutines,
	// process_cpu_seconds_total and process_start_time_seconds. The three are
	// joined by all labels but the name.
	Count, Load, Start string
	// LoadGauge: Load is a gauge, taken as it is, not a counter whose rate is.
	LoadGauge bool
	// Matchers select instances, besides the name.
	Matchers []*labels.Matcher
	// Logger gets what the storage complains about, default none.
	Logger *slog.Logger
}

// Source is the series of a TSDB. Its methods are safe for concurrent use.
type Source struct {
	opt      Options
	blocks   []*tsdb.Block
	head     storage.Querier // of the write-ahead log, nil: none
	min, max int64
	closers  []io.Closer
	warnings []string
}

var _ collector.SeriesSource = (*Source)(nil)

// lookback is how far apart two samples of a counter may be to have a rate
// between them, and how old a load or a start may be to belong to a count.
const lookback = 15 * time.Minute

// Open opens all blocks in a folder and replays the write-ahead log, if
// there is one.
func Open(o Options) (_ *Source, err error) {
	set := func(s *string, to string) {
		if *s == "" {
			*s = to
		}
	}
	set(&o.Count, "go_goroutines")
	set(&o.Load, "process_cpu_seconds_total")
	set(&o.Start, "process_start_time_seconds")
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Source{opt: o, min: math.MaxInt64, max: math.MinInt64}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.openBlocks(); err != nil {
		return nil, err
	}
	if err := s.openHead(); err != nil {
		// The log of a running Prometheus may be caught in the middle of a
		// write; its blocks are good nevertheless.
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
	// What a compaction has made of a block replaces it.
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

// boundHead widens the time range by the samples of the write-ahead log.
func (s *Source) boundHead() error {
	set := s.head.Select(context.Background(), false, nil, s.matchers(s.opt.Count)...)
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

func (s *Source) matchers(name string) []*labels.Matcher {
	return append([]*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, labels.MetricName, name)}, s.opt.Matchers...)
}

// Window implements collector.SeriesSource. The series are sorted by labels.
func (s *Source) Window(ctx context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to, Warnings: s.warnings}
	if !to.After(from) {
		return w, nil
	}
	lo, hi := from.UnixMilli()+1, to.UnixMilli()
	early := lo - lookback.Milliseconds()
	counts, err := s.read(ctx, s.opt.Count, lo, hi)
	if err != nil {
		return w, err
	}
	loads, err := s.read(ctx, s.opt.Load, early, hi)
	if err != nil {
		return w, err
	}
	starts, err := s.read(ctx, s.opt.Start, early, hi)
	if err != nil {
		return w, err
	}
	none := &vector{}
	for key, c := range counts {
		load, start := loads[key], starts[key]
		if load == nil {
			load = none
		}
		if start == nil {
			start = none
		}
		w.Series = append(w.Series, collector.Series{Labels: c.labels, Samples: join(c, load, start, s.opt.LoadGauge)})
	}
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, nil
}

// vector is the samples of one series, in time order.
type vector struct {
	labels labels.Labels // without the name
	t      []int64       // ms
	v      []float64
}

// read reads all series of a metric in [lo, hi], by their labels without the
// name.
func (s *Source) read(ctx context.Context, name string, lo, hi int64) (map[string]*vector, error) {
	out := map[string]*vector{}
	var key []byte
	collect := func(q storage.Querier) error {
		set := q.Select(ctx, false, nil, s.matchers(name)...)
		var it chunkenc.Iterator
		for set.Next() {
			if err := ctx.Err(); err != nil {
				return err
			}
			series := set.At()
			l := series.Labels()
			key = l.BytesWithoutLabels(key, labels.MetricName)
			v := out[string(key)]
			if v == nil {
				v = &vector{labels: l.DropMetricName()}
				out[string(key)] = v
			}
			it = series.Iterator(it)
			for kind := it.Next(); kind != chunkenc.ValNone; kind = it.Next() {
				if kind != chunkenc.ValFloat {
					continue // a histogram of that name is none of ours
				}
				if t, x := it.At(); t >= lo && t <= hi {
					v.t, v.v = append(v.t, t), append(v.v, x)
				}
			}
			if err := it.Err(); err != nil {
				return err
			}
		}
		return set.Err()
	}
	for _, b := range s.blocks {
		if b.Meta().MaxTime <= lo || b.Meta().MinTime > hi {
			continue
		}
		q, err := tsdb.NewBlockQuerier(b, lo, hi)
		if err != nil {
			return nil, fmt.Errorf("block %s: %w", b.Meta().ULID, err)
		}
		if err := errors.Join(collect(q), q.Close()); err != nil {
			return nil, fmt.Errorf("block %s: %w", b.Meta().ULID, err)
		}
	}
	if s.head != nil {
		if err := collect(s.head); err != nil {
			return nil, fmt.Errorf("write-ahead log: %w", err)
		}
	}
	for key, v := range out {
		v.order()
		if len(v.t) == 0 {
			delete(out, key)
		}
	}
	return out, nil
}

// order sorts by time where blocks overlap and drops duplicates.
func (v *vector) order() {
	ordered := true
	for i := 1; i < len(v.t) && ordered; i++ {
		ordered = v.t[i-1] < v.t[i]
	}
	if ordered {
		return
	}
	type sample struct {
		t int64
		v float64
	}
	all := make([]sample, len(v.t))
	for i := range all {
		all[i] = sample{v.t[i], v.v[i]}
	}
	slices.SortStableFunc(all, func(a, b sample) int { return int(max(-1, min(1, a.t-b.t))) })
	all = slices.CompactFunc(all, func(a, b sample) bool { return a.t == b.t })
	v.t, v.v = v.t[:len(all)], v.v[:len(all)]
	for i, x := range all {
		v.t[i], v.v[i] = x.t, x.v
	}
}
