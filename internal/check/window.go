package check

import (
	"cmp"
	"maps"
	"slices"

	"github.com/gorowatch/gorowatch/internal/stack"
)

// enoughDumps is how many dumps in a row tell which goroutines stay, where
// other profiles came before them.
const enoughDumps = 3

// window is what several profiles of the target, one after the other, say
// together. A goroutine that comes and goes is in some of them; one that
// stays is in all.
type window struct {
	n    int
	last *stack.Snapshot

	// least has, of each signature that is in all profiles, the stack with the
	// fewest goroutines; leastRoot is the smallest number of goroutines of each
	// function that they began with.
	least     map[string]*stack.Stack
	leastRoot map[string]int64
	// most and mostRoot are the largest since the last call of rest.
	most     map[string]*stack.Stack
	mostRoot map[string]int64

	// dumps is how many of the latest profiles name their goroutines.
	dumps int
	// seen are the goroutines of these, stayed those that are in each of them.
	seen   map[uint64]sighting
	stayed map[uint64]*routine
}

// sighting is when a goroutine was seen last.
type sighting struct {
	root string
	dump int
}

// routine is one goroutine that is in each dump of a window.
type routine struct {
	id     uint64
	root   string
	places []place
}

// place is a stack that a goroutine was found at, and how often.
type place struct {
	stack *stack.Stack
	times int
}

// add takes a further profile.
func (w *window) add(s *stack.Snapshot) {
	w.last = s
	roots := byRoot(s)
	if w.n++; w.n == 1 {
		w.least, w.leastRoot = maps.Clone(s.Stacks), roots
		w.rest()
	} else {
		for sig, st := range w.least {
			if now := s.Stacks[sig]; now == nil {
				delete(w.least, sig)
			} else if now.Count < st.Count {
				w.least[sig] = now
			}
		}
		for sig, now := range s.Stacks {
			if st := w.most[sig]; st == nil || now.Count > st.Count {
				w.most[sig] = now
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

// rest forgets the largest numbers before the latest profile, because the
// target was not at rest until then.
func (w *window) rest() { w.most, w.mostRoot = maps.Clone(w.last.Stacks), byRoot(w.last) }

// byRoot is the number of goroutines of each function that they began with.
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
		if int64(len(st.IDs)) != st.Count {
			w.dumps, w.seen, w.stayed = 0, nil, nil
			return
		}
	}
	first := w.dumps == 0
	if w.dumps++; first {
		w.seen, w.stayed = map[uint64]sighting{}, map[uint64]*routine{}
	}
	for _, st := range s.Stacks {
		r := root(st)
		for _, id := range st.IDs {
			w.seen[id] = sighting{r, w.dumps}
			g := w.stayed[id]
			if g == nil {
				if !first {
					continue
				}
				g = &routine{id: id, root: r}
				w.stayed[id] = g
			}
			g.found(st)
		}
	}
	maps.DeleteFunc(w.stayed, func(id uint64, _ *routine) bool { return w.seen[id].dump != w.dumps })
}

// found notes where the goroutine stands now.
func (g *routine) found(st *stack.Stack) {
	for i := range g.places {
		if p := &g.places[i]; p.stack.Signature == st.Signature {
			p.stack, p.times = st, p.times+1
			return
		}
	}
	g.places = append(g.places, place{st, 1})
}

// usual is the stack that the goroutine was found at most often, the last one
// of several.
func (g *routine) usual() *stack.Stack {
	best := g.places[0]
	for _, p := range g.places[1:] {
		if p.times >= best.times {
			best = p
		}
	}
	return best.stack
}

// meets tells whether the two were found at the same stack.
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

// named tells whether goroutines can be told apart by their ids, before and
// after.
func named(base, head *window) bool {
	return base.dumps > 0 && head.dumps > 0 && (head.dumps == head.n || head.dumps >= enoughDumps)
}

// growth is a stack that grew.
type growth struct {
	// Delta is the goroutines that were there before, and those that stayed.
	stack.Delta
	// alive: some of these were seen elsewhere too, so they may end yet.
	alive bool
}

// grown is the stacks that are looked at and that grew from one window to the
// other, most grown first.
func (c *checker) grown(base, head *window) []growth {
	var out []growth
	if named(base, head) {
		out = c.grownByID(base, head)
	} else {
		out = c.grownByCount(base, head)
	}
	slices.SortFunc(out, func(a, b growth) int {
		return cmp.Or(cmp.Compare(b.Growth(), a.Growth()), cmp.Compare(a.Signature, b.Signature))
	})
	return out
}

// grownByID counts the goroutines that stayed and that were not there before,
// but for those that took the place of one that ended, as the restarted workers
// of a pool do.
func (c *checker) grownByID(base, head *window) []growth {
	ended := map[string][]*routine{} // by root
	before := map[string]int64{}     // by signature
	for id, g := range base.stayed {
		before[g.usual().Signature]++
		if s := head.seen[id]; s.dump != head.dumps || s.root != g.root {
			ended[g.root] = append(ended[g.root], g)
		}
	}
	found := map[string]*growth{}
	for _, id := range slices.Sorted(maps.Keys(head.stayed)) {
		g := head.stayed[id]
		if s, ok := base.seen[id]; ok && s.root == g.root {
			continue
		}
		if i := slices.IndexFunc(ended[g.root], g.meets); i >= 0 {
			ended[g.root] = slices.Delete(ended[g.root], i, i+1)
			continue
		}
		st := g.usual()
		if !c.wanted(st) {
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

// grownByCount compares the most that was there before with the least that is
// there now. A goroutine that only stands elsewhere in its function than before
// has not come: growth counts as far as that of all goroutines that began with
// the same function.
func (c *checker) grownByCount(base, head *window) []growth {
	before := &stack.Snapshot{Stacks: base.most}
	net := map[string]int64{}
	for name, n := range head.leastRoot {
		net[name] = n - base.mostRoot[name]
	}
	stayed := map[string]int64{} // by signature
	take := func(d stack.Delta) {
		if n := min(d.Growth()-stayed[d.Signature], net[root(d.Stack)]); n > 0 {
			net[root(d.Stack)] -= n
			stayed[d.Signature] += n
		}
	}
	// First those that stand still, of which those that nobody looks at must not
	// take the place of others.
	still := stack.Diff(before, &stack.Snapshot{Stacks: head.least})
	for _, wanted := range []bool{true, false} {
		for _, d := range still {
			if c.wanted(d.Stack) == wanted {
				take(d)
			}
		}
	}
	// Then those that go to and fro: their function has more goroutines in each
	// profile, wherever they stand.
	var out []growth
	for _, d := range stack.Diff(before, head.last) {
		alive := stayed[d.Signature]
		take(d)
		if n := stayed[d.Signature]; n > 0 && c.wanted(d.Stack) {
			d.Head = d.Base + n
			out = append(out, growth{Delta: d, alive: n > alive})
		}
	}
	return out
}
