// Package canary compares the processes of a new version with those of the version before, in
// the first minutes after a rollout. It is pure: it gets the counts of the processes and
// returns a verdict with its reasons.
package canary

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
)

// Verdict is the answer to "may the rollout continue?".
type Verdict string

// The verdicts.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "undecided" // it is too early to tell, or nothing is known
)

// Process is one process of a service.
type Process struct {
	Instance string
	Started  time.Time
	// Floors are the smallest counts of each minute since the start, NaN: unknown.
	Floors []float64
}

// Result is a verdict, and why.
type Result struct {
	Verdict Verdict
	// Reasons are sentences for people, the most important first.
	Reasons []string
	// Growing are the instances that grow as none did before.
	Growing []string
}

// The requirements and tolerances of a comparison.
const (
	// least is how long a process has to run before it can fail.
	least = 10 // minutes
	// start is the time that is not compared: pools fill in the first minutes.
	start = 3 // minutes
	// Growth counts if it exceeds leastGrowth goroutines and leastShare of what runs, is
	// clear of its standard errors, and has not slowed down to slows of its pace.
	leastGrowth = 8
	leastShare  = 0.1
	clear       = 6
	slows       = 0.5
	// allowed is how many times as fast as earlier processes, at the same age, one may grow,
	// and how far above their present count it may be.
	allowed = 1.5
	beyond  = 1.25
	// part is the share of the new processes that has to grow for a failure.
	part = 0.5
)

// growth is the growth of a process.
type growth struct {
	minutes float64
	slope   float64 // goroutines per minute
	level   float64 // at its end
	grows   bool
}

// measure computes the growth of a process up to an age in minutes.
func measure(p Process, upTo int) (g growth, ok bool) {
	var x, y []float64
	for i, f := range p.Floors[:min(len(p.Floors), upTo)] {
		if i >= start && !math.IsNaN(f) {
			x, y = append(x, float64(i)), append(y, f)
		}
	}
	if len(x) < least-start {
		return g, false
	}
	slope, se := line(x, y)
	half := len(x) / 2
	late, _ := line(x[half:], y[half:])
	length := x[len(x)-1] - x[0]
	recent := slices.Sorted(slices.Values(y[len(y)-3:]))
	g = growth{minutes: x[len(x)-1] + 1, slope: slope, level: recent[1]}
	g.grows = slope*length > max(leastGrowth, leastShare*(g.level-slope*length)) && slope > clear*se && late > slows*slope
	return g, true
}

// line returns the slope of a line through points, and its standard error.
func line(x, y []float64) (slope, se float64) {
	n := float64(len(x))
	var mx, my float64
	for i := range x {
		mx, my = mx+x[i]/n, my+y[i]/n
	}
	var sxx, sxy, syy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		sxx, sxy, syy = sxx+dx*dx, sxy+dx*dy, syy+dy*dy
	}
	if sxx == 0 || n < 3 {
		return 0, math.Inf(1)
	}
	slope = sxy / sxx
	// Counts are whole numbers, and neighbouring minutes are alike.
	return slope, 2 * math.Sqrt((max(0, syy-slope*sxy)/(n-2)+0.25)/sxx)
}

// Compare judges the processes after a rollout by those before. window is how long a
// process has to run without growth to pass.
func Compare(after, before []Process, window time.Duration) Result {
	if len(after) == 0 {
		return Result{Verdict: Undecided, Reasons: []string{"no process has started since"}}
	}
	wanted := max(least, int(window.Minutes()))
	var out Result
	young, watched := 0, 0
	for _, p := range after {
		g, ok := measure(p, len(p.Floors))
		if !ok {
			young++
			continue
		}
		watched++
		switch {
		case !g.grows:
			if g.minutes < float64(wanted) {
				young++
			}
		case g.asBefore(before):
			out.Reasons = append(out.Reasons, fmt.Sprintf("%s grows by %s goroutines per minute, as processes before did at that age or up to what they have now",
				human.Line(p.Instance, 80), human.Number(g.slope)))
			young++
		default:
			out.Growing = append(out.Growing, p.Instance)
			out.Reasons = append(out.Reasons, fmt.Sprintf("%s has grown by %s goroutines per minute for %s, to %s; no process before did so",
				human.Line(p.Instance, 80), human.Number(g.slope), human.Duration(time.Duration(g.minutes)*time.Minute), human.Number(g.level)))
		}
	}
	n := len(out.Growing)
	switch {
	case n > 0 && float64(n) >= part*float64(watched):
		out.Verdict = Fail
	case n > 0:
		out.Verdict = Undecided
		out.Reasons = append(out.Reasons, fmt.Sprintf("%d of %d new processes grow", n, watched))
	case young > 0:
		out.Verdict = Undecided
		out.Reasons = append(out.Reasons, fmt.Sprintf("%d of %s have to be watched for longer; it takes %s", young, human.Plural(int64(len(after)), "new process", "new processes"), human.Duration(time.Duration(wanted)*time.Minute)))
	default:
		out.Verdict = Pass
		out.Reasons = append(out.Reasons, fmt.Sprintf("none of %s grows", human.Plural(int64(len(after)), "new process", "new processes")))
	}
	return out
}

// asBefore reports whether earlier processes grew as fast at the same age, or have as many
// goroutines now.
func (g growth) asBefore(before []Process) bool {
	for _, p := range before {
		if h, ok := measure(p, int(g.minutes)); ok && g.slope <= allowed*h.slope {
			return true
		}
	}
	// A process below all earlier ones may still be on its way there.
	most := 0.0
	for _, p := range before {
		if n := len(p.Floors); n > 0 && !math.IsNaN(p.Floors[n-1]) {
			most = max(most, p.Floors[n-1])
		}
	}
	return g.level < beyond*most
}
