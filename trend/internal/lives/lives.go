// Package lives judges many short processes of a service together: with frequent deploys or
// short-lived pods, each may leak too little to be clear of the noise. Package trend sums up each
// process as a Life and passes all of them to Judge. It is pure, as trend is.
package lives

import (
	"cmp"
	"math"
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// Life sums up the samples of one process.
type Life struct {
	First, Last int64   // times of the first and last sample, ms
	Slope, SE   float64 // goroutines per base block, without the first quarter of its life
	Level       float64 // floor at its start
}

// Answer says whether lives have growth in common.
type Answer uint8

const (
	TooFew Answer = iota
	NoTrend
	SameHours // all of them grew at the same time of day
	Grows
)

// Finding is the growth that lives have in common.
type Finding struct {
	Answer Answer
	// Slope is in goroutines per base block and process. Its 95 % interval is ± Half.
	Slope, Half float64
	Onset       int64   // ms
	Z           float64 // Slope over its standard error; 0 unless Answer is Grows
}

// Clear is the least Z of growth that lives have in common.
const Clear = 10

// The conditions of growth that lives have in common.
const (
	least = 5       // lives
	day   = 1440    // base blocks
	span  = 5 * day // how long before the latest life an earlier one may have ended
	// Lives of less than shortLife that all grew at the same time of day may have grown with the
	// day. sameHours is how long the mean of their times as directions on a clock is then, 0 to 1.
	shortLife = 1200 // base blocks
	sameHours = 0.6
)

// Judge takes as many of the latest lives as show growth most clearly. base is the length of a base
// block in ms.
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
			f.Half = math.Hypot(2.3*spread, 1.96*stat.LoadShare*mean)
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

// add adds a life, weighted by the precision of its slope, up to the weight of a few others.
func (s *sums) add(l Life, base int64) {
	length := float64(l.Last-l.First) / float64(base)
	w := 1 / (l.SE*l.SE + 0.01*l.Level*l.Level/1e6)
	w = min(w, length*length/(0.0004*l.Level*l.Level+4))
	s.n++
	s.w += w
	s.slope += w * l.Slope
	s.square += w * l.Slope * l.Slope
	s.lasted += w * length
	// The middle of the judged part of the life, as an angle on a clock of 24 hours.
	hour := 2 * math.Pi * (float64(l.Last)/float64(base) - 0.375*length) / day
	s.cos, s.sin = s.cos+w*math.Cos(hour), s.sin+w*math.Sin(hour)
}

// mean returns the weighted mean of the slopes, and its standard error from their scatter.
func (s *sums) mean() (mean, spread float64) {
	mean = s.slope / s.w
	return mean, math.Sqrt(max(0, s.square/s.w-mean*mean) / (float64(s.n) - 1))
}
