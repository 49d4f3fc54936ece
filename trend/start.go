package trend

import (
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/odds"
	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// startScale is the scale whose completed blocks prompt a look at what a process did after its
// start.
const startScale = 3

// warmth is what a process did after its start.
type warmth struct {
	hours, ratio float64 // how long it grew, and by how many times its first floor; 0: it did not
	levelled     bool    // it has stopped growing
}

// afterStart looks at the floors since the start of the process. ok is false if the start was not
// seen, is no longer remembered, or is too recent.
func (g *segment) afterStart(base int64) (w warmth, ok bool) {
	if !g.startSeen(base) {
		return w, false
	}
	var v view
	for k := range nScales {
		r := &g.rings[k]
		if r.len() == 0 || r.number(0) > g.born(k, base) {
			continue // the ring has forgotten the start
		}
		if g.view(k, &v, g.born(k, base)); v.n < enough {
			return w, false
		}
		mult := float64(scales[k].mult)
		third := v.n / 3
		first := min(v.x[0], v.x[1])
		late := slices.Clone(v.x[v.n-third : v.n])
		slices.Sort(late)
		end := late[len(late)/2]
		grown := end - first
		if grown < LeastGrowth(first) {
			return warmth{levelled: true}, true
		}
		at := 0
		for at < v.n-1 && v.x[at] < first+0.9*grown {
			at++
		}
		s, _ := stat.Slope(v.x[v.n-third:v.n], v.t[v.n-third:v.n])
		w = warmth{hours: max(v.t[at], 1) * mult / 60, ratio: grown / (first + odds.SmallService)}
		w.levelled = at <= v.n-third && s*(v.t[v.n-1]-v.t[v.n-third]) < warmUpEnds*grown
		return w, true
	}
	return w, false
}

// startSeen reports whether the samples begin with the process; also if its start is unknown.
func (g *segment) startSeen(base int64) bool {
	return g.start != g.start || float64(g.first)-1000*g.start < startBlocks*float64(base)
}

// levelledAt is how many goroutines a process has run lately without growing; 0 if it has grown or
// is too young to tell.
func (g *segment) levelledAt(base int64) float64 {
	const least = 12
	var v view
	for k := nScales - 2; k > 0; k-- {
		if g.view(k, &v, g.born(k, base)); v.n < least {
			continue
		}
		late := v.x[v.n/2 : v.n]
		h, ok := v.trendFrom(v.n / 2)
		level := slices.Sorted(slices.Values(late))[len(late)/2]
		if ok && h.s*(v.t[v.n-1]-v.t[v.n/2]) < LeastGrowth(level) {
			return level
		}
		return 0
	}
	return 0
}
