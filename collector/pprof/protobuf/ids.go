package protobuf

import "github.com/gorowatch/gorowatch/collector/pprof/bounds"

// ids numbers ids in the order they are seen. Writers number from 1 without gaps, for which a
// slice is enough; ids from denseIDs on go into a map.
type ids struct {
	dense  []uint32 // number + 1 by id
	sparse map[uint64]uint32
	n      uint32
}

const (
	denseIDs     = 1 << 18
	sparseIDSize = 40 // estimated size of an entry of the map
)

func (t *ids) lookup(id uint64) (uint32, bool) {
	if id < uint64(len(t.dense)) {
		if n := t.dense[id]; n > 0 {
			return n - 1, true
		}
		return 0, false
	}
	n, ok := t.sparse[id]
	return n, ok
}

func (t *ids) number(memory *bounds.Account, id uint64) (n uint32, isNew bool, err error) {
	if n, ok := t.lookup(id); ok {
		return n, false, nil
	}
	n = t.n
	t.n++
	if id < denseIDs {
		if more := int(id) + 1 - len(t.dense); more > 0 {
			before := cap(t.dense)
			t.dense = append(t.dense, make([]uint32, more)...)
			err = memory.Charge(4 * (cap(t.dense) - before))
		}
		t.dense[id] = n + 1
		return n, true, err
	}
	if t.sparse == nil {
		t.sparse = map[uint64]uint32{}
	}
	t.sparse[id] = n
	return n, true, memory.Charge(sparseIDSize)
}
