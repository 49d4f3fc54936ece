package attribution

import (
	"cmp"
	"math"
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// stackSeries is the number of goroutines of one stack on one instance, profile by profile.
type stackSeries struct {
	hours []float64 // since the first profile
	count []float64
	// own is count minus all that the load may explain, net is count minus what the load most
	// likely explains. Both are count if the load is unknown.
	own, net []float64
	// load is the load at each profile: the mean of its hour. hasLoad reports that it is known at
	// enough of them, and did not change just once, from one hour to the next. A step of the load,
	// and growth that slows down, cannot be told apart.
	load    []float64
	hasLoad bool
}

// seriesOf makes the series of a signature.
func seriesOf(signature string, shots []Shot) stackSeries {
	n, changes := len(shots), 0
	c := stackSeries{hours: make([]float64, n), count: make([]float64, n), load: make([]float64, n), hasLoad: n >= enoughShots}
	for i, s := range shots {
		c.hours[i] = s.Ref.Time.Sub(shots[0].Ref.Time).Hours()
		if st, ok := s.Snapshot.Stacks[signature]; ok {
			c.count[i] = float64(st.Count)
		}
		c.load[i] = s.Load
		c.hasLoad = c.hasLoad && s.Load > 0 && !math.IsInf(s.Load, 0)
		if i > 0 && s.Load != shots[i-1].Load {
			changes++
		}
	}
	c.hasLoad = c.hasLoad && changes != 1
	c.own, c.net = c.count, c.count
	if c.hasLoad {
		c.own, c.net = withoutLoad(c.count, c.load, c.hours)
	}
	return c
}

// enoughShots is how many profiles it takes to see the shape of growth, and to separate the effects
// of load and time.
const enoughShots = 6

// withoutLoad subtracts from counts what the load explains. A least-squares fit of load and time
// together keeps the load from explaining unrelated growth. The load explains growth in proportion
// at most: three times the load explains three times the goroutines. If load and time rose together
// and cannot be separated, the load may explain growth up to that bound (own), and most likely
// explains none (net), because leaked goroutines may cause the load themselves.
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

// maxCollinear is the squared correlation of load and time above which the two cannot be
// separated.
const maxCollinear = 0.9

// delta returns the growth from base to head.
func (c stackSeries) delta() float64 { return c.count[len(c.count)-1] - c.count[0] }

// grows reports whether the count, without what the load may explain, grows steadily, hardly falls
// back, and does not come in one step before the second profile. The growth must exceed three
// standard deviations of a Poisson count, which are the root of the first count.
func (c stackSeries) grows() bool {
	first, second, last := c.own[0], c.own[1], c.own[len(c.own)-1]
	delta := last - first
	if min(delta, c.delta()) < max(MinGrowth, 3*math.Sqrt(max(first, 0))) {
		return false
	}
	if late := last - second; late < max(2, 0.1*delta) {
		return false
	}
	return c.fallBack() <= max(2, maxFallBack*delta) && c.steadiness() >= minSteady
}

// fallBack returns the largest fall below an earlier count.
func (c stackSeries) fallBack() (most float64) {
	highest := c.own[0]
	for _, x := range c.own {
		highest = max(highest, x)
		most = max(most, highest-x)
	}
	return most
}

// steadiness is Kendall's tau of counts over time (Kendall 1938): 1 if each
// count exceeds all earlier ones. Three counts must all rise, or it is 0.
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

// rate returns the growth per hour from the first profile after the base on, since the leak began
// between these two. The interval comes from the scatter of the growth between profiles, and is at
// least that of a Poisson process. It takes three profiles after the base.
func (c stackSeries) rate() (r trend.Interval, ok bool) {
	n := len(c.net) - 1
	span := c.hours[n] - c.hours[1]
	came := c.net[n] - c.net[1]
	if n < 3 || span <= 0 || came < MinGrowth {
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

// The conditions for growth that nothing healthy shows.
const (
	lastingGrowth = 30      // goroutines
	lastingSteady = 0.8     // Kendall's tau
	lastingBack   = 0.1     // the share of the growth that may fall back
	lastingStep   = 1.0 / 3 // the share of the growth that may come between two profiles
	lastingEnd    = 0.85    // the pace of the second half, relative to the first
)

// lasting is how long the stack has grown as a leak does, and as pools, mornings and deploys do not:
// steadily, without falling back, in no large step, without slowing down, and beyond what the load
// may explain; 0: it has not. since is when the growth began, in hours after the first profile: where
// the later growth, extended backwards, meets the first count.
func (c stackSeries) lasting() (long time.Duration, since float64) {
	n := len(c.own)
	first, last := c.own[0], c.own[n-1]
	began, from, _ := c.halves()
	steepest := 0.0
	for i := 1; i < n; i++ {
		steepest = max(steepest, c.own[i]-c.own[i-1])
	}
	since = min(max(c.hours[began], c.hours[from]-(c.own[from]-first)/max(pace(c.own, c.hours, from, n-1), 1e-9)), c.hours[from])
	if steepest > lastingStep*(last-first) || c.reasonToDoubt() != "" {
		return 0, since
	}
	return time.Duration((c.hours[n-1] - c.hours[from]) * float64(time.Hour)), since
}

// standing is how long every profile has shown many more goroutines than the first one, without what
// the load may explain; 0: they do not, or the second one did so already. Such goroutines come at
// once and stay, like those that an outage leaves behind. since is when they came, in hours after the
// first profile.
func (c stackSeries) standing() (long time.Duration, since float64) {
	n := len(c.own)
	least := max(lastingGrowth, 6*math.Sqrt(max(c.own[0], 0)))
	from := n
	for from > 0 && c.own[from-1]-c.own[0] >= least {
		from--
	}
	if from < 2 || n-from < enoughShots {
		return 0, 0
	}
	return time.Duration((c.hours[n-1] - c.hours[from]) * float64(time.Hour)), c.hours[from-1]
}

// halves splits the growth at profiles: began is the last one before the growth, from the next one,
// from which on the growth is judged, and half the one in the middle of the time since from.
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

// Growth counts as that of a pool if the pace of its second half is less than endingPace of that of
// the first, with endingSure standard deviations. At less than halvedPace it does so even if the
// stack outnumbers all other goroutines.
const (
	endingPace = 0.6
	halvedPace = 0.4
	endingSure = 3
)

// slowdown compares the second half of the growth with the first. due is the growth to expect at the
// pace of the first half, lowered in proportion if the load fell; lack is how much less came; and
// variance is that of lack. All are 0 if there are too few profiles.
func (c stackSeries) slowdown() (due, lack, variance float64) {
	_, from, half := c.halves()
	last := len(c.net) - 1
	came := c.net[half] - c.net[from]
	if last-from+1 < enoughShots || came <= 0 || half == last {
		return 0, 0, 0
	}
	due = pace(c.net, c.hours, from, half) * (c.hours[last] - c.hours[half])
	if c.hasLoad {
		due *= min(1, mean(c.load[half:])/mean(c.load[from:half+1]))
	}
	return due, due - (c.net[last] - c.net[half]), c.dispersion(from) * due * (1 + due/came)
}

// gaveBack reports whether the process had as many goroutines on the stack before, and most of them
// ended before the present growth, as the workers of a job do. Leaked goroutines never end. before
// are the counts before the base.
func (c stackSeries) gaveBack(before []int64) bool {
	most := 0.0
	for _, n := range before {
		most = max(most, float64(n))
	}
	return c.count[len(c.count)-1] <= outgrown*most && c.count[0] < most/2
}

// The bounds within which a stack only repeats what it did before.
const (
	outgrown = 1.1 // times the earlier count: up to this, it has as many
	stopped  = 0.2 // of the present pace: slower growth counts as stopped
)

// hadStopped reports whether an earlier process had as many goroutines on the stack at its end, and
// had stopped growing by then: it grew little for as long as the present growth lasts, or for half of
// the time that its profiles cover. A leak does not stop before the process restarts.
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

// dispersion returns the variance of the growth between profiles relative to that of a Poisson
// process, and at least 1. It compares each pace with a line between its neighbours, so a pace that
// changes smoothly does not count as scatter.
func (c stackSeries) dispersion(from int) float64 {
	var sum, n float64
	for i := from + 3; i < len(c.net); i++ {
		x, y, z := c.hours[i-2]-c.hours[i-3], c.hours[i-1]-c.hours[i-2], c.hours[i]-c.hours[i-1]
		w := (y + z) / (x + 2*y + z) // the weight of the pace before: the nearer one counts for more
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

// slows reports whether counts grow clearly more slowly after the profile half than before it.
func slows(count, hours []float64, from, half int) bool {
	return pace(count, hours, half, len(count)-1) < lastingEnd*pace(count, hours, from, half)
}

// pace returns the growth per hour between two profiles.
func pace(count, hours []float64, from, to int) float64 {
	return (count[to] - count[from]) / max(hours[to]-hours[from], 1e-9)
}
