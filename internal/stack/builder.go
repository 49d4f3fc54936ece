package stack

import (
	"github.com/gorowatch/gorowatch/collector"
)

// Builder makes snapshots from records as they are read, one profile after
// another. What its profiles have in common is kept and worked out once:
// names, and the frames of stacks that were seen before. So two profiles to
// compare, or a day of them, take little more memory than one.
//
// It grows with the number of distinct stacks that it has seen, so throw it
// away with the service or the comparison that it was made for. It is not
// safe for concurrent use; the snapshots are.
type Builder struct {
	n      *namer
	pool   map[uint64][]collector.Frame // by a hash of functions and lines
	slab   []collector.Frame
	shared bool // frames need no copy

	stacks map[identity]*Stack // of the profile being read
	total  int64
}

// NewBuilder makes a Builder.
func NewBuilder() *Builder {
	return &Builder{n: newNamer(), pool: map[uint64][]collector.Frame{}, stacks: map[identity]*Stack{}}
}

// Add counts the goroutines of a record. It keeps nothing of the record's
// Frames, whose array may be used again. It never fails; the error makes it fit
// for pprof.Read.
func (b *Builder) Add(format collector.Format, rec *collector.Record) error {
	if rec.Count <= 0 {
		return nil
	}
	r := b.n.read(rec, format)
	if !b.shared {
		r.frames = b.keep(r)
	}
	b.total = addCount(b.total, rec.Count)
	st := b.stacks[r.id]
	if st != nil {
		st.add(rec, r)
		return nil
	}
	st = &Stack{
		Op: r.id.op, State: rec.State, Frames: r.frames, Key: r.key, UserCode: r.user,
		CreatedBy: rec.CreatedBy, Count: rec.Count, Wait: rec.Wait, IDs: rec.IDs, Labels: rec.Labels,
		id: r.id, hidden: r.hidden,
	}
	if rec.Leaked {
		st.Leaked = rec.Count
	}
	b.stacks[r.id] = st
	return nil
}

// Snapshot is what was added since the last one; p has the time and the rest.
func (b *Builder) Snapshot(p *collector.Profile) *Snapshot {
	s := &Snapshot{Time: p.Time, Total: b.total, Incomplete: p.Incomplete, Stacks: make(map[string]*Stack, len(b.stacks))}
	for id, st := range b.stacks {
		st.Signature = id.signature()
		st.settle()
		s.Stacks[st.Signature] = st
	}
	b.stacks, b.total = make(map[identity]*Stack, len(b.stacks)), 0
	return s
}

// keep copies frames unless they were kept before, as a hash of 64 bits tells;
// it is seeded, so that nobody can make two of the same.
func (b *Builder) keep(r reading) []collector.Frame {
	if old, ok := b.pool[r.exact]; ok && len(old) == len(r.frames) {
		return old
	}
	n := len(r.frames)
	if cap(b.slab)-len(b.slab) < n {
		b.slab = make([]collector.Frame, 0, max(n, 1024))
	}
	from := len(b.slab)
	b.slab = append(b.slab, r.frames...)
	kept := b.slab[from:len(b.slab):len(b.slab)]
	b.pool[r.exact] = kept
	return kept
}
