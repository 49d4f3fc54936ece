// Package heatmap says for each stretch of time how much the floor of a service grew, so
// that a deploy after which many services leak is seen at a glance.
//
// It is pure: the floors that internal/monitor keeps come in, and internal/web/pages
// shows the cells.
package heatmap

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// Cell is a stretch of time.
type Cell struct {
	From, To time.Time
	// Grown is how much the floor grew in goroutines; NaN: nothing was seen.
	Grown float64
	// Heat is how much that is beside the usual floor of the service: 0 (nothing) to
	// MaxHeat.
	Heat int
}

// MaxHeat is the heat of a cell in which the floor grew by more than half.
const MaxHeat = 4

// steps are the shares of the usual floor from which on a cell is hotter.
var steps = [MaxHeat]float64{.03, .1, .25, .5}

// leastFloor is the floor that a smaller one counts as: one goroutine more is nothing.
const leastFloor = 20

// Of makes n cells of the time from a time to another.
func Of(f trend.Floors, from, to time.Time, n int) []Cell {
	cells := make([]Cell, n)
	length := to.Sub(from) / time.Duration(n)
	var seen []float64
	for _, x := range f.Values {
		if !math.IsNaN(x) {
			seen = append(seen, x)
		}
	}
	slices.Sort(seen)
	usual := float64(leastFloor)
	if len(seen) > 0 {
		usual = max(usual, seen[len(seen)/4])
	}
	before := math.NaN()
	for i := range cells {
		c := &cells[i]
		c.From, c.To, c.Grown = from.Add(time.Duration(i)*length), from.Add(time.Duration(i+1)*length), math.NaN()
		// The floor of a stretch is the least of its blocks, or else that of the block
		// which it is in.
		least := math.NaN()
		for k, x := range f.Values {
			start := f.Start.Add(time.Duration(k) * f.Length)
			if start.Before(c.To) && start.Add(f.Length).After(c.From) && !math.IsNaN(x) && !(x >= least) {
				least = x
			}
		}
		if !math.IsNaN(least) && !math.IsNaN(before) {
			c.Grown = least - before
			for h, share := range steps {
				if c.Grown >= share*usual {
					c.Heat = h + 1
				}
			}
		}
		before = least
	}
	return cells
}
