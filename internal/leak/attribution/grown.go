package attribution

import "github.com/gorowatch/gorowatch/internal/stack"

// grownStack is a stack that grows, on all instances with enough profiles.
type grownStack struct {
	stack  *stack.Stack
	series []stackSeries
	// grows reports on which instances it clearly grows.
	grows []bool
}

// growingStacks finds the stacks that grow on at least one instance.
func growingStacks(histories []History) (grown []*grownStack) {
	bySignature := map[string]*grownStack{}
	for i, h := range histories {
		for _, d := range stack.Diff(h.base(), h.head()) {
			if d.Growth() < MinGrowth {
				break // the others grew even less
			}
			c := seriesOf(d.Signature, h.Shots)
			if long, _ := c.standing(); !c.grows() && (long == 0 || !stack.Stuck(d.Op)) {
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

// base returns the goroutines in the first profiles of the instances on which the stack grows.
func (g *grownStack) base() float64 {
	return g.sum(func(c stackSeries) float64 { return c.count[0] })
}

// head returns the goroutines in the latest profiles of these instances.
func (g *grownStack) head() float64 {
	return g.sum(func(c stackSeries) float64 { return c.count[len(c.count)-1] })
}

// delta returns the growth on these instances.
func (g *grownStack) delta() float64 { return g.head() - g.base() }

// sum adds up f over the instances on which the stack grows.
func (g *grownStack) sum(f func(stackSeries) float64) (x float64) {
	for i, c := range g.series {
		if g.grows[i] {
			x += f(c)
		}
	}
	return x
}

// weight ranks stacks. It is high for steady growth by about as much as that of the floor, neither
// much less nor much more.
func (g *grownStack) weight(leaked float64) float64 {
	steady := g.sum(stackSeries.steadiness) / g.sum(func(stackSeries) float64 { return 1 })
	d := g.delta()
	if leaked == 0 {
		return d * steady
	}
	leaked = max(leaked, 1)
	return min(d/leaked, leaked/d) * steady
}
