package leak

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

// Death is the end of a process that leaked, whose instance started again.
type Death struct {
	Instance string    `json:"instance"`
	Time     time.Time `json:"time"` // when the next process started
	// Goroutines is how many it had at last, Leaked how many of them had leaked.
	Goroutines float64 `json:"goroutines"`
	Leaked     float64 `json:"leaked"`
}

// maxDeaths bounds how many are remembered.
const maxDeaths = 8

// alive is the process of an instance that leaks.
type alive struct {
	started       time.Time
	count, leaked float64
}

// watchDeaths notes the ends of the processes that leak.
func (r *record) watchDeaths(o Observation) {
	for name, w := range r.watched {
		i := find(o.Instances, name)
		if i < 0 || o.Instances[i].Started.IsZero() {
			continue
		}
		in := o.Instances[i]
		a, known := r.alive[name]
		if !known { // restored, or new
			a = alive{started: w.started, count: w.clean + w.leaked, leaked: w.leaked}
		}
		if procstart.At(in.Started).After(procstart.At(a.started)) && a.leaked > 0 && !math.IsNaN(a.count) && !math.IsInf(a.count, 0) {
			deaths := append(slices.Clone(r.leak.Deaths), Death{Instance: name, Time: in.Started, Goroutines: a.count, Leaked: a.leaked})
			r.leak.Deaths = deaths[max(0, len(deaths)-maxDeaths):]
			a = alive{}
		}
		a.started, a.count = in.Started, in.Count
		if procstart.At(in.Started).Same(procstart.At(w.started)) && w.clean <= in.Count { // neither unknown nor infinite
			a.leaked = in.Count - w.clean
		}
		if r.alive == nil {
			r.alive = map[string]alive{}
		}
		r.alive[name] = a
	}
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
