package leak

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack"
)

// Shot is a profile of an instance.
type Shot struct {
	Ref      ProfileRef
	Snapshot *stack.Snapshot
}

// History is the profiles of one process, oldest first.
type History struct {
	Instance string
	Onset    time.Time // when its counts began to grow
	Leaked   float64   // what its floor has grown by since
	Shots    []Shot
}

// Attribution is growth that belongs to stacks which grow together.
type Attribution struct {
	// Stacks, the leading one first.
	Stacks    []StackGrowth
	Instances []string
	// Share of the growth of all goroutines between the profiles, 0 to 1.
	Share float64
	// Base and Head are of the instance that grew most.
	Base, Head ProfileRef
}

// Lead is the signature of the leading stack.
func (a Attribution) Lead() string { return a.Stacks[0].Signature }

// plus is the growth of both.
func (a Attribution) plus(b Attribution) Attribution {
	a.Stacks = slices.Concat(a.Stacks, b.Stacks)
	a.Share = min(1, a.Share+b.Share)
	a.Instances = slices.Concat(a.Instances, b.Instances)
	slices.Sort(a.Instances)
	a.Instances = slices.Compact(a.Instances)
	return a
}

// What it takes to blame a stack.
const (
	minShots    = 3   // profiles over time
	minGrowth   = 5   // goroutines, from base to head
	maxFallBack = 0.2 // of the growth that may be given back in between
	minShare    = 0.5 // of the whole growth, that all grown stacks together explain
	minSteady   = 0.6 // Kendall's tau of the counts over time; 1 of three profiles

	// A stack may have grown by maxOver times as much as the floor at most:
	// requests in flight come and go, and lift no floor. Once a leak is known,
	// another one has to explain at least minRest of what is left.
	maxOver = 2.0
	minRest = 0.2
)

// Attribute finds the stacks that the growth of a service belongs to, from
// the profiles of its growing instances, most grown first. Where there are
// none, why says what is missing, in plain words.
func Attribute(histories []History) (as []Attribution, why string) {
	var grown []*grownStack
	bySignature := map[string]*grownStack{}
	var full []History
	var total, leaked float64
	shots := 0
	for _, h := range histories {
		h.Shots = FromBase(h.Shots, func(s Shot) time.Time { return s.Ref.Time }, h.Onset)
		shots = max(shots, len(h.Shots))
		if len(h.Shots) < minShots {
			continue
		}
		first, last := h.Shots[0], h.Shots[len(h.Shots)-1]
		growth := float64(last.Snapshot.Total - first.Snapshot.Total)
		if growth < minGrowth {
			continue
		}
		full = append(full, h)
		total += growth
		leaked += h.Leaked
		for _, d := range stack.Diff(first.Snapshot, last.Snapshot) {
			counts := countsOf(d.Signature, h.Shots)
			if !grows(counts) {
				continue
			}
			g := bySignature[d.Signature]
			if g == nil {
				g = &grownStack{stack: d.Stack}
				bySignature[d.Signature] = g
				grown = append(grown, g)
			}
			g.add(h, counts)
		}
	}
	switch {
	case len(histories) == 0 || shots == 0:
		return nil, "no profile could be had"
	case shots < minShots:
		return nil, fmt.Sprintf("%d of the %d profiles that it takes", shots, minShots)
	case total == 0:
		return nil, "the profiles do not show the growth of the counts"
	case len(grown) == 0:
		return nil, "no stack grows steadily in the profiles"
	}
	for _, g := range grown {
		for _, h := range full {
			g.courses = append(g.courses, countsOf(g.stack.Signature, h.Shots))
		}
	}
	slices.SortFunc(grown, func(a, b *grownStack) int {
		return cmp.Or(order(b.stack.UserCode, a.stack.UserCode), cmp.Compare(b.weight(leaked), a.weight(leaked)), cmp.Compare(a.stack.Signature, b.stack.Signature))
	})
	// What is to be explained is the growth of the floor: the profiles hold
	// requests in flight besides.
	if leaked >= minGrowth {
		total = min(total, leaked)
	}
	var explained float64
	for _, group := range together(grown, maxOver*leaked+minGrowth) {
		a := attribution(group, total)
		d := growthOf(a)
		rest := leaked - explained
		if d > maxOver*rest+minGrowth || (len(as) > 0 && rest < max(minGrowth, minRest*leaked)) {
			continue
		}
		explained += d
		as = append(as, a)
	}
	switch {
	case len(as) == 0:
		return nil, "the stacks that grow in the profiles grow by more than the floor of the counts: they come and go"
	case explained/total < minShare:
		return nil, fmt.Sprintf("the stacks that grow steadily explain only %.0f %% of the growth", 100*explained/total)
	}
	return as, ""
}

