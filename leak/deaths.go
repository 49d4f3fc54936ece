package leak

import (
	"math"
	"slices"
	"time"
)

// Death is the end of a leaking process whose instance started again.
type Death struct {
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"` // when the next process started
	// Goroutines is how many it had last. Leaked is how many of these had leaked.
	Goroutines float64 `json:"goroutines"`
	Leaked     float64 `json:"leaked"`
}

// When the ends of processes predict the next one.
const (
	// alikeDeaths is how many processes must have ended alike. deathScatter is how
	// far from their median they may have been.
	alikeDeaths  = 2
	deathScatter = 0.25
)

// DiesAt is the size at which the processes of a leak have ended, as when
// memory runs out: goroutines and leaked ones, about. n is how many ended
// there; 0: they ended at various sizes, as in deploys.
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
