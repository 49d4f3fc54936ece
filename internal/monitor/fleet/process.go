package fleet

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

// maxProcesses is how many processes of an instance are remembered.
const maxProcesses = 8

// observeStart records the start of a process, in Unix seconds.
func (in *Instance) observeStart(start float64) {
	if n := len(in.starts); start > 0 && (n == 0 || procstart.Time(start).After(procstart.Time(in.starts[n-1]))) {
		in.starts = append(in.starts[max(0, n+1-maxProcesses):], start)
		in.processes++
	}
}

// Processes returns how many processes of the instance have been seen so far.
func (in *Instance) Processes() int { return in.processes }

// Lifetime is the span of time in which a process ran.
type Lifetime struct{ From, To time.Time }

// Known reports whether there is such a process.
func (l Lifetime) Known() bool { return !l.To.IsZero() }

// LongestEarlier returns the lifetime of the longest-lived earlier process of the instance: its profiles
// show best how stacks develop.
func (in *Instance) LongestEarlier() (longest Lifetime) {
	for i := 1; i < len(in.starts); i++ {
		l := Lifetime{time.UnixMilli(int64(in.starts[i-1] * 1000)), time.UnixMilli(int64(in.starts[i] * 1000))}
		if l.To.Sub(l.From) > longest.To.Sub(longest.From) {
			longest = l
		}
	}
	return longest
}
