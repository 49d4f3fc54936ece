// Package spark draws the floors of a service as a small picture.
package spark

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/trend"
)

// Spark is a small picture of the floors of a service, as the path of an SVG.
type Spark struct {
	Path  string // empty: there is nothing to draw
	Onset string // x of the onset; empty: it is not in the picture
	Words string // for people who cannot see it
}

// Size of a picture in its own units, and how many points it has at most.
const (
	width  = 100.0
	height = 24.0
	most   = 40
)

// Draw draws floors, and marks the onset, if it is not zero and among them.
func Draw(f trend.Floors, onset time.Time) (s Spark) {
	values, length := f.Values, f.Length
	if n := (len(values) + most - 1) / most; n > 1 {
		var thin []float64
		for len(values) > 0 {
			least := math.NaN()
			for _, x := range values[:min(n, len(values))] {
				if math.IsNaN(least) || x < least {
					least = x
				}
			}
			thin, values = append(thin, least), values[min(n, len(values)):]
		}
		values, length = thin, time.Duration(n)*length
	}
	low, high := math.Inf(1), math.Inf(-1)
	first, last := math.NaN(), math.NaN()
	for _, x := range values {
		if !math.IsNaN(x) {
			low, high, last = min(low, x), max(high, x), x
			if math.IsNaN(first) {
				first = x
			}
		}
	}
	if len(values) < 2 || math.IsInf(low, 1) {
		return Spark{}
	}
	low = min(low, high/2) // a flat line stays flat
	var b strings.Builder
	step := width / float64(len(values)-1)
	pen := byte('M')
	for i, x := range values {
		if math.IsNaN(x) {
			pen = 'M'
			continue
		}
		y := height - 2 - (x-low)/max(high-low, 1)*(height-4)
		fmt.Fprintf(&b, "%c%.4g %.3g", pen, float64(i)*step, y)
		pen = 'L'
	}
	s.Path = b.String()
	s.Words = "floor from " + human.Number(first) + " to " + human.Number(last) + " in " + human.Duration(time.Duration(len(values))*length)
	if at := float64(onset.Sub(f.Start)) / float64(length) * step; !onset.IsZero() && at >= 0 && at <= width {
		s.Onset = fmt.Sprintf("%.4g", at)
	}
	return s
}
