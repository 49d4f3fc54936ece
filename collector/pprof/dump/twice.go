package dump

import "slices"

// sighting is one goroutine of a dump. Its size decides how much memory a dump of a million
// goroutines takes.
type sighting struct {
	id      uint64
	minutes uint32
	place   uint32 // twice the index of its record, and one more if it is apart
}

// record returns the index of its record.
func (s sighting) record() int { return int(s.place / 2) }

// apart reports whether other text is between it and the one before.
func (s sighting) apart() bool { return s.place%2 == 1 }

func newSighting(id uint64, minutes uint32, record int, apart bool) sighting {
	s := sighting{id: id, minutes: minutes, place: 2 * uint32(record)}
	if apart {
		s.place++
	}
	return s
}

// sightings are those of a dump, in its order. They are in parts, because a slice that grows is
// copied again and again.
type sightings struct {
	parts [][]sighting
	n     int
}

func (s *sightings) add(one sighting) {
	last := len(s.parts) - 1
	if last < 0 || len(s.parts[last]) == cap(s.parts[last]) {
		s.parts = append(s.parts, make([]sighting, 0, min(max(16, s.n), 1<<14)))
		last++
	}
	s.parts[last] = append(s.parts[last], one)
	s.n++
}

// unique reports whether each goroutine occurs once.
func (s *sightings) unique() bool {
	var last uint64
	for _, part := range s.parts {
		for _, one := range part {
			if one.id <= last {
				return s.uniqueUnordered()
			}
			last = one.id
		}
	}
	return true
}

func (s *sightings) uniqueUnordered() bool {
	ids := make([]uint64, 0, s.n)
	for _, part := range s.parts {
		for _, one := range part {
			ids = append(ids, one.id)
		}
	}
	slices.Sort(ids)
	for i := 1; i < len(ids); i++ {
		if ids[i] == ids[i-1] {
			return false
		}
	}
	return true
}
