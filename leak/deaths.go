package leak

import (
	"math"
	"slices"
	"time"
)

// Death is the end of a leaking process, after which its instance restarted.
type Death struct {
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"` // when the next process started
	// Goroutines is how many it had at the end. Leaked is how many of them had leaked.
	Goroutines float64 `json:"goroutines"`
	Leaked     float64 `json:"leaked"`
}

// The conditions under which the ends of processes predict the next one.
const (
	// minSimilarDeaths is how many processes must have ended at a similar size.
	// maxDeathScatter is how far from their median they may have been.
	minSimilarDeaths = 2
	maxDeathScatter  = 0.25
)

// RestartSize returns about how many goroutines, and leaked ones, the processes of the
// leak had when they ended, for example because memory ran out. n is how many ended at
// this size; 0: they ended at various sizes, as in deploys.
func (l Leak) RestartSize() (goroutines, leaked float64, n int) {
	if len(l.Deaths) < minSimilarDeaths {
		return 0, 0, 0
	}
	by := slices.SortedFunc(slices.Values(l.Deaths), func(a, b Death) int {
		switch {
		case a.Goroutines < b.Goroutines:
			return -1
		case a.Goroutines > b.Goroutines:
			return 1
		}
		return 0
	})
	median := by[len(by)/2]
	for _, d := range by {
		if math.Abs(d.Goroutines-median.Goroutines) <= maxDeathScatter*median.Goroutines {
			n++
		}
	}
	if n < minSimilarDeaths || 3*n < 2*len(by) {
		return 0, 0, 0
	}
	return median.Goroutines, median.Leaked, n
}
