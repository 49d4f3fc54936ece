package trend

import (
	"math"
	"time"
)

// Floors has the floor of a service, summed over its instances, for each block: the shape of the
// growth in a few numbers.
type Floors struct {
	Start  time.Time     // of the first block
	Length time.Duration // of a block
	// Values are in goroutines; NaN: there are no samples from that block.
	Values []float64
}

// Floors returns the recent floors, in the shortest blocks that reach back to since; if none do,
// in the longest ones that there are enough of.
func (s *Service) Floors(since time.Time) Floors {
	var f Floors
	for k := range nScales {
		length := s.base * int64(scales[k].mult)
		first, last := int64(math.MaxInt64), int64(math.MinInt64)
		for _, in := range s.ordered {
			if r := &in.seg.rings[k]; r.len() > 0 && r.last >= in.seg.born(k, s.base) {
				first, last = min(first, max(r.number(0), in.seg.born(k, s.base))), max(last, r.last)
			}
		}
		if first > last || f.Values != nil && last-first < enough {
			break // longer blocks have even fewer
		}
		first = max(first, last-int64(scales[k].keep)+1)
		f = Floors{Start: msTime(first * length), Length: time.Duration(length) * time.Millisecond, Values: make([]float64, last-first+1)}
		for i := range f.Values {
			f.Values[i] = math.NaN()
		}
		for _, in := range s.ordered {
			r := &in.seg.rings[k]
			for i := max(0, int(in.seg.born(k, s.base)-r.number(0))); i < r.len(); i++ {
				at := r.number(i) - first
				if b := r.at(i); at >= 0 && b.valid() {
					if math.IsNaN(f.Values[at]) {
						f.Values[at] = 0
					}
					f.Values[at] += float64(b.floor)
				}
			}
		}
		if !f.Start.After(since) {
			break
		}
	}
	return f
}
