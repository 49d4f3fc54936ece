package attribution

import "github.com/gorowatch/gorowatch/internal/stack"

// grownStack is a stack that grows, over all instances with enough profiles.
type grownStack struct {
	stack  *stack.Stack
	series []stackSeries
	grows  []bool // on which of them it does so clearly
}

// growing is the stacks that grow on some instance.
func growingStacks(histories []History) (grown []*grownStack) {
	bySignature := map[string]*grownStack{}
	for i, h := range histories {
		for _, d := range stack.Diff(h.base(), h.head()) {
			if d.Growth() < minGrowth {
				break // those that follow grew less
			}
			c := seriesOf(d.Signature, h.Shots)
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
			g.series = append(g.series, seriesOf(g.stack.Signature, h.Shots))
		}
	}
	return grown
}

// base and head are its counts on the instances on which it grows.
func (g *grownStack) base() float64 {
	return g.sum(func(c stackSeries) float64 { return c.count[0] })
}

func (g *grownStack) head() float64 {
	return g.sum(func(c stackSeries) float64 { return c.count[len(c.count)-1] })
}

func (g *grownStack) delta() float64 { return g.head() - g.base() }

func (g *grownStack) sum(f func(stackSeries) float64) (x float64) {
	for i, c := range g.series {
		if g.grows[i] {
			x += f(c)
		}
	}
	return x
}

// weight puts first what grows steadily and by as much as the floor of the
// counts: neither by little of it, nor by more.
func (g *grownStack) weight(leaked float64) float64 {
	steady := g.sum(stackSeries.steadiness) / g.sum(func(stackSeries) float64 { return 1 })
	d := g.delta()
	if leaked == 0 {
		return d * steady
	}
	leaked = max(leaked, 1)
	return min(d/leaked, leaked/d) * steady
}
