package trend

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend/internal/odds"
)

// swingScale is the scale on which rises that fall back are followed.
const swingScale = 1

// scales has the length of a block of each scale, in base blocks, and how many of them are kept.
var scales = [...]struct{ mult, keep int }{{1, 45}, {5, 48}, {15, 80}, {60, 60}, {240, 60}}

const nScales = len(scales)

// inherited is the first of the scales whose blocks outlive a process.
const inherited = 3

// longestMinimum is the last of the scales whose floors are minima. On the longer scales, a floor
// is the mean of these minima: a mean is less noisy than an extreme, and as the load of a block is
// a mean too, it is linear in the load.
const longestMinimum = 1

// scaleSet is a set of scales.
type scaleSet uint8

func (s *scaleSet) add(k int) { *s |= 1 << k }

// take removes a scale and reports whether it was in the set.
func (s *scaleSet) take(k int) (was bool) {
	was = *s&(1<<k) != 0
	*s &^= 1 << k
	return was
}

// accumulator collects a block that is not complete yet.
type accumulator struct {
	number  int64
	floor   float32
	loadSum float32
	loadN   int32
	n       int32 // samples; 0: empty
}

// segment is the state of one process, from its start to the next start. Its size is bounded; see
// BenchmarkState.
type segment struct {
	first, last int64 // times of the first and the latest sample, ms
	start       float64
	count, load float32  // latest
	step        float32  // usual interval between two samples, ms
	firstFloor  float32  // floor of the first block
	former      float32  // goroutines of the earlier process once it had levelled off, 0: unknown
	creates     bool     // the load is how many goroutines are created a second
	reported    bool     // what it did after its start has been learned
	fresh       scaleSet // scales with a block that was completed since the latest evaluation
	completed   scaleSet // scales with a block that the latest sample completed
	swings      odds.Track
	acc         [nScales]accumulator
	rings       [nScales]ring
	found       [nScales]compactFinding
}

func newSegment(x Sample) *segment {
	g := &segment{first: x.T, start: x.Start}
	for i := range g.rings {
		g.rings[i].cap = int16(scales[i].keep)
	}
	return g
}

// inherit copies the hourly and longer blocks of an earlier process: what a unit of load means
// does not change with a restart.
func (g *segment) inherit(old *segment) {
	for k := inherited; k < nScales; k++ {
		g.rings[k] = old.rings[k].clone()
	}
}

// born is the number of the block in which the process was first seen. Earlier blocks of its rings
// are inherited.
func (g *segment) born(k int, base int64) int64 { return g.first / (base * int64(scales[k].mult)) }

// add adds a sample that is later than all before.
func (g *segment) add(base int64, x Sample) {
	g.creates = x.Creates || g.creates && math.IsNaN(x.Load)
	if g.last > 0 {
		d := float32(x.T - g.last)
		switch {
		case g.step == 0 || d < g.step/2:
			g.step = d
		case d < g.step:
			g.step -= (g.step - d) / 4
		default: // a missed scrape does not make the interval longer
			g.step += min(d-g.step, g.step) / 32
		}
	}
	g.last, g.count, g.load = x.T, float32(x.Count), float32(x.Load)
	b := block{floor: float32(x.Count), load: float32(x.Load)}
	number := x.T / base
	a := &g.acc[0]
	if a.n > 0 && a.number != number {
		g.complete(0, base)
	}
	a.take(0, number, b, 1)
}

func (a *accumulator) take(k int, number int64, b block, n int32) {
	if a.n == 0 {
		*a = accumulator{number: number, floor: b.floor}
	}
	a.n += n
	if k <= longestMinimum {
		a.floor = min(a.floor, b.floor)
	} else {
		a.floor += (b.floor - a.floor) * float32(n) / float32(a.n)
	}
	if b.load == b.load {
		a.loadSum += b.load * float32(n)
		a.loadN += n
	}
}

// complete pushes the accumulated block of scale s and passes it on to the next scale.
func (g *segment) complete(s int, base int64) {
	a := &g.acc[s]
	b := block{floor: a.floor, load: missing.load}
	if a.loadN > 0 {
		b.load = a.loadSum / float32(a.loadN)
	}
	whole := b
	// The floor of a block is unknown if less than a third of it was scraped.
	if length := float32(base) * float32(scales[s].mult); g.step > 0 && float32(a.n)*3*g.step < length {
		whole = missing
	}
	if s == 0 && g.rings[0].len() == 0 {
		g.firstFloor = a.floor
	}
	g.rings[s].push(a.number, whole)
	g.fresh.add(s)
	g.completed.add(s)
	if next := s + 1; next < nScales {
		number := a.number / int64(scales[next].mult/scales[s].mult)
		if up := &g.acc[next]; up.n > 0 && up.number != number {
			g.complete(next, base)
		}
		g.acc[next].take(next, number, b, a.n)
	}
	a.n = 0
}

// floorNow is the smallest count of the latest complete base block and the one in progress.
func (g *segment) floorNow() float64 {
	f := g.acc[0].floor
	if r := &g.rings[0]; r.len() > 0 {
		if b := r.at(r.len() - 1); b.valid() {
			f = min(f, b.floor)
		}
	}
	return float64(f)
}

func msTime(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
