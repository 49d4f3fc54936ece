package trend

import "math"

// explanation is something that makes the goroutines of a service grow. Each
// finding weighs them against one another, and the leak's share of the weight is
// the confidence.
type explanation uint8

const (
	byLeak    explanation = iota
	byNoise               // chance
	bySwing               // a rise that comes back: a job, clients that stay for a while
	byFilling             // a pool or cache that fills, more slowly the fuller it is
	byRamp                // a pool that fills at a steady pace up to its limit
	byWarmUp              // what a process does after its start
	byPileUp              // requests that wait for something that hangs
	byDay                 // the daily cycle, of a service that was never seen for a day
	nExplanations
)

// gate is the reason that a verdict gives where the explanation is likelier than
// a leak, or not unlikely enough.
func (e explanation) gate() Gate {
	switch e {
	case byNoise:
		return GateUncertain
	case bySwing:
		return GateTransient
	case byFilling, byRamp:
		return GateSaturating
	case byWarmUp:
		return GateWarmingUp
	case byPileUp:
		return GatePileUp
	case byDay:
		return GateDailyCycle
	}
	return GateNone
}

// rise is growth as the counts of one scale show it.
type rise struct {
	hours float64 // since the onset
	ratio float64 // goroutines gained, relative to what ran before
	z     float64 // slope over its standard error
	pace  pace
	// steady reports that as much work gets done as before the onset. It is false
	// where no load is known.
	steady bool
}

// habit is a kind of healthy growth: how often it begins, how long it lasts, and
// how far it goes. Length and size are log-normal.
type habit struct {
	often         float64 // a day; after a start: a start
	hours, spread float64 // median, and standard deviation of its logarithm
	ratio, wide   float64 // likewise, of the size relative to what ran before
}

// ramps is the weight of a habit that goes up until it ends, at the pace of a rise
// and for at least as long. It is a density over the logarithm of the pace.
func (h habit) ramps(r rise) float64 {
	vh, vr := h.spread*h.spread, h.wide*h.wide
	v := vh + vr
	off := math.Log(r.ratio/r.hours) - math.Log(h.ratio/h.hours)
	// How long it lasts, given that pace: log-normal again.
	length := math.Log(h.hours) - vh/v*off
	spread := math.Sqrt(vh * vr / v)
	return h.often * normal(off, v) * beyond((math.Log(r.hours)-length)/spread)
}

// fills is the weight of a habit that slows down as it approaches its limit: its
// hours are the time constant.
func (h habit) fills(r rise) float64 {
	const steps = 12
	var sum float64
	for i := range steps {
		// The time constants from a fifth of the rise's length to a hundred times it.
		at := math.Log(r.hours/5) + (float64(i)+0.5)*math.Log(500)/steps
		t := math.Exp(at)
		end := r.ratio / (1 - math.Exp(-r.hours/t))
		sum += normal(at-math.Log(h.hours), h.spread*h.spread) *
			normal(math.Log(end/h.ratio), h.wide*h.wide) *
			r.pace.slows(math.Exp(-r.hours/t))
	}
	return h.often * sum * math.Log(500) / steps
}

// parts is into how many parts a rise is divided at most, to see how steady it is.
const parts = 4

// pace is how fast each part of a rise was, relative to the whole.
type pace struct {
	n         int
	ratio, sd [parts]float64
	// work is the load of each part relative to the whole: a leak may go with it.
	work [parts]float64
}

// dropFirst leaves the first part out.
func (p *pace) dropFirst() {
	p.n--
	copy(p.ratio[:], p.ratio[1:])
	copy(p.sd[:], p.sd[1:])
	copy(p.work[:], p.work[1:])
	var ratio, work float64
	for i := range p.n {
		ratio, work = ratio+p.ratio[i]/float64(p.n), work+p.work[i]/float64(p.n)
	}
	ratio, work = max(ratio, leastPace), max(work, leastPace)
	for i := range p.n {
		p.ratio[i], p.sd[i], p.work[i] = p.ratio[i]/ratio, p.sd[i]/ratio, p.work[i]/work
	}
}

