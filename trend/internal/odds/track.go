package odds

import "github.com/gorowatch/gorowatch/trend/internal/stat"

// Track follows the floor of a process from low to high and back, to learn which
// rises fall back.
type Track struct {
	low, high          float32
	lowLoad, topLoad   float32 // at the low; the highest since
	lowBlock, topBlock int32   // numbers of the blocks
}

// Add takes the floor and the load of the next block; an unknown load is NaN. ended reports that
// the floor has fallen back after a rise that the load does not explain. Then blocks is how long
// the rise went up, and ratio how far, relative to the floor before.
func (w *Track) Add(number int64, floor, load float32) (blocks, ratio float64, ended bool) {
	at := int32(number)
	if w.topBlock == 0 || floor < w.low {
		w.begin(at, floor, load)
		return 0, 0, false
	}
	least := float32(stat.LeastGrowth(2 * float64(w.low)))
	if max(floor, w.high) <= w.low+least {
		w.lowBlock, w.lowLoad, w.topLoad = at, load, load // the rise has not begun yet
	}
	if load > w.topLoad || w.topLoad != w.topLoad {
		w.topLoad = load
	}
	if floor >= w.high {
		w.high, w.topBlock = floor, at
		return 0, 0, false
	}
	rise := w.high - w.low
	if rise < least || floor > w.high-rise/2 {
		return 0, 0, false
	}
	blocks, ratio = float64(max(1, w.topBlock-w.lowBlock)), float64(rise)/(float64(w.low)+SmallService)
	explained := w.lowLoad > 0 && w.low*(w.topLoad/w.lowLoad-1) >= rise/2
	w.begin(at, floor, load)
	return blocks, ratio, !explained
}

func (w *Track) begin(at int32, floor, load float32) {
	*w = Track{low: floor, high: floor, lowLoad: load, topLoad: load, lowBlock: at, topBlock: at}
}
