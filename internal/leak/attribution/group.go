package attribution

import "math"

// What makes stacks one leak.
const (
	// apart is by how much the courses of two stacks may differ, as a part of
	// their growth, beyond what chance explains; chance is how many standard
	// deviations that is.
	maxDifference = 0.1
	maxDeviations = 2.5
)

// together groups stacks, the most likely first, that belong to one leak. It
// grows along several stacks at a time: a goroutine and the one that waits for
// it; one call of the same function from each handler. What they have in
// common is when they grow, so those whose courses have one shape, whatever
// their size, are one group, and so are those that stand at the same place on
// different paths. A group does not grow by more than most goroutines: the
// rest of the stacks with its shape come and go.
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

// samePlace tells whether two stacks wait alike at the same line of the user's
// code.
func samePlace(a, b *grownStack) bool {
	return a.stack.UserCode && a.stack.Op == b.stack.Op && a.stack.Key == b.stack.Key
}

// sameShape tells whether a and b have grown by the same part of their whole
// growth between all profiles, up to the scatter of their counts.
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
			// That of a Poisson process between two ends that are known.
			sd := math.Sqrt(f * (1 - f) * (1/da + 1/db))
			if math.Abs(fa-fb) > maxDifference+maxDeviations*sd {
				return false
			}
		}
	}
	return true
}

// courseDelta is the growth over all instances, those included on which it is
// not clear.
func (g *grownStack) seriesDelta() (d float64) {
	for _, c := range g.series {
		d += c.own[len(c.own)-1] - c.own[0]
	}
	return d
}
