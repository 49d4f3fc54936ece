package check

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gorowatch/gorowatch/internal/stack"
)

const (
	// enoughDumps is how many dumps in a row show which goroutines stay, if other profiles came
	// before them.
	enoughDumps = 3
	// enoughCounts is how many profiles show by counts that goroutines have moved: one alone
	// may miss some by chance.
	enoughCounts = 5
)

// window combines consecutive profiles of the target. A goroutine that comes and goes is in
// some of them; one that stays is in all.
type window struct {
	n    int
	last *stack.Snapshot

	// least has, for each signature that is in all profiles, the stack with the fewest
	// goroutines; leastRoot is the smallest number of goroutines by their first function.
	least     map[string]*stack.Stack
	leastRoot map[string]int64
	// peak are the largest numbers of goroutines of each signature; most and
	// mostRoot are the largest since the last call of rest.
	peak, most map[string]*stack.Stack
	mostRoot   map[string]int64
	// moved means that some growth is explained by goroutines that were elsewhere before.
	moved bool

	// dumps is how many of the latest profiles name their goroutines.
	dumps int
	// seen maps their goroutines to the last dump that has them; stayed are those that are in
	// each.
	seen   map[uint64]int
	stayed map[uint64]*routine
}

// routine is a goroutine that is in each dump of a window.
type routine struct{ places []place }

// place is a stack at which a goroutine was seen, and how often.
type place struct {
	stack *stack.Stack
	times int
}

// add adds another profile.
func (w *window) add(s *stack.Snapshot) {
	w.last = s
	roots := byRoot(s)
	if w.n++; w.n == 1 {
		w.least, w.leastRoot = maps.Clone(s.Stacks), roots
		w.peak = maps.Clone(s.Stacks)
		w.rest()
	} else {
		for sig, st := range w.least {
			if now := s.Stacks[sig]; now == nil {
				delete(w.least, sig)
			} else if now.Count < st.Count {
				w.least[sig] = now
			}
		}
		for _, largest := range []map[string]*stack.Stack{w.peak, w.most} {
			for sig, now := range s.Stacks {
				if st := largest[sig]; st == nil || now.Count > st.Count {
					largest[sig] = now
				}
			}
		}
		for name, n := range w.leastRoot {
			w.leastRoot[name] = min(n, roots[name])
		}
		for name, n := range roots {
			w.mostRoot[name] = max(n, w.mostRoot[name])
		}
	}
	w.addDump(s)
}

// rest drops the largest numbers before the latest profile, because the target was not at rest
// until then.
func (w *window) rest() { w.most, w.mostRoot = maps.Clone(w.last.Stacks), byRoot(w.last) }

// byRoot counts the goroutines by their first function.
func byRoot(s *stack.Snapshot) map[string]int64 {
	out := map[string]int64{}
	for _, st := range s.Stacks {
		out[root(st)] += st.Count
	}
	return out
}

// addDump follows the goroutines of a profile that names all of them.
func (w *window) addDump(s *stack.Snapshot) {
	for _, st := range s.Stacks {
		if int64(len(st.Goroutines)) != st.Count {
			w.dumps, w.seen, w.stayed = 0, nil, nil
			return
		}
	}
	first := w.dumps == 0
	if w.dumps++; first {
		w.seen, w.stayed = map[uint64]int{}, map[uint64]*routine{}
	}
	for _, st := range s.Stacks {
		for _, one := range st.Goroutines {
			id := one.ID
			w.seen[id] = w.dumps
			g := w.stayed[id]
			if g == nil {
				if !first {
					continue
				}
				g = &routine{}
				w.stayed[id] = g
			}
			g.visit(st)
		}
	}
	maps.DeleteFunc(w.stayed, func(id uint64, _ *routine) bool { return w.seen[id] != w.dumps })
}

// visit records where the goroutine is now.
func (g *routine) visit(st *stack.Stack) {
	for i := range g.places {
		if p := &g.places[i]; p.stack.Signature == st.Signature {
			p.stack, p.times = st, p.times+1
			return
		}
	}
	g.places = append(g.places, place{st, 1})
}

// usual returns the stack at which the goroutine was seen most often, the last one of several.
func (g *routine) usual() *stack.Stack {
	best := g.places[0]
	for _, p := range g.places[1:] {
		if p.times >= best.times {
			best = p
		}
	}
	return best.stack
}

