package trend

// rises are the largest rises of y that do not overlap, each over so many
// blocks, the largest first.
func rises(y []float64, wide int) (up [3]float64) {
	var taken [maxBlocks]bool // the blocks in which one ends
	for k := range up {
		at := -1
		for i := wide; i < len(y); i++ {
			if d := y[i] - y[i-wide]; d > up[k] && !taken[i] {
				up[k], at = d, i
			}
		}
		if at < 0 {
			break
		}
		for i := max(0, at-wide+1); i < min(len(y), at+wide); i++ {
			taken[i] = true
		}
	}
	return up
}
