package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/leak"
)

// maxDeaths bounds the deaths that a leak remembers.
const maxDeaths = 8

// process is the running process of an instance that leaks.
type process struct {
	started       time.Time
	count, leaked float64
}

// noteDeaths records the processes of the leak that have ended.
func (r *record) noteDeaths(e Evaluation) {
	for name, w := range r.watched {
		i := find(e.Instances, name)
		if i < 0 || e.Instances[i].Started.IsZero() {
			continue
		}
		in := e.Instances[i]
		a, known := r.processes[name]
		if !known { // restored, or new
			a = process{started: w.started, count: w.clean + w.leaked, leaked: w.leaked}
		}
		if procstart.At(in.Started).After(procstart.At(a.started)) && a.leaked > 0 && !math.IsNaN(a.count) && !math.IsInf(a.count, 0) {
			deaths := append(slices.Clone(r.leak.Deaths), leak.Death{Instance: name, Time: in.Started, Goroutines: a.count, Leaked: a.leaked})
			r.leak.Deaths = deaths[max(0, len(deaths)-maxDeaths):]
			a = process{}
		}
		a.started, a.count = in.Started, in.Count
		if procstart.At(in.Started).Same(procstart.At(w.started)) && w.clean <= in.Count { // clean is neither NaN nor infinite
			a.leaked = in.Count - w.clean
		}
		if r.processes == nil {
			r.processes = map[string]process{}
		}
		r.processes[name] = a
	}
}