// order compares truths: false is less.
func order(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// FromBase cuts off what is before the base: the last profile before the onset,
// or the first there is. The list is of profiles in any form, oldest first;
// taken is when each was.
func FromBase[T any](list []T, taken func(T) time.Time, onset time.Time) []T {
	base := 0
	for i, p := range list {
		if !taken(p).After(onset) {
			base = i
		}
	}
	return list[base:]
}

func countsOf(signature string, shots []Shot) []float64 {
	counts := make([]float64, len(shots))
	for i, s := range shots {
		if st, ok := s.Snapshot.Stacks[signature]; ok {
			counts[i] = float64(st.Count)
		}
	}
	return counts
}

// grows tells whether counts grow and never come back, and have not done so in
// one step: what they grew by since the second profile must stand out of the
// scatter of a count too (a Poisson count's standard deviation is its root).
func grows(counts []float64) bool {
	first, second, last := counts[0], counts[1], counts[len(counts)-1]
	delta := last - first
	if delta < max(minGrowth, 3*math.Sqrt(first)) {
		return false
	}
	if late := last - second; late < max(2, 0.1*delta) {
		return false
	}
	highest, fallBack := first, 0.0
	for _, c := range counts {
		highest = max(highest, c)
		fallBack = max(fallBack, highest-c)
	}
	return fallBack <= max(2, maxFallBack*delta) && steadiness(counts) >= minSteady
}

// steadiness is Kendall's tau of counts over time (Kendall 1938): 1 if each is
// larger than all before. Of three counts nothing less will do.
func steadiness(counts []float64) float64 {
	n := len(counts)
	rises := 0
	for i := range counts {
		for j := range i {
			rises += cmp.Compare(counts[i], counts[j])
		}
	}
	if n == minShots && rises < 3 {
		return 0
	}
	return float64(2*rises) / float64(n*(n-1))
}

// grownStack is a stack that grows, over all instances.
type grownStack struct {
	stack     *stack.Stack
	instances []string
	base      float64
	head      float64
	counts    [][]float64 // of these instances
	courses   [][]float64 // of all that have enough profiles
	biggest   float64     // growth of the instance that grew most, and
	from, to  ProfileRef  // its profiles
}

func (g *grownStack) delta() float64 { return g.head - g.base }

// weight puts first what grows steadily and by as much as the floor of the
// counts: neither by little of it, nor by more.
func (g *grownStack) weight(leaked float64) float64 {
	var steady float64
	for _, c := range g.counts {
		steady += steadiness(c)
	}
	d := g.delta()
	leaked = max(leaked, 1)
	return min(d/leaked, leaked/d) * steady / float64(len(g.counts))
}

func (g *grownStack) add(h History, counts []float64) {
	first, last := counts[0], counts[len(counts)-1]
	g.instances = append(g.instances, h.Instance)
	g.base += first
	g.head += last
	g.counts = append(g.counts, counts)
	if d := last - first; d > g.biggest {
		g.biggest = d
		g.from, g.to = h.Shots[0].Ref, h.Shots[len(h.Shots)-1].Ref
	}
}

func attribution(group []*grownStack, total float64) Attribution {
	lead := group[0]
	a := Attribution{Instances: slices.Clone(lead.instances), Base: lead.from, Head: lead.to}
	for _, g := range group {
		a.Share += g.delta() / total
		a.Stacks = append(a.Stacks, StackGrowth{
			Signature: g.stack.Signature,
			Op:        g.stack.Op,
			Frames:    g.stack.Frames,
			Key:       g.stack.Key,
			CreatedBy: g.stack.CreatedBy,
			Base:      int64(g.base),
			Head:      int64(g.head),
			Share:     min(1, g.delta()/total),
			Wait:      g.stack.Wait,
		})
	}
	a.Share = min(1, a.Share)
	return a
}