// steady is the likelihood of a pace that stays the same, as far as any does.
func (p *pace) steady() float64 {
	return p.mostly(p.likelihood(func(int) float64 { return 1 }, 0))
}

// mostly allows for the few rises of a kind whose pace does as it likes.
func (p *pace) mostly(likelihood float64) float64 {
	return (1-unsteady)*likelihood + unsteady*p.wanders()
}

// wanders is the likelihood of a pace that changes as that of healthy growth does,
// which has no reason to be steady.
func (p *pace) wanders() float64 { return p.likelihood(func(int) float64 { return 1 }, paceWanders) }

// slows is the likelihood of a pace that falls as a pool fills, to so much of
// itself over the rise.
func (p *pace) slows(to float64) float64 {
	n := float64(p.n)
	fall := math.Pow(to, 1/n) // over each part
	var sum float64
	for i := range p.n {
		sum += math.Pow(fall, float64(i))
	}
	first := n / sum
	return p.mostly(p.likelihood(func(i int) float64 { return first * math.Pow(fall, float64(i)) }, leastPace))
}

// leaks is the likelihood of a pace that is steady or goes with the load.
func (p *pace) leaks() float64 {
	return max(p.steady(), p.mostly(p.likelihood(func(i int) float64 { return p.work[i] }, 0)))
}

// likelihood is that of the ratios where so much is expected of each part, apart
// from the same factor for all. wide is the scatter beside that of the counts.
func (p *pace) likelihood(expected func(int) float64, wide float64) float64 {
	log := 0.0
	for i := range p.n {
		v := p.sd[i]*p.sd[i] + wide*wide
		d := p.ratio[i] - expected(i)
		log -= d*d/v + math.Log(v)
	}
	// The ratios add up to one known number, so that one of them is not free.
	return math.Exp(log / 2 * float64(p.n-1) / float64(p.n))
}

// normal is the density of a normal distribution around 0.
func normal(x, variance float64) float64 {
	return math.Exp(-x*x/(2*variance)) / math.Sqrt(2*math.Pi*variance)
}

// beyond is the probability that a standard normal variable exceeds z.
func beyond(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }

// weights weighs what may be behind a rise. Those of the leak and of the healthy
// explanations can be compared; they have no unit otherwise.
func weights(r rise, e *expectation) (w [nExplanations]float64) {
	steady, any := r.pace.leaks(), r.pace.wanders()
	w[byNoise] = noiseLooks * math.Exp(-r.z*r.z/noiseTail) * any
	w[byLeak] = leaksPerDay * paceDensity * steady
	if e.fresh {
		w[byLeak] = leaksPerStart * paceDensity * steady
	} else {
		w[byFilling] = filling.fills(r)
		w[byRamp] = ramp.ramps(r) * r.pace.steady()
	}
	since := r // a warm-up accounts for all that came since the start
	since.hours, since.ratio = e.age, e.total
	if e.young {
		// Its own earlier starts say more than what services do in general.
		general := warmUp
		general.often /= e.seen + 1
		w[byWarmUp] = general.fills(since) + general.ramps(since)*any
	}
	for _, h := range e.starts {
		w[byWarmUp] += h.fills(since) + h.ramps(since)*any
	}
	general := swing
	general.often *= swingDays / (swingDays + e.days)
	w[bySwing] = general.ramps(r) * any
	for _, h := range e.swings {
		w[bySwing] += h.ramps(r) * any
	}
	hangs := pileUp
	if r.steady {
		hangs.often *= pileUpSteady
	}
	w[byPileUp] = hangs.ramps(r) * steady
	if e.days < 1 {
		w[byDay] = dailyCycle.ramps(r) * any
	}
	return w
}

// weigh is the share of the leak, and the healthy explanation with the largest.
func weigh(w [nExplanations]float64) (confidence float64, other explanation) {
	var sum float64
	for e, x := range w {
		sum += x
		if explanation(e) != byLeak && (other == byLeak || x > w[other]) {
			other = explanation(e)
		}
	}
	return w[byLeak] / sum, other
}
