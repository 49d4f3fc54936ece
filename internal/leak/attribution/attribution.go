package attribution

import (
	"maps"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Shot is a profile of an instance.
type Shot struct {
	Ref      leak.ProfileRef
	Snapshot *stack.Snapshot
	// Load is the rate of work when the profile was taken, in any unit that stays the same; 0 or
	// NaN: unknown.
	Load float64
}

// History has the profiles of one process, oldest first, and the growth of its counts.
type History struct {
	Instance string
	Onset    time.Time // when its counts began to grow
	// Leaked is how much the floor of the counts has grown since Onset; 0: the counts show no
	// growth.
	Leaked float64
	Shots  []Shot
	// Earlier are profiles of an earlier process of the instance, oldest first, up to its end.
	Earlier []Shot

	// before are the profiles before the base, which Attribute cuts off from Shots.
	before []Shot
}

// base returns the first profile that counts.
func (h *History) base() *stack.Snapshot { return h.Shots[0].Snapshot }

// head returns the latest profile.
func (h *History) head() *stack.Snapshot { return h.Shots[len(h.Shots)-1].Snapshot }

// Attribution is growth that belongs to stacks which grow together.
type Attribution struct {
	// Stacks are listed with the leading one first: it identifies a leak that is new.
	Stacks []leak.StackGrowth
	// Instances are those on which the leading stack grows. Clean are those with enough profiles on
	// which it does not.
	Instances, Clean []string
	// Rates are the growth of the stacks by instance, in goroutines per hour. An instance without
	// enough profiles has none.
	Rates map[string]trend.Interval
	// Grown is the growth of the stacks by instance, in goroutines.
	Grown map[string]float64
	// Share is the stacks' share of the growth, 0 to 1.
	Share float64
	// Lasting is how long the leading stack has grown as no healthy stack does; 0: it has not.
	// LoadKnown reports that the load was known, so it cannot explain that growth.
	Lasting   time.Duration
	LoadKnown bool
	// Filling reports that the leading stack grows as that of a pool does: it slows down, or it has
	// not outgrown what an earlier process had when that stopped growing, or what this process had
	// before and gave back.
	Filling bool
	// Halved reports that the pace of the leading stack has more than halved.
	Halved bool
	// Doubt says in plain words why the leading stack does not confirm a leak yet; empty: it does.
	Doubt string
	// Onset is when the leading stack began to grow, as far as the profiles show.
	Onset time.Time
	// Base and Head are the profiles, before and after, of the instance that grew most.
	Base, Head leak.ProfileRef
}

// Lead returns the signature of the leading stack.
func (a Attribution) Lead() string { return a.Stacks[0].Signature }

// Growth returns how many goroutines the stacks have grown by, from base to head.
func (a Attribution) Growth() float64 {
	var d float64
	for _, s := range a.Stacks {
		d += float64(s.Delta())
	}
	return d
}

// Plus adds the growth of b. All other fields are those of a.
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
