package attribution

import (
	"cmp"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// course is how many goroutines of one stack one instance had, profile by
// profile.
type stackSeries struct {
	hours []float64 // since the first profile
	count []float64
	// own is count without all that the load may explain, net without what it
	// does most likely.
	own, net []float64
	// load at each profile; loaded: it is known, so that own says more than count.
	load    []float64
	hasLoad bool
}

// courseOf is that of a signature.
func seriesOf(signature string, shots []Shot) stackSeries {
	n := len(shots)
	c := stackSeries{hours: make([]float64, n), count: make([]float64, n), load: make([]float64, n), hasLoad: n >= minLoaded}
	for i, s := range shots {
		c.hours[i] = s.Ref.Time.Sub(shots[0].Ref.Time).Hours()
		if st, ok := s.Snapshot.Stacks[signature]; ok {
			c.count[i] = float64(st.Count)
		}
		c.load[i] = s.Load
		c.hasLoad = c.hasLoad && s.Load > 0 && !math.IsInf(s.Load, 0)
	}
	c.own, c.net = c.count, c.count
	if c.hasLoad {
		c.own, c.net = withoutLoad(c.count, c.load, c.hours)
	}
	return c
}

// minLoaded is how many profiles it takes to tell the load from time.
const minLoaded = 6

// withoutLoad takes from counts what the load explains: they are fitted, by
// least squares, with the load and the time together, so that growth which has
// nothing to do with the load is not blamed on it. More than in proportion
// nothing is explained: what few goroutines did under one load, three times as
// many do under three times the load. Where load and time went up together and
// cannot be told apart, the load may explain (own) all that, and most likely
// (net) nothing, for what leaks can cost work.
func withoutLoad(count, load, hours []float64) (own, net []float64) {
	n := float64(len(count))
	var ml, mt, mc float64
	for i := range count {
		ml, mt, mc = ml+load[i]/n, mt+hours[i]/n, mc+count[i]/n
	}
	var ll, tt, lt, lc, tc float64
	for i := range count {
		l, t, c := load[i]-ml, hours[i]-mt, count[i]-mc
		ll, tt, lt, lc, tc = ll+l*l, tt+t*t, lt+l*t, lc+l*c, tc+t*c
	}
	most := (count[0] + math.Sqrt(count[0])) / load[0]
	may, does := most, 0.0
	if det := ll*tt - lt*lt; det > (1-maxCollinear)*ll*tt {
		does = min(max(0, (lc*tt-tc*lt)/det), most)
		may = does
	}
	own, net = make([]float64, len(count)), make([]float64, len(count))
	for i := range count {
		own[i] = count[i] - may*(load[i]-load[0])
		net[i] = count[i] - does*(load[i]-load[0])
	}
	return own, net
}

// maxCollinear is the square of the correlation of load and time above which
// they are not told apart.
const maxCollinear = 0.9

// delta is the growth from base to head.
func (c stackSeries) delta() float64 { return c.count[len(c.count)-1] - c.count[0] }

// grows tells whether it grows and never comes back, load aside, and has not
// done so in one step: what it grew by since the second profile must stand out
// of the scatter of a count too (a Poisson count's standard deviation is its
// root).
func (c stackSeries) grows() bool {
	first, second, last := c.own[0], c.own[1], c.own[len(c.own)-1]
	delta := last - first
	if min(delta, c.delta()) < max(minGrowth, 3*math.Sqrt(max(first, 0))) {
		return false
	}
	if late := last - second; late < max(2, 0.1*delta) {
		return false
	}
	return c.fallBack() <= max(2, maxFallBack*delta) && c.steadiness() >= minSteady
}

// fallBack is by how much it was once under what it had been before.
func (c stackSeries) fallBack() (most float64) {
	highest := c.own[0]
	for _, x := range c.own {
		highest = max(highest, x)
		most = max(most, highest-x)
	}
	return most
}

// steadiness is Kendall's tau of counts over time (Kendall 1938): 1 if each is
// larger than all before. Of three counts nothing less will do.
func (c stackSeries) steadiness() float64 {
	n := len(c.own)
	rises := 0
	for i := range c.own {
		for j := range i {
			rises += cmp.Compare(c.own[i], c.own[j])
		}
	}
	if n == minShots && rises < 3 {
		return 0
	}
	return float64(2*rises) / float64(n*(n-1))
}

// rate is its growth an hour, from the first profile after the base on: the
// leak began somewhere between these two. The interval is that of the scatter
// of what came from profile to profile, and of a Poisson process at least. A
// rate of fewer than three such profiles is none.
func (c stackSeries) rate() (r trend.Interval, ok bool) {
	n := len(c.net) - 1
	span := c.hours[n] - c.hours[1]
	came := c.net[n] - c.net[1]
	if n < 3 || span <= 0 || came < minGrowth {
		return r, false
	}
	r.Value = came / span
	var scatter float64
	for i := 2; i <= n; i++ {
		d := c.net[i] - c.net[i-1] - r.Value*(c.hours[i]-c.hours[i-1])
		scatter += d * d
	}
	steps := float64(n - 1)
	half := (2 + 4/steps) * math.Sqrt(max(scatter*steps/(steps-0.9), came)) / span
	r.Low, r.High = max(0, r.Value-half), r.Value+half
	return r, true
}

// What it takes to grow for long as nothing healthy does.
const (
	minLasting    = 8   // profiles since it began
	lastingGrowth = 30  // goroutines
	lastingSteady = 0.8 // Kendall's tau
	lastingBack   = 0.1 // of the growth that may be given back
	lastingStep   = 1.0 / 3
	lastingEnd    = 0.85 // pace of the second half, as a part of that of the first
)

// lasting is for how long it has grown as a leak does and a pool, a morning or
// a deploy do not: steadily, without giving any of it back, in no step, and not
// more slowly towards the end, whatever the load is made to explain. Zero: it
// has not. since is when it began, in hours after the first profile: where the
// later growth, drawn out backwards, meets what was there before.
func (c stackSeries) lasting() (long time.Duration, since float64) {
	n := len(c.own)
	first, last := c.own[0], c.own[n-1]
	began, from, _ := c.halves()
	steepest := 0.0
	for i := 1; i < n; i++ {
		steepest = max(steepest, c.own[i]-c.own[i-1])
	}
	since = min(max(c.hours[began], c.hours[from]-(c.own[from]-first)/max(pace(c.own, c.hours, from, n-1), 1e-9)), c.hours[from])
	if steepest > lastingStep*(last-first) || c.reasonToDoubt(minLasting) != "" {
		return 0, since
	}
	return time.Duration((c.hours[n-1] - c.hours[from]) * float64(time.Hour)), since
}

// halves are the last profile before it began to grow, the first after that,
// from which on it is judged since it began somewhere between the two, and the
// one in the middle of the time since then.
func (c stackSeries) halves() (began, from, half int) {
	n := len(c.own)
	first, last := c.own[0], c.own[n-1]
	for i := 1; i < n; i++ {
		if c.own[i] <= first+0.05*(last-first) {
			began = i
		}
	}
	from = min(began+1, n-1)
	half = from
	for half < n-1 && c.hours[half]-c.hours[from] < (c.hours[n-1]-c.hours[from])/2 {
		half++
	}
	return began, from, half
}

// What it takes for growth to run out: its second half has come at less than
// endingPace of the pace of the first, by endingSure standard deviations.
const (
	minEnding  = 5 // profiles since it began
	endingPace = 0.6
	endingSure = 3
)

// slackening is what would have come in the second half of the growth, at the
// pace of the first or, where less was to be done then, of the work, as for
// leaks that requests feed; by how much less it was that came; and the
// variance of the difference. All are 0 where there is too little to tell.
func (c stackSeries) slowdown() (due, lack, variance float64) {
	_, from, half := c.halves()
	last := len(c.net) - 1
	came := c.net[half] - c.net[from]
	if last-from+1 < minEnding || came <= 0 || half == last {
		return 0, 0, 0
	}
	due = pace(c.net, c.hours, from, half) * (c.hours[last] - c.hours[half])
	if c.hasLoad {
		due *= min(1, mean(c.load[half:])/mean(c.load[from:half+1]))
	}
	return due, due - (c.net[last] - c.net[half]), c.dispersion(from) * due * (1 + due/came)
}

// gaveBack tells whether the process has had as many before, by earlier counts,
// and most of them went before the present growth, as the workers of a job do.
// Leaked goroutines never go.
func (c stackSeries) gaveBack(before []int64) bool {
	most := 0.0
	for _, n := range before {
		most = max(most, float64(n))
	}
	return c.count[len(c.count)-1] <= outgrown*most && c.count[0] < most/2
}

// What it takes to do what an earlier process has done.
const (
	outgrown = 1.1 // times what that had: as much is nothing new
	stopped  = 0.2 // of the present pace: what grew more slowly had stopped
)

// hadStopped tells whether an earlier process, of which there are profiles, had
// as many as this one when it ended, and had stopped growing: nothing came worth
// mentioning beside the present growth, for as long as that lasts or for half of
// what is known. What leaks until the process restarts never stops.
func (c stackSeries) hadStopped(signature string, earlier []Shot) bool {
	n, last := len(earlier), len(c.count)-1
	if n == 0 {
		return false
	}
	before := counts(signature, earlier)
	if c.count[last] > outgrown*float64(before[n-1]) {
		return false
	}
	age := func(i int) float64 { return earlier[n-1].Ref.Time.Sub(earlier[i].Ref.Time).Hours() }
	long := min(c.hours[last]-c.hours[0], age(0)/2)
	i := n - 1
	for i > 0 && age(i) < long {
		i--
	}
	return age(i) > 0 && float64(before[n-1]-before[i])/age(i) < stopped*pace(c.count, c.hours, 0, last)
}

// dispersion is the variance of what came between profiles, since one of them,
// against that of a Poisson process, which has 1, and at least that. It is from
// how far each pace is from the line between its neighbours, so that a pace that
// changes smoothly is not taken for scatter.
func (c stackSeries) dispersion(from int) float64 {
	var sum, n float64
	for i := from + 3; i < len(c.net); i++ {
		x, y, z := c.hours[i-2]-c.hours[i-3], c.hours[i-1]-c.hours[i-2], c.hours[i]-c.hours[i-1]
		w := (y + z) / (x + 2*y + z) // of the pace before: the nearer counts for more
		d := pace(c.net, c.hours, i-2, i-1) - w*pace(c.net, c.hours, i-3, i-2) - (1-w)*pace(c.net, c.hours, i-1, i)
		sum += d * d / (w*w/x + 1/y + (1-w)*(1-w)/z)
		n++
	}
	return max(1, sum/n/max(pace(c.net, c.hours, from, len(c.net)-1), 1e-9))
}

func mean(x []float64) (m float64) {
	for _, v := range x {
		m += v / float64(len(x))
	}
	return m
}

// slows tells whether counts grow more slowly after a profile than before it.
func slows(count, hours []float64, from, half int) bool {
	return pace(count, hours, half, len(count)-1) < lastingEnd*pace(count, hours, from, half)
}

// pace is the growth an hour between two profiles.
func pace(count, hours []float64, from, to int) float64 {
	return (count[to] - count[from]) / max(hours[to]-hours[from], 1e-9)
}
