package signals

import (
	"math"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// unitTakeover is how long the load of a process has to be gone until a load in another
// unit replaces it.
const unitTakeover = 24 * time.Hour

// Units returns for each metric of a list of loads the place of the first metric in the
// same unit. All metrics of CPU time have the same unit, and no others have.
func (l List) Units() []int8 {
	units, cpu := make([]int8, len(l)), int8(-1)
	for i, m := range l {
		units[i] = int8(i)
		if m.Kind != Counter || !strings.Contains(m.Name, "_cpu_") || !strings.Contains(m.Name, "seconds") {
			continue
		}
		if cpu < 0 {
			cpu = int8(i)
		}
		units[i] = cpu
	}
	return units
}

// Creates returns for each metric of a list whether it counts the goroutines created.
func (l List) Creates() []bool {
	out := make([]bool, len(l))
	for i, m := range l {
		out[i] = m.Creates()
	}
	return out
}

// LoadUnit keeps the unit of the load of a process. The judge compares the loads of a process
// with each other, so a load in another unit would look like a jump. The zero value is for a
// process without a load so far.
type LoadUnit struct {
	start float64 // of the process, NaN or 0: unknown
	unit  int8    // from 1, 0: none yet
	last  int64   // time of the latest load in this unit, Unix milliseconds
}

// Keep returns a load if it is in the unit of the process, else collector.Unknown. The first
// load of a process decides on the unit, if decide is set. Samples come in time order.
func (u *LoadUnit) Keep(t int64, start, load float64, unit int8, decide bool) float64 {
	u.begin(start)
	if math.IsNaN(load) {
		return collector.Unknown
	}
	if u.unit != unit+1 {
		if !decide || u.unit != 0 && t-u.last < unitTakeover.Milliseconds() {
			return collector.Unknown
		}
		u.unit = unit + 1
	}
	u.last = t
	return load
}

// Allows reports whether a load of the process may be in a unit.
func (u *LoadUnit) Allows(unit int8) bool { return u.unit == 0 || u.unit == unit+1 }

// begin forgets the unit if the process is another one.
func (u *LoadUnit) begin(start float64) {
	if math.IsNaN(start) {
		return
	}
	if procstart.Time(start).Differs(procstart.Time(u.start)) {
		*u = LoadUnit{}
	}
	u.start = start
}
