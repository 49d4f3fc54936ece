package leak

import (
	"math"
	"slices"
	"time"
)

// Death is the end of a process that leaked, whose instance started again.
type Death struct {
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"` // when the next process started
	// Goroutines is how many it had at last, Leaked how many of them had leaked.
	Goroutines float64 `json:"goroutines"`
	Leaked     float64 `json:"leaked"`
}

const (
	// alikeDeaths is how many processes have to end alike before the next one is
	// expected to, deathScatter how far apart they may be from their median.
	alikeDeaths  = 2
	deathScatter = 0.25
)

// DiesAt is where the processes of a leak have ended before, as when they ran out
// of memory: with about so many goroutines, and so many leaked ones. n is how many
// did, 0 where they ended with one number as often as with another, as at
// deploys.
func (l Leak) DiesAt() (goroutines, leaked float64, n int) {
	if len(l.Deaths) < alikeDeaths {
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
		if math.Abs(d.Goroutines-median.Goroutines) <= deathScatter*median.Goroutines {
			n++
		}
	}
	if n < alikeDeaths || 3*n < 2*len(by) {
		return 0, 0, 0
	}
	return median.Goroutines, median.Leaked, n
}
