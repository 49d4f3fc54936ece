package trend

import (
	"cmp"
	"math"
	"slices"
)

// pool is several instances judged as one, by the sums of their floors and loads. The sums show
// what all of them do despite the noise of each; a leak in only one shows better in that one.
type pool struct {
	members []*segment
	judged  [nScales]int64 // latest block that has been judged
	found   [nScales]compactFinding
}

// born is when the youngest member was first seen, ms: from then on there are sums.
func (p *pool) born() int64 {
	var t int64
	for _, g := range p.members {
		t = max(t, g.first)
	}
	return t
}

// gather picks the members: the instances that are still scraped and have been for at least half
// as long as the oldest of them.
func (p *pool) gather(in []*instance, base int64) {
	p.members = p.members[:0]
	var last, first int64
	for _, i := range in {
		last = max(last, i.seg.last)
	}
	alive := func(g *segment) bool { return last-g.last < 5*base+3*int64(g.step) }
	first = math.MaxInt64
	for _, i := range in {
		if alive(i.seg) {
			first = min(first, i.seg.first)
		}
	}
	for _, i := range in {
		if g := i.seg; alive(g) && (last-g.first)*2 >= last-first {
			p.members = append(p.members, g)
		}
	}
	// The order must not depend on the names, and neither must the sums. An unknown load comes
	// first.
	slices.SortFunc(p.members, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.count, b.count), cmp.Compare(a.load, b.load))
	})
}

// alike reports whether most of the members grow on a scale.
func (p *pool) alike(k int) bool {
	n := 0
	for _, g := range p.members {
		if g.found[k].z >= likely {
			n++
		}
	}
	return 2*n > len(p.members)
}

// newest is the latest block of a scale that all members have completed.
func (p *pool) newest(k int) (number int64, ok bool) {
	number = math.MaxInt64
	for _, g := range p.members {
		if g.rings[k].len() == 0 {
			return 0, false
		}
		number = min(number, g.rings[k].last)
	}
	return number, len(p.members) > 0
}

// view sums up the blocks that all members have, from the block numbered from on.
func (p *pool) view(k int, v *view, from int64) {
	v.n = 0
	last, ok := p.newest(k)
	if !ok {
		return
	}
	first := from
	for _, g := range p.members {
		first = max(first, g.rings[k].number(0))
	}
	first = max(first, last-maxBlocks+1)
	n := int(max(0, last-first+1))
	var partial [maxBlocks]bool // a member has no such block
	clear(v.x[:n])
	clear(v.l[:n])
	for _, g := range p.members {
		r := &g.rings[k]
		i := 0
		older, newer := r.blocks(int(first - r.number(0)))
		for _, part := range [...][]packed{older, newer} {
			for _, q := range part[:min(len(part), n-i)] {
				b := q.unpack()
				if !b.valid() {
					partial[i] = true
				}
				v.x[i] += float64(b.floor)
				v.l[i] += float64(b.load)
				i++
			}
		}
	}
	unknown := 0
	for i := range n {
		if partial[i] {
			continue
		}
		number := first + int64(i)
		if v.n == 0 {
			v.t0 = number
		}
		l := v.l[i]
		v.x[v.n], v.l[v.n], v.t[v.n] = v.x[i], l, float64(number-v.t0)
		if l != l {
			unknown++
		}
		v.n++
	}
	v.dropUnknown(unknown)
}
