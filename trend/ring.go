package trend

import (
	"math"
	"slices"
)

// block sums up the samples of one span of time. Its floor is the smallest count, or for long
// blocks the mean of the smallest counts of every five base blocks. Leaked goroutines never end,
// so a leak raises the floor, while requests in flight come and go.
type block struct {
	floor float32 // NaN: too little of the block was scraped
	load  float32 // mean; NaN: unknown
}

var missing = block{floor: float32(math.NaN()), load: float32(math.NaN())}

// packed is a block in four bytes. Counts below 4096 are exact, and larger ones accurate to one
// part in 4000; loads from 1e-7 to 1e11 are accurate to one part in 2000.
type packed struct{ floor, load uint16 }

const (
	floorBits, floorLeast = 11, 0 // bits of the mantissa, and exponent of the smallest number
	loadBits, loadLeast   = 10, -24
	unknown               = math.MaxUint16
)

func (b block) pack() packed {
	return packed{shorten(b.floor, floorBits, floorLeast), shorten(b.load, loadBits, loadLeast)}
}

func (p packed) unpack() block {
	return block{widen(p.floor, floorBits, floorLeast), widen(p.load, loadBits, loadLeast)}
}

// shorten rounds x ≥ 0 to an unsigned floating-point number of 16 bits. Anything below the
// smallest number becomes 0, and anything above the largest becomes the largest.
func shorten(x float32, bits, least int) uint16 {
	if x != x {
		return unknown
	}
	short := int64(math.Float32bits(x)) + 1<<(22-bits)
	short = short>>(23-bits) - int64(126+least)<<bits
	if short < 1<<bits {
		return 0
	}
	return uint16(min(short, unknown-1))
}

func widen(short uint16, bits, least int) float32 {
	switch short {
	case 0:
		return 0
	case unknown:
		return float32(math.NaN())
	}
	return math.Float32frombits(uint32(int64(short)+int64(126+least)<<bits) << (23 - bits))
}

func (b block) valid() bool { return b.floor == b.floor }

// ring holds the latest blocks of one scale. It grows to its capacity as blocks arrive, so that
// a pod that lives for minutes costs little.
type ring struct {
	last int64 // number of the newest block: its start divided by its length
	buf  []packed
	cap  int16
	head int16 // index of the oldest once the ring is full
}

// push appends the block with number k, which is higher than the last one. Numbers that were left
// out get missing blocks.
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
	if limit := int(r.cap); len(r.buf) < limit {
		if len(r.buf) == cap(r.buf) {
			grown := make([]packed, len(r.buf), min(limit, max(8, 2*len(r.buf))))
			copy(grown, r.buf)
			r.buf = grown
		}
		r.buf = append(r.buf, b.pack())
		return
	}
	r.buf[r.head] = b.pack()
	if r.head++; r.head == r.cap {
		r.head = 0
	}
}

func (r *ring) len() int { return len(r.buf) }

// at returns the i-th block; 0 is the oldest.
func (r *ring) at(i int) block {
	if i += int(r.head); i >= len(r.buf) {
		i -= len(r.buf)
	}
	return r.buf[i].unpack()
}

// blocks returns those from the i-th on, oldest first, in two parts as they lie in the buffer.
func (r *ring) blocks(i int) (older, newer []packed) {
	older, newer = r.buf[r.head:], r.buf[:r.head]
	if i < len(older) {
		return older[i:], newer
	}
	return nil, newer[min(i-len(older), len(newer)):]
}

// number returns the number of the i-th block.
func (r *ring) number(i int) int64 { return r.last - int64(len(r.buf)-1-i) }

// clone returns a copy that shares nothing with r.
func (r *ring) clone() ring {
	c := *r
	c.buf = slices.Clone(r.buf)
	return c
}
