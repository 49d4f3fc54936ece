package attribution

import (
	"maps"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// Shot is a profile of an instance.
type Shot struct {
	Ref      leak.ProfileRef
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

func (h *History) base() *stack.Snapshot { return h.Shots[0].Snapshot }

func (h *History) head() *stack.Snapshot { return h.Shots[len(h.Shots)-1].Snapshot }

// Attribution is growth that belongs to stacks which grow together.
type Attribution struct {
	// Stacks, the leading one first.
	Stacks []leak.StackGrowth
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
	Base, Head leak.ProfileRef
}

// Lead is the signature of the leading stack.
func (a Attribution) Lead() string { return a.Stacks[0].Signature }

// Growth is by how many goroutines its stacks have grown, from base to head.
func (a Attribution) Growth() float64 {
	var d float64
	for _, s := range a.Stacks {
		d += float64(s.Delta())
	}
	return d
}

// Plus is the growth of both; what else is known is that of a.
func (a Attribution) Plus(b Attribution) Attribution {
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
