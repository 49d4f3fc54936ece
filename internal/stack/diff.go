package stack

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Delta is the change in the number of goroutines of one signature. The stack is that of the
// head profile, or of the base if it is gone; if its signature combines several places, it
// shows the one that grew most.
type Delta struct {
	*Stack
	Base, Head int64
}

// Growth returns the number of additional goroutines, negative if there are fewer.
func (d Delta) Growth() int64 { return d.Head - d.Base }

// Diff compares two snapshots and returns the stacks whose counts changed, most grown first.
// The growths add up to that of the totals. Either may be nil, which stands for no goroutines.
//
// If one of the two is from a debug=1 profile, stacks whose operation it hides are matched only
// by their frames.
func Diff(base, head *Snapshot) []Delta {
	if base == nil {
		base = &Snapshot{}
	}
	if head == nil {
		head = &Snapshot{}
	}
	before, after := base.Stacks, head.Stacks
	if base.coarse() != head.coarse() {
		before, after = project(before), project(after)
	}
	out := make([]Delta, 0, len(after))
	common := 0
	for sig, h := range after {
		b := before[sig]
		if b != nil {
			common++
		}
		switch {
		case b == nil:
			out = append(out, Delta{Stack: h, Head: h.Count})
		case b.Count != h.Count:
			out = append(out, Delta{Stack: h.grownSince(b), Base: b.Count, Head: h.Count})
		}
	}
	for sig, b := range before {
		if common == len(before) {
			break // none is gone
		}
		if after[sig] == nil {
			out = append(out, Delta{Stack: b, Base: b.Count})
		}
	}
	sortByGrowth(out)
	return out
}

// ranked is a delta and its sort keys, next to each other, because signatures are far from the
// deltas in memory.
type ranked struct {
	growth, head int64
	signature    uint64 // its first digits
	stack        *Stack
}

// sortByGrowth sorts the most grown first.
func sortByGrowth(deltas []Delta) {
	all := make([]ranked, len(deltas))
	for i, d := range deltas {
		all[i] = ranked{d.Growth(), d.Head, firstDigits(d.Signature), d.Stack}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		switch {
		case a.growth != b.growth:
			return cmp.Compare(b.growth, a.growth)
		case a.head != b.head:
			return cmp.Compare(b.head, a.head)
		case a.signature != b.signature:
			return cmp.Compare(a.signature, b.signature)
		}
		return cmp.Compare(a.stack.Signature, b.stack.Signature)
	})
	for i, r := range all {
		deltas[i] = Delta{Stack: r.stack, Base: r.head - r.growth, Head: r.head}
	}
}

// firstDigits converts the beginning of a signature to a number with the same order.
func firstDigits(signature string) uint64 {
	var b [8]byte
	copy(b[:], signature)
	return binary.BigEndian.Uint64(b[:])
}

// grownSince returns s with the frames of the place that gained most since b.
func (s *Stack) grownSince(b *Stack) *Stack {
	if len(s.variants) < 2 {
		return s
	}
	before := b.variants
	if before == nil {
		before = []variant{{b.Shape, b.Count}}
	}
	best, most := -1, int64(0)
	for i, v := range s.variants {
		grown := v.count
		for _, o := range before {
			if o.shape.same(v.shape) {
				grown -= o.count
				break
			}
		}
		if grown > most {
			best, most = i, grown
		}
	}
	if best < 0 {
		return s
	}
	c := *s
	c.Shape = s.variants[best].shape
	return &c
}

// coarse reports whether some operations are unknown.
func (s *Snapshot) coarse() bool {
	if s.precise {
		return false
	}
	for _, st := range s.Stacks {
		if st.Op == Unknown {
			return true
		}
	}
	return false
}

// project removes the operations that debug=1 hides and merges the stacks that become equal.
// Merged stacks show the most frequent one.
func project(in map[string]*Stack) map[string]*Stack {
	out := make(map[string]*Stack, len(in))
	for _, st := range in {
		sig := st.coarsely()
		old := out[sig]
		if old == nil {
			out[sig] = st
			continue
		}
		a, b := old, st
		if b.Count > a.Count || b.Count == a.Count && b.Signature < a.Signature {
			a, b = b, a
		}
		c := *a
		c.Count = addCount(a.Count, b.Count)
		c.Leaked = addCount(a.Leaked, b.Leaked)
		c.Wait = max(a.Wait, b.Wait)
		c.Goroutines = slices.Concat(a.Goroutines, b.Goroutines)
		c.Labels = common(a.Labels, b.Labels)
		c.variants = slices.Concat(a.ways(), b.ways())
		out[sig] = &c
	}
	return out
}

func (s *Stack) ways() []variant {
	if s.variants != nil {
		return s.variants
	}
	return []variant{{s.Shape, s.Count}}
}
