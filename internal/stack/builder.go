package stack

import (
	"cmp"

	"github.com/gorowatch/gorowatch/collector"
)

// Builder makes snapshots from records as they are read, one profile after
// another. What its profiles have in common is kept and worked out once:
// names, frames, and the shapes of stacks that were seen before. So two
// profiles to compare, or a day of them, take little more memory and time than
// one.
//
// It grows with the number of distinct stacks that it has seen, so throw it
// away with the service or the comparison that it was made for. It is not
// safe for concurrent use; the snapshots are.
type Builder struct {
	n      *namer
	shapes map[uint64]*Shape // by a hash of the record
	slab   []*collector.Frame
	single bool // nothing is kept for a further profile; frames need no copy

	stacks map[string]*Stack // of the profile being read, by signature; nil until the first
	before int               // stacks of the profile before
	folded []*Stack          // those with variants
	coarse bool              // some operation is unknown
	total  int64
	room   room[Stack]
}

// NewBuilder makes a Builder.
func NewBuilder() *Builder {
	return &Builder{n: newNamer(), shapes: map[uint64]*Shape{}}
}

// Add counts the goroutines of a record. It keeps nothing of the record's
// Frames, whose array may be used again, but what they point to. It never
// fails; the error makes it fit for pprof.Read.
func (b *Builder) Add(format collector.Format, rec *collector.Record) error {
	if rec.Count <= 0 {
		return nil
	}
	shape := b.shape(format, rec)
	b.total = addCount(b.total, rec.Count)
	st := b.stacks[shape.Signature]
	if st != nil {
		if st.variants == nil {
			b.folded = append(b.folded, st)
		}
		st.add(rec, shape)
		return nil
	}
	if b.stacks == nil {
		b.stacks = make(map[string]*Stack, cmp.Or(b.before, rec.Records))
	}
	b.coarse = b.coarse || shape.Op == Unknown
	st = b.room.next()
	*st = Stack{
		Shape: shape, State: rec.State, CreatedBy: readable(rec.CreatedBy),
		Count: rec.Count, Wait: rec.Wait, IDs: rec.IDs, Labels: rec.Labels,
	}
	if rec.Leaked {
		st.Leaked = rec.Count
	}
	b.stacks[shape.Signature] = st
	return nil
}

// Snapshot is what was added since the last one; p has the time and the rest.
func (b *Builder) Snapshot(p *collector.Profile) *Snapshot {
	s := &Snapshot{Time: p.Time, Total: b.total, Incomplete: p.Incomplete, ReadAs: p.ReadAs, Warnings: p.Warnings, Stacks: b.stacks, precise: !b.coarse}
	if s.Stacks == nil {
		s.Stacks = map[string]*Stack{}
	}
	for _, st := range b.folded {
		st.settle()
	}
	b.stacks, b.before, b.folded, b.coarse, b.total = nil, len(s.Stacks), nil, false, 0
	b.room = nil // the stacks of another snapshot are in an array of their own
	b.n.forget()
	return s
}

// shape is that of a record, from those that were seen before if it is one of
// them, as a hash of 64 bits tells; it is seeded, so that nobody can make two
// of the same.
func (b *Builder) shape(format collector.Format, rec *collector.Record) *Shape {
	places := b.n.places(rec.Frames, rec.Numbers)
	if b.single {
		shape, from, to := b.n.read(places, rec.State, format)
		shape.Frames = rec.Frames[from:to:to]
		for i := from; i < to; i++ {
			if places[i].frame.Func != rec.Frames[i].Func {
				shape.Frames = b.keep(places[from:to])
				break
			}
		}
		return shape
	}
	h := b.n.exact(places, rec.State, format)
	if shape := b.shapes[h]; shape != nil {
		return shape
	}
	shape, from, to := b.n.read(places, rec.State, format)
	shape.Frames = b.keep(places[from:to])
	if len(b.shapes) == 0 {
		b.shapes = make(map[uint64]*Shape, rec.Records)
	}
	b.shapes[h] = shape
	return shape
}

// room is values that are made several at a time, the more the more there are
// already, because making each by itself takes longer than filling it.
type room[T any] []T

// next is a value that is not in use.
func (r *room[T]) next() *T {
	if len(*r) == cap(*r) {
		*r = make([]T, 0, min(64, max(1, 2*cap(*r))))
	}
	*r = (*r)[:len(*r)+1]
	return &(*r)[len(*r)-1]
}

// keep makes a list of frames out of a larger array.
func (b *Builder) keep(places []*place) []*collector.Frame {
	n := len(places)
	if cap(b.slab)-len(b.slab) < n {
		b.slab = make([]*collector.Frame, 0, max(n, 1024))
	}
	from := len(b.slab)
	for _, p := range places {
		b.slab = append(b.slab, &p.frame)
	}
	return b.slab[from:len(b.slab):len(b.slab)]
}
