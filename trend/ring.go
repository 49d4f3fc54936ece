package trend

import "math"

// block condenses the samples of one stretch of time. Its floor is the
// smallest count: leaked goroutines never leave, so a leak lifts it, while
// requests in flight come and go.
type block struct {
	floor float32 // NaN: too little of the block was scraped
	load  float32 // mean; NaN: unknown
}

var missing = block{floor: float32(math.NaN()), load: float32(math.NaN())}

func (b block) valid() bool { return b.floor == b.floor }

// ring holds the latest blocks of one scale. It grows to its capacity as
// blocks come, so that a pod that lives for minutes costs little.
type ring struct {
	cap  int
	last int64 // number of the newest block: its start divided by its length
	head int   // index of the oldest once the ring is full
	buf  []block
}

// push appends the block with number k, which is beyond the last one, after
// missing ones for the numbers that were left out.
func (r *ring) push(k int64, b block) {
	if len(r.buf) > 0 {
		gap := k - r.last - 1
		if gap >= int64(r.cap) {
			r.buf, r.head, gap = r.buf[:0], 0, 0
		}
		for ; gap > 0; gap-- {
			r.append(missing)
		}
	}
	r.append(b)
	r.last = k
}

func (r *ring) append(b block) {
	if len(r.buf) < r.cap {
		if len(r.buf) == cap(r.buf) {
			grown := make([]block, len(r.buf), min(r.cap, max(8, 2*len(r.buf))))
			copy(grown, r.buf)
			r.buf = grown
		}
		r.buf = append(r.buf, b)
		return
	}
	r.buf[r.head] = b
	if r.head++; r.head == r.cap {
		r.head = 0
	}
}

func (r *ring) len() int { return len(r.buf) }

// at is the i-th block, 0 the oldest.
func (r *ring) at(i int) block {
	if i += r.head; i >= len(r.buf) {
		i -= len(r.buf)
	}
	return r.buf[i]
}

// number is the number of the i-th block.
func (r *ring) number(i int) int64 { return r.last - int64(len(r.buf)-1-i) }
