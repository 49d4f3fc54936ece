package leak

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// Shot is a profile of an instance.
type Shot struct {
	Ref      ProfileRef
	Snapshot *stack.Snapshot
	// Load is the rate of work when it was taken, in any unit that stays the
	// same; 0 or NaN: unknown.
	Load float64
}

// History is the profiles of one process, oldest first.
type History struct {
	Instance string
	Onset    time.Time // when its counts began to grow
	// Leaked is what its floor has grown by since; 0: the counts do not tell.
	Leaked float64
	Shots  []Shot
	// Earlier are some of an earlier process, oldest first, up to its end.
	Earlier []Shot

	before []Shot // cut off from Shots, for they are before the base
}

// Attribution is growth that belongs to stacks which grow together.
type Attribution struct {
	// Stacks, the leading one first.
	Stacks []StackGrowth
	// Instances are those on which the leading stack grows, Clean those with
	// enough profiles on which it does not.
	Instances, Clean []string
	// Rates are the growth of the stacks, in goroutines per hour, by instance,
	// where there are profiles enough to measure it.
	Rates map[string]trend.Interval
	// Grown is by how much, in goroutines, by instance.
	Grown map[string]float64
	// Share of the growth of all goroutines between the profiles, 0 to 1.
	Share float64
	// Lasting is for how long the leading stack has grown as a leak does and
	// nothing healthy; LoadKnown: also where healthy stacks follow the load.
	Lasting   time.Duration
	LoadKnown bool
	// Filling: the leading stack does what a pool does. It grows more and more
	// slowly, or has not outgrown what an earlier process had when it had stopped
	// growing, or what this one had and gave back.
	Filling bool
	// Doubt is why the course of the leading stack does not bear out yet what the
	// counts take for a leak, in plain words; empty: it does.
	Doubt string
	// Onset is when it had not grown yet, as far as the profiles tell.
	Onset time.Time
	// Base and Head are of the instance that grew most.
	Base, Head ProfileRef
}

// Lead is the signature of the leading stack.
func (a Attribution) Lead() string { return a.Stacks[0].Signature }