// meets reports whether the two were seen at the same stack.
func (g *routine) meets(o *routine) bool {
	for _, p := range g.places {
		for _, q := range o.places {
			if p.stack.Signature == q.stack.Signature {
				return true
			}
		}
	}
	return false
}

// named reports whether goroutines have ids, before and after.
func named(base, head *window) bool {
	return base.dumps > 0 && head.dumps > 0 && (head.dumps == head.n || head.dumps >= enoughDumps)
}

// growth is a stack that grew.
type growth struct {
	// Delta has the goroutines before, and those that stayed.
	stack.Delta
	// alive means that some of these were seen elsewhere too, so they may still end.
	alive bool
	// proven is how many of the new ones are unreachable.
	proven int64
}

// grown returns the selected stacks that grew from one window to the other, most grown first.
func (c *checker) grown(base, head *window) []growth {
	var out []growth
	if named(base, head) {
		out = c.grownByID(base, head)
	} else {
		out = c.grownByCount(base, head)
	}
	sortByGrowth(out)
	return out
}

// sortByGrowth sorts the most grown first.
func sortByGrowth(list []growth) {
	slices.SortFunc(list, func(a, b growth) int {
		return cmp.Or(cmp.Compare(b.Growth(), a.Growth()), cmp.Compare(a.Signature, b.Signature))
	})
}

// grownByID counts the goroutines that stayed and are new, except those that replaced one that
// ended, as restarted workers of a pool do.
func (c *checker) grownByID(base, head *window) []growth {
	var ended []*routine
	before := map[string]int64{} // by signature
	for _, id := range slices.Sorted(maps.Keys(base.stayed)) {
		g := base.stayed[id]
		before[g.usual().Signature]++
		if head.seen[id] != head.dumps {
			ended = append(ended, g)
		}
	}
	found := map[string]*growth{}
	for _, id := range slices.Sorted(maps.Keys(head.stayed)) {
		g := head.stayed[id]
		if base.seen[id] > 0 {
			continue
		}
		if i := slices.IndexFunc(ended, g.meets); i >= 0 {
			ended = slices.Delete(ended, i, i+1)
			continue
		}
		st := g.usual()
		if !c.isWanted(st) {
			continue
		}
		f := found[st.Signature]
		if f == nil {
			n := before[st.Signature]
			f = &growth{Delta: stack.Delta{Stack: st, Base: n, Head: n}}
			found[st.Signature] = f
		}
		f.Head++
		f.alive = f.alive || len(g.places) > 1
	}
	out := make([]growth, 0, len(found))
	for _, f := range found {
		out = append(out, *f)
	}
	return out
}

// grownByCount compares the largest number before with the smallest number now. A goroutine
// that moved within its function is not new: if it left one stack of a function, it does not
// count at another.
func (c *checker) grownByCount(base, head *window) []growth {
	gone := map[string]int64{} // by root
	for sig, st := range base.least {
		n := st.Count
		if now := head.peak[sig]; now != nil {
			n -= now.Count
		}
		gone[root(st)] += max(n, 0)
	}
	before := &stack.Snapshot{Stacks: base.most}
	still := stack.Diff(before, &stack.Snapshot{Stacks: head.least})
	stayed, byRoot := map[string]int64{}, map[string]int64{}
	head.moved = false
	// Unselected stacks come first: a goroutine that left was more likely one of theirs.
	for _, wanted := range []bool{false, true} {
		for _, d := range still {
			if d.Growth() > 0 && c.isWanted(d.Stack) == wanted {
				r := root(d.Stack)
				moved := min(gone[r], d.Growth())
				gone[r] -= moved
				head.moved = head.moved || moved > 0
				stayed[d.Signature] = d.Growth() - moved
				byRoot[r] += d.Growth() - moved
			}
		}
	}
	// Some move back and forth between stacks. Then their function has more goroutines in each
	// profile, wherever they are.
	var out []growth
	for _, d := range stack.Diff(before, head.last) {
		r, n := root(d.Stack), stayed[d.Signature]
		if more := min(d.Growth()-n, head.leastRoot[r]-base.mostRoot[r]-byRoot[r]); more > 0 {
			byRoot[r] += more
			n += more
		}
		if n > 0 && c.isWanted(d.Stack) {
			d.Head = d.Base + n
			out = append(out, growth{Delta: d, alive: n > stayed[d.Signature]})
		}
	}
	return out
}
