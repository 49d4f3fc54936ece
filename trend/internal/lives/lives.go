// Package lives judges many short processes together: frequent deploys and short-lived
// pods leak too little each to be told from noise, but all of them do. It is pure, as
// trend is.
package lives

import (
	"cmp"
	"math"
	"slices"
)

// Life is what all samples of one process say.
type Life struct {
	First, Last int64   // ms
	Slope, SE   float64 // goroutines per base block over the second part of its life
	Level       float64 // floor at its begin
}

// Answer is what lives have in common.
type Answer uint8

const (
	TooFew Answer = iota
	NoTrend
	SameHours // all of them grew at the same time of the day
	Grows
)

// Finding is growth that lives have in common.
type Finding struct {
	Answer Answer
	// Slope is in goroutines per base block and process, give or take Half (95 %).
	Slope, Half float64
	Onset       int64   // ms
	Z           float64 // standard errors; 0: it was never clear
}

// Clear is by how many standard errors the growth of lives is clear of their scatter.
const Clear = 8

// When lives have growth in common.
const (
	least = 5       // lives
	day   = 1440    // base blocks
	span  = 5 * day // the latest lives count
	// Lives shorter than shortLife that grew at the same time of the day, as far as
	// the length of their mean direction tells, may have grown with the day.
	shortLife = 1200 // base blocks
	sameHours = 0.6
	// loadShare is the part of a slope that may be the load's.
	loadShare = 0.12
)

// Judge looks for the latest lives, as many as make the clearest case. base is the
// length of a base block in ms.
func Judge(all []Life, base int64) (f Finding) {
	if len(all) < least {
		return f
	}
	slices.SortFunc(all, func(a, b Life) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.First, b.First), cmp.Compare(a.Slope, b.Slope))
	})
	newest := all[len(all)-1].Last
	f.Answer = NoTrend
	var s sums
	first := newest
	for _, l := range slices.Backward(all) {
		if newest-l.Last > span*base {
			break
		}
		s.add(l, base)
		first = min(first, l.First)
		if s.n < least || newest-first < day*base {
			continue
		}
		mean, spread := s.mean()
		z := mean / max(spread, 1/math.Sqrt(s.w), 1e-12)
		switch {
		case z < Clear || z <= f.Z:
		case s.lasted/s.w < shortLife && math.Hypot(s.cos, s.sin) > sameHours*s.w:
			f.Answer = SameHours
		default:
			f.Z, f.Onset, f.Slope = z, first, mean
			f.Half = math.Hypot(2.3*spread, 1.96*loadShare*mean)
		}
	}
	if f.Z > 0 {
		f.Answer = Grows
	}
	return f
}

// sums are weighted sums over lives.
type sums struct {
	n                        int
	w, slope, square, lasted float64
	cos, sin                 float64
}

// add takes a life. It counts by what it can tell, yet none for more than a few.
func (s *sums) add(l Life, base int64) {
	length := float64(l.Last-l.First) / float64(base)
	w := 1 / (l.SE*l.SE + 0.01*l.Level*l.Level/1e6)
	w = min(w, length*length/(0.0004*l.Level*l.Level+4))
	s.n++
	s.w += w
	s.slope += w * l.Slope
	s.square += w * l.Slope * l.Slope
	s.lasted += w * length
	// The middle of the part that is judged, as an angle of the day.
	hour := 2 * math.Pi * (float64(l.Last)/float64(base) - 0.375*length) / day
	s.cos, s.sin = s.cos+w*math.Cos(hour), s.sin+w*math.Sin(hour)
}

// mean is that of the slopes, and its standard error by their scatter.
func (s *sums) mean() (mean, spread float64) {
	mean = s.slope / s.w
	return mean, math.Sqrt(max(0, s.square/s.w-mean*mean) / (float64(s.n) - 1))
}
