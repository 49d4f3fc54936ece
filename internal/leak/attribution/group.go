package attribution

import "math"

// The conditions under which stacks belong to one leak.
const (
	// maxDifference is how far the shapes of two series may be apart, as a share of their growth, in
	// addition to maxDeviations standard deviations for chance.
	maxDifference = 0.1
	maxDeviations = 2.5
)

// groupByShape groups the stacks that belong to one leak. A leak often grows in several stacks: a
// goroutine and the one that waits for it, or one function called from several handlers. They grow
// at the same times, so stacks whose series have the same shape are one group, whatever their size.
// Stacks that wait at the same place on different paths are one group too. A group may grow by most
// goroutines: further stacks of its shape come and go.
func groupByShape(grown []*grownStack, most float64) [][]*grownStack {
	var groups [][]*grownStack
	rest := grown
	for len(rest) > 0 {
		lead := rest[0]
		group, others := []*grownStack{lead}, []*grownStack(nil)
		sum := lead.delta()
		for _, g := range rest[1:] {
			if sum+g.delta() <= most && (samePlace(lead, g) || sameShape(lead, g)) {
				sum += g.delta()
				group = append(group, g)
			} else {
				others = append(others, g)
			}
		}
		groups = append(groups, group)
		rest = others
	}
	return groups
}

// samePlace reports whether two stacks wait in the same operation at the same
// line of the user's code.
func samePlace(a, b *grownStack) bool {
	return a.stack.UserCode && a.stack.Op == b.stack.Op && a.stack.Key == b.stack.Key
}

// sameShape reports whether two stacks had grown by the same part of their
// whole growth at each profile, within the scatter of their counts.
func sameShape(a, b *grownStack) bool {
	da, db := a.seriesDelta(), b.seriesDelta()
	if da <= 0 || db <= 0 {
		return false
	}
	for i := range a.series {
		x, y := a.series[i].own, b.series[i].own
		for j := range x {
			fa, fb := (x[j]-x[0])/da, (y[j]-y[0])/db
			f := min(max((fa+fb)/2, 0), 1)
			// The standard deviation of a Poisson process between two known ends.
			sd := math.Sqrt(f * (1 - f) * (1/da + 1/db))
			if math.Abs(fa-fb) > maxDifference+maxDeviations*sd {
				return false
			}
		}
	}
	return true
}

// seriesDelta returns the growth on all instances, including those on which it is not clear.
func (g *grownStack) seriesDelta() (d float64) {
	for _, c := range g.series {
		d += c.own[len(c.own)-1] - c.own[0]
	}
	return d
}
