package pages

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/trend"
)

// spark is a small picture of the floors of a service, as the path of an SVG.
type spark struct {
	Path  string // empty: there is nothing to draw
	Onset string // x of the onset; empty: it is not in the picture
	Words string // for those who do not see it
}

// Size of a spark in its own units, and how many points it has at most.
const (
	sparkWidth  = 100.0
	sparkHeight = 24.0
	sparkPoints = 40
)

// spark draws the floors of a service since a while before the onset, or of all
// that is known.
func (h *Handler) spark(service labels.Labels, onset time.Time) spark {
	since := onset
	if now := h.o.Backend.Now(); onset.IsZero() {
		since = now.Add(-3 * time.Hour)
	} else {
		since = since.Add(-now.Sub(onset) / 3)
	}
	f := h.o.Backend.Floors(service, since)
	if skip := int(since.Sub(f.Start)/max(f.Length, 1)) - 1; skip > 0 && skip < len(f.Values)-4 {
		f.Start, f.Values = f.Start.Add(time.Duration(skip)*f.Length), f.Values[skip:]
	}
	return drawSpark(f, onset)
}

func drawSpark(f trend.Floors, onset time.Time) (s spark) {
	values, length := f.Values, f.Length
	if n := (len(values) + sparkPoints - 1) / sparkPoints; n > 1 {
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
		return spark{}
	}
	low = min(low, high/2) // a flat line stays flat
	var b strings.Builder
	step := sparkWidth / float64(len(values)-1)
	pen := byte('M')
	for i, x := range values {
		if math.IsNaN(x) {
			pen = 'M'
			continue
		}
		y := sparkHeight - 2 - (x-low)/max(high-low, 1)*(sparkHeight-4)
		fmt.Fprintf(&b, "%c%.4g %.3g", pen, float64(i)*step, y)
		pen = 'L'
	}
	s.Path = b.String()
	s.Words = "floor from " + human.Number(first) + " to " + human.Number(last) + " in " + human.Duration(time.Duration(len(values))*length)
	if at := float64(onset.Sub(f.Start)) / float64(length) * step; !onset.IsZero() && at >= 0 && at <= sparkWidth {
		s.Onset = fmt.Sprintf("%.4g", at)
	}
	return s
}
