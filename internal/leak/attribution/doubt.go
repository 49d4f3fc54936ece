package attribution

import (
	"fmt"
	"math"
)

// stepPace is how many times faster than the whole growth a step must be, because much of a steady
// growth may come between two distant profiles.
const stepPace = 1.5

// reasonToDoubt says in plain words why the growth does not confirm a leak yet; empty: it does. After
// enough profiles, a leak has a shape that jobs, changed base levels, mornings, warm-ups and pools do
// not have.
func (c stackSeries) reasonToDoubt() string {
	n := len(c.own)
	first, last := c.own[0], c.own[n-1]
	delta := last - first
	began, from, half := c.halves()
	switch {
	case delta < max(lastingGrowth, 6*math.Sqrt(max(first, 0))):
		return fmt.Sprintf("its stack has grown by %.0f goroutines, too few to tell how it grows", max(0, c.delta()))
	case n-from < enoughShots:
		return fmt.Sprintf("%d of the %d profiles needed to see how its stack grows", n-from, enoughShots)
	case c.fallBack() > max(2, lastingBack*delta):
		return "some of the growth of its stack came back"
	case c.steadiness() < lastingSteady:
		return "its stack does not grow steadily"
	case c.hasStep(began, delta):
		return "much of the growth of its stack came at once"
	case slows(c.own, c.hours, from, half) || slows(c.count, c.hours, from, half):
		return "its stack grows more slowly than at first, as what fills up does"
	}
	return ""
}

// hasStep reports whether a large part of the growth came between two profiles, and faster than the
// whole.
func (c stackSeries) hasStep(began int, delta float64) bool {
	n := len(c.own)
	whole := pace(c.own, c.hours, began, n-1)
	for i := 1; i < n; i++ {
		if c.own[i]-c.own[i-1] > lastingStep*delta && pace(c.own, c.hours, i-1, i) > stepPace*whole {
			return true
		}
	}
	return false
}
