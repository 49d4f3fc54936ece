package promapi

import (
	"math"
	"slices"
)

// alternative finds or makes the series of another metric of the same instance.
func (s *series) alternative(rank int8) *series {
	for a := s; ; a = a.next {
		switch {
		case a.rank == rank:
			return a
		case a.next == nil:
			a.next = &series{set: s.set, of: s.of, rank: rank, head: s}
			return a.next
		}
	}
}

// newest returns the latest answer that had any series of the instance.
func (s *series) newest() int32 {
	chunk := s.chunk
	for a := s.next; a != nil; a = a.next {
		chunk = max(chunk, a.chunk)
	}
	return chunk
}

// choose leaves one series of each instance in an answer that has several: the one whose metric
// comes first in the list. The others count before it begins and after it ends, so that a
// service may change its metrics.
func (v *vector) choose() {
	v.unsign()
	if !v.several {
		for _, s := range v.read {
			s.head.used, s.head.runs = v.metricOf(s), nil
		}
		return
	}
	chosen := v.read[:0]
	for _, s := range v.read {
		head := s.head
		if head.next == nil {
			head.used, head.runs = v.metricOf(s), nil
			chosen = append(chosen, s)
			continue
		}
		if head.chosen == v.chunk {
			continue // with another series of the instance
		}
		head.chosen = v.chunk
		v.chooseOf(head)
		chosen = append(chosen, head)
	}
	v.read = chosen
}

// unsign finds the series whose values are negative because they are of the negated metric.
func (v *vector) unsign() {
	for _, s := range v.read {
		s.negative = false
		if v.negated != v.bare && v.instant && s.nameless && s.lo < s.hi {
			p := &v.points[s.lo]
			s.negative = math.Signbit(p.V)
			p.V = math.Abs(p.V)
		}
	}
}

// metricOf returns the rank of the metric of a series of the latest answer.
func (v *vector) metricOf(s *series) int8 {
	if s.negative {
		return v.negated
	}
	return s.rank
}

// chooseOf makes one series of those of an instance, in the place of its head.
func (v *vector) chooseOf(head *series) {
	var few [8]*series
	all := few[:0]
	for a := head; a != nil; a = a.next {
		if a.chunk == v.chunk {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *series) int { return int(a.rank) - int(b.rank) })
	best := all[0]
	lo, hi := best.lo, best.hi
	head.used, head.chunk, head.runs = v.metricOf(best), v.chunk, nil
	if len(all) == 1 {
		head.lo, head.hi = lo, hi
		return
	}
	runs := []run{{hi - lo, head.used}}
	for _, other := range all[1:] {
		lo, hi, runs = v.extend(lo, hi, runs, other)
	}
	head.lo, head.hi = lo, hi
	if len(runs) > 1 {
		head.runs = &runs
	}
}

// run is how many points in a row are of the metric with a rank.
type run struct {
	n    int32
	rank int8
}

// extend adds the points of a series before or after those from lo to hi, which consist of
// runs.
func (v *vector) extend(lo, hi int32, runs []run, other *series) (int32, int32, []run) {
	first, last := int64(math.MaxInt64), int64(math.MaxInt64)
	if lo < hi {
		first, last = v.points[lo].T, v.points[hi-1].T
	}
	more := v.points[other.lo:other.hi]
	before, after := 0, len(more)
	for before < len(more) && more[before].T < first {
		before++
	}
	for after > before && more[after-1].T > last {
		after--
	}
	if before == 0 && after == len(more) {
		return lo, hi, runs
	}
	runs = append([]run{{int32(before), other.rank}}, append(runs, run{int32(len(more) - after), other.rank})...)
	merged := slices.Concat(more[:before], v.points[lo:hi], more[after:])
	from := int32(len(v.points))
	v.points = append(v.points, merged...)
	return from, int32(len(v.points)), runs
}

// outranked reports whether the answer had a better series of the instance.
func (s *series) outranked() bool {
	for a := s.head; a != nil; a = a.next {
		if a.rank < s.rank && a.chunk == s.chunk {
			return true
		}
	}
	return false
}
