package promapi

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// setOf finds or makes the set of the names of ls.
func (v *vector) setOf(ls labels.Labels) *nameSet {
	var names []string
	var b []byte
	ls.Range(func(l labels.Label) {
		names = append(names, l.Name)
		b = append(append(b, l.Name...), 0xff)
	})
	id := v.key(b)
	s, ok := v.byNames[id]
	if !ok {
		s = &nameSet{id: id, names: names}
		v.byNames[id] = s
		v.sets, v.unsorted = append(v.sets, s), true
	}
	return s
}

// maxSets bounds the sets of label names that are tried for an instance: only a few expressions
// have series with fewer labels than it.
const maxSets = 256

// of finds the series that stands for an instance: the one with the most labels, all of which
// the instance has. Series of the latest answer come first. It reports whether the result would
// be the same with all series in the answer.
func (v *vector) of(instance labels.Labels) (best *series, settled bool) {
	if s, ok := v.byLabels[v.identity(instance)]; ok {
		if s.chunk == v.chunk {
			return s, true
		}
		best = s
	}
	if v.unsorted {
		slices.SortStableFunc(v.sets, func(a, b *nameSet) int { return len(b.names) - len(a.names) })
		v.unsorted = false
	}
	var b []byte
sets:
	for _, set := range v.sets[:min(len(v.sets), maxSets)] {
		b = b[:0]
		for _, name := range set.names {
			value := instance.Get(name)
			if value == "" {
				continue sets
			}
			b = append(append(append(append(b, name...), 0xff), value...), 0xff)
		}
		if s, ok := v.byLabels[v.key(b)]; ok {
			if s.chunk == v.chunk {
				return s, best == nil
			}
			if best == nil {
				best = s
			}
		}
	}
	return best, true
}

// find returns the series that stands for an instance. was is the result as of version seen.
func (v *vector) find(instance labels.Labels, was *series, seen *int32) *series {
	if *seen == v.version && (was == nil || was.chunk == v.chunk || len(v.sets) == 1) {
		return was
	}
	s, settled := v.of(instance)
	*seen = v.version
	if !settled {
		*seen = -1
	}
	return s
}