// plus is the growth of both; what else is known is that of a.
func (a Attribution) plus(b Attribution) Attribution {
	a.Stacks = slices.Concat(a.Stacks, b.Stacks)
	a.Share = min(1, a.Share+b.Share)
	rates := map[string]trend.Interval{}
	for _, name := range a.Instances {
		x, ok := a.Rates[name]
		y, also := b.Rates[name]
		switch {
		case ok && also:
			rates[name] = x.Plus(y)
		case ok && !slices.Contains(b.Instances, name):
			rates[name] = x
		}
	}
	for _, name := range b.Instances {
		if y, ok := b.Rates[name]; ok && !slices.Contains(a.Instances, name) {
			rates[name] = y
		}
	}
	a.Rates = rates
	grown := maps.Clone(a.Grown)
	for name, x := range b.Grown {
		grown[name] += x
	}
	a.Grown = grown
	a.Instances = slices.Concat(a.Instances, b.Instances)
	slices.Sort(a.Instances)
	a.Instances = slices.Compact(a.Instances)
	a.Clean = slices.DeleteFunc(slices.Clone(a.Clean), func(name string) bool { return slices.Contains(a.Instances, name) })
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
	var full []History
	var total, leaked float64
	shots := 0
	for _, h := range histories {
		whole := h.Shots
		h.Shots = FromBase(h.Shots, func(s Shot) time.Time { return s.Ref.Time }, h.Onset)
		h.before = whole[:len(whole)-len(h.Shots)]
		shots = max(shots, len(h.Shots))
		if len(h.Shots) < minShots {
			continue
		}
		full = append(full, h)
		total += max(0, float64(h.head().Total-h.base().Total))
		leaked += h.Leaked
	}
	grown := growing(full)
	switch {
	case len(histories) == 0 || shots == 0:
		return nil, "no profile could be had"
	case shots < minShots:
		return nil, fmt.Sprintf("%d of the %d profiles that it takes", shots, minShots)
	case len(grown) == 0 && total < minGrowth:
		return nil, "the profiles do not show the growth of the counts"
	case len(grown) == 0:
		return nil, "no stack grows steadily in the profiles"
	}
	slices.SortFunc(grown, func(a, b *grownStack) int {
		return cmp.Or(order(b.stack.UserCode, a.stack.UserCode), cmp.Compare(b.weight(leaked), a.weight(leaked)), cmp.Compare(a.stack.Signature, b.stack.Signature))
	})
	// What is to be explained is the growth of the floor: the profiles hold
	// requests in flight besides.
	if leaked >= minGrowth {
		total = min(total, leaked)
	}
	limit := func(rest float64) float64 {
		if leaked == 0 {
			return math.Inf(1)
		}
		return maxOver*rest + minGrowth
	}
	var explained float64
	var over [][]*grownStack // by more than the floor, as what comes and goes
	for _, group := range together(grown, limit(leaked)) {
		var d float64
		for _, g := range group {
			d += g.delta()
		}
		rest := leaked - explained
		if d > limit(rest) {
			over = append(over, group)
		}
		if d > limit(rest) || (len(as) > 0 && (rest < max(minGrowth, minRest*leaked) || !group[0].stack.UserCode)) {
			continue
		}
		explained += d
		as = append(as, attribution(group, full, max(total, minGrowth)))
	}
	comesAndGoes := func(a Attribution) bool { return a.Lasting == 0 }
	switch {
	case len(as) == 0:
		// The floor is an estimate, from the lives of many processes at times: it
		// is wrong where a stack shows for long that it does not come and go.
		for _, group := range over {
			if a := attribution(group, full, max(total, minGrowth)); !comesAndGoes(a) {
				return []Attribution{a}, ""
			}
		}
		return nil, "the stacks that grow in the profiles grow by more than the floor of the counts: they come and go"
	case leaked == 0 || explained >= minShare*total:
		return as, ""
	}
	// Most of the growth comes and goes, but for stacks that show for long that
	// they do not.
	as = slices.DeleteFunc(as, comesAndGoes)
	if len(as) == 0 {
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

func (h *History) base() *stack.Snapshot { return h.Shots[0].Snapshot }
func (h *History) head() *stack.Snapshot { return h.Shots[len(h.Shots)-1].Snapshot }

// growing is the stacks that grow on some instance.
func growing(histories []History) (grown []*grownStack) {
	bySignature := map[string]*grownStack{}
	for i, h := range histories {
		for _, d := range stack.Diff(h.base(), h.head()) {
			if d.Growth() < minGrowth {
				break // those that follow grew less
			}
			c := courseOf(d.Signature, h.Shots)
			if !c.grows() {
				continue
			}
			g := bySignature[d.Signature]
			if g == nil {
				g = &grownStack{stack: d.Stack, grows: make([]bool, len(histories))}
				bySignature[d.Signature] = g
				grown = append(grown, g)
			}
			g.grows[i] = true
		}
	}
	for _, g := range grown {
		for _, h := range histories {
			g.courses = append(g.courses, courseOf(g.stack.Signature, h.Shots))
		}
	}
	return grown
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

// grownStack is a stack that grows, over all instances with enough profiles.
type grownStack struct {
	stack   *stack.Stack
	courses []course
	grows   []bool // on which of them it does so clearly
}

// base and head are its counts on the instances on which it grows.
func (g *grownStack) base() float64 {
	return g.sum(func(c course) float64 { return c.count[0] })
}

func (g *grownStack) head() float64 {
	return g.sum(func(c course) float64 { return c.count[len(c.count)-1] })
}

func (g *grownStack) delta() float64 { return g.head() - g.base() }

func (g *grownStack) sum(f func(course) float64) (x float64) {
	for i, c := range g.courses {
		if g.grows[i] {
			x += f(c)
		}
	}
	return x
}

// weight puts first what grows steadily and by as much as the floor of the
// counts: neither by little of it, nor by more.
func (g *grownStack) weight(leaked float64) float64 {
	steady := g.sum(course.steadiness) / g.sum(func(course) float64 { return 1 })
	d := g.delta()
	if leaked == 0 {
		return d * steady
	}
	leaked = max(leaked, 1)
	return min(d/leaked, leaked/d) * steady
}

// attribution is of stacks that grow together, the leading one first.
func attribution(group []*grownStack, histories []History, total float64) Attribution {
	lead := group[0]
	a := Attribution{Rates: map[string]trend.Interval{}, Grown: map[string]float64{}}
	biggest := 0.0
	var due, lack, variance, full, doubted, most float64
	for i, h := range histories {
		if !lead.grows[i] {
			a.Clean = append(a.Clean, h.Instance)
			continue
		}
		c := lead.courses[i]
		a.Instances = append(a.Instances, h.Instance)
		if d := c.delta(); d > biggest {
			biggest = d
			a.Base, a.Head = h.Shots[0].Ref, h.Shots[len(h.Shots)-1].Ref
		}
		d, l, v := c.slackening()
		due, lack, variance = due+d, lack+l, variance+v
		if c.hadStopped(lead.stack.Signature, h.Earlier) || c.gaveBack(counts(lead.stack.Signature, h.before)) {
			full += c.delta()
		}
		if why := c.doubt(minBorne); why != "" {
			doubted += c.delta()
			if c.delta() > most {
				most, a.Doubt = c.delta(), why
			}
		}
		shots := slices.Concat(h.before, h.Shots)
		long := courseOf(lead.stack.Signature, shots)
		lasting, since := long.lasting()
		if lasting > a.Lasting {
			a.Lasting, a.LoadKnown = lasting, long.loaded
		}
		if at := shots[0].Ref.Time.Add(time.Duration(since * float64(time.Hour))); a.Onset.IsZero() || at.Before(a.Onset) {
			a.Onset = at
		}
		all := whole(group, i)
		a.Grown[h.Instance] = all.net[len(all.net)-1] - all.net[0]
		if rate, ok := all.rate(); ok {
			a.Rates[h.Instance] = rate
		}
	}
	if doubted < lead.delta()/2 { // most of it is beyond doubt
		a.Doubt = ""
	}
	a.Filling = lack > (1-endingPace)*due && lack > endingSure*math.Sqrt(variance) || full > lead.delta()/2
	for _, g := range group {
		a.Share += g.delta() / total
		a.Stacks = append(a.Stacks, StackGrowth{
			Signature: g.stack.Signature,
			Op:        g.stack.Op,
			Frames:    g.stack.Calls(),
			Key:       g.stack.Key,
			CreatedBy: g.stack.CreatedBy,
			Base:      int64(g.base()),
			Head:      int64(g.head()),
			Share:     min(1, g.delta()/total),
			Wait:      g.stack.Wait,
			Parted:    parted(g, histories),
		})
	}
	a.Share = min(1, a.Share)
	return a
}

// whole is the course of all stacks of a group on one instance.
func whole(group []*grownStack, i int) course {
	c := group[0].courses[i]
	c.net = slices.Clone(c.net)
	for _, g := range group[1:] {
		for j, x := range g.courses[i].net {
			c.net[j] += x
		}
	}
	return c
}
