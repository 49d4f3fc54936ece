package trend

// swingTrack follows the floor of a process from low to high and back, to learn which
// rises it comes back from.
type swingTrack struct {
	low, high          float32
	lowLoad, topLoad   float32 // at the low; the highest since
	lowBlock, topBlock int32   // numbers of the blocks of swings
}

// swingScale is the scale on which swings are followed.
const swingScale = 1

// follow takes the next block. Where the floor has fallen back after a rise that the
// load does not explain, it returns how long that went up, in blocks, and how far,
// relative to the floor before.
func (w *swingTrack) follow(number int64, b block) (blocks, ratio float64, ended bool) {
	if !b.valid() {
		return 0, 0, false
	}
	at := int32(number)
	if w.topBlock == 0 || b.floor < w.low {
		w.begin(at, b)
		return 0, 0, false
	}
	if b.floor <= w.low+max(swingLeast/2, leastShare*w.low) && w.high <= w.low+max(swingLeast, 2*leastShare*w.low) {
		w.lowBlock, w.lowLoad, w.topLoad = at, b.load, b.load // it has not begun yet
	}
	if b.load > w.topLoad || w.topLoad != w.topLoad {
		w.topLoad = b.load
	}
	if b.floor >= w.high {
		w.high, w.topBlock = b.floor, at
		return 0, 0, false
	}
	rise := w.high - w.low
	if rise < max(swingLeast, 2*leastShare*w.low) || b.floor > w.high-swingBack*rise {
		return 0, 0, false
	}
	blocks, ratio = float64(max(1, w.topBlock-w.lowBlock)), float64(rise)/(float64(w.low)+smallService)
	explained := w.lowLoad > 0 && float64(w.low)*(float64(w.topLoad/w.lowLoad)-1) >= unexplained*float64(rise)
	w.begin(at, b)
	return blocks, ratio, !explained
}

func (w *swingTrack) begin(at int32, b block) {
	*w = swingTrack{low: b.floor, high: b.floor, lowLoad: b.load, topLoad: b.load, lowBlock: at, topBlock: at}
}
