package stack

import (
	"cmp"

	"github.com/gorowatch/gorowatch/collector"
)

// Builder makes snapshots from records as they are read, one profile after another. What its
// profiles have in common is computed and stored once: names, frames, and the shapes of stacks
// that were seen before. So two profiles to compare, or a day of them, take little more memory
// and time than one.
//
// It grows with the number of distinct stacks that it has seen, so discard it with the service
// or the comparison that it was made for. It is not safe for concurrent use; the snapshots are.
type Builder struct {
	n      *namer
	shapes map[uint64]*Shape // by a hash of the record
	slab   []*collector.Frame
	single bool // nothing is stored for a further profile; frames need no copy

	stacks map[string]*Stack // of the current profile, by signature; nil until the first record
	before int               // number of stacks of the profile before
	folded []*Stack          // those with variants
	coarse bool              // some operation is unknown
	total  int64
	room   room[Stack]

	labelText LabelText // nil: labels are not counted
	labels    int       // number of labels counted in the current profile
}

// NewBuilder makes a Builder.
func NewBuilder() *Builder {
	return &Builder{n: newNamer(), shapes: map[uint64]*Shape{}}
}

// Add counts the goroutines of a record. It keeps what the record's Frames point to, but not
// their array, which may be used again. It never fails; the error makes it fit for pprof.Read.
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
		b.countLabels(st, rec)
		return nil
	}
	if b.stacks == nil {
		b.stacks = make(map[string]*Stack, cmp.Or(b.before, rec.Records))
	}
	b.coarse = b.coarse || shape.Op == Unknown
	st = b.room.next()
	*st = Stack{
		Shape: shape, State: rec.State, CreatedBy: readable(rec.CreatedBy),
		Count: rec.Count, Wait: rec.Wait, Goroutines: rec.Goroutines, Creators: rec.Creators, Labels: rec.Labels,
	}
	if rec.Leaked {
		st.Leaked = rec.Count
	}
	b.countLabels(st, rec)
	b.stacks[shape.Signature] = st
	return nil
}

// Snapshot returns what was added since the last one; p has the time and the rest.
func (b *Builder) Snapshot(p *collector.Profile) *Snapshot {
	s := &Snapshot{Time: p.Time, Total: b.total, Incomplete: p.Incomplete, ReadAs: p.ReadAs, Warnings: p.Warnings, Stacks: b.stacks, precise: !b.coarse}
	if s.Stacks == nil {
		s.Stacks = map[string]*Stack{}
	}
	for _, st := range b.folded {
		st.settle()
	}
	b.stacks, b.before, b.folded, b.coarse, b.total, b.labels = nil, len(s.Stacks), nil, false, 0, 0
	b.room = nil // the stacks of another snapshot get their own array
	b.n.forget()
	return s
}

// shape returns the shape of a record, a known one if a hash of 64 bits matches. The hash is
// seeded, so that nobody can construct a collision.
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
	h := b.n.record(rec.State, format)
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

// room allocates values several at a time, more the more there are already, because allocating
// each by itself takes longer than filling it.
type room[T any] []T

// next returns an unused value.
func (r *room[T]) next() *T {
	if len(*r) == cap(*r) {
		*r = make([]T, 0, min(64, max(1, 2*cap(*r))))
	}
	*r = (*r)[:len(*r)+1]
	return &(*r)[len(*r)-1]
}

// keep makes a list of frames from a larger array.
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
