package odds

import "math"

// Weigh returns the confidence that a rise is a leak, 0 to 1, and the healthy
// explanation that is the likeliest.
func Weigh(r Rise, e *Expectation) (confidence float64, other Explanation) {
	return share(weights(r, e))
}

// weights weighs what may be behind a rise. Those of the leak and of the healthy
// explanations can be compared; they have no unit otherwise.
func weights(r Rise, e *Expectation) (w [nExplanations]float64) {
	steady, any := r.Pace.leaks(), r.Pace.wanders()
	w[ByNoise] = noiseLooks * math.Exp(-r.Z*r.Z/noiseTail) * any
	w[ByLeak] = leaksPerDay * paceDensity * steady
	if e.Fresh {
		starts := (leaksPerStart + unfinishedSays*e.Unfinished) / (1 + unfinishedSays*e.Seen)
		w[ByLeak] = starts * paceDensity * steady
	} else {
		w[ByFilling] = filling.fills(r)
		w[ByRamp] = ramp.ramps(r) * r.Pace.steady()
	}
	since := r // a warm-up accounts for all that came since the start
	since.Hours, since.Ratio = e.Age, e.Total
	if e.Young {
		// Its own earlier starts say more than what services do in general.
		general := warmUp
		general.Often /= e.Seen + 1
		w[ByWarmUp] = general.fills(since) + general.ramps(since)*any
	}
	for _, h := range e.Starts {
		w[ByWarmUp] += h.fills(since) + h.ramps(since)*any
	}
	general := swing
	general.Often *= swingDays / (swingDays + e.Days)
	w[BySwing] = general.ramps(r) * any
	for _, h := range e.Swings {
		w[BySwing] += h.ramps(r) * any
	}
	hangs := pileUp
	if r.Steady {
		hangs.Often *= pileUpSteady
	}
	w[ByPileUp] = hangs.ramps(r) * steady
	if e.Days < 1 {
		w[ByDay] = dailyCycle.ramps(r) * any
	}
	return w
}

// share is the share of the leak, and the healthy explanation with the largest.
func share(w [nExplanations]float64) (confidence float64, other Explanation) {
	var sum float64
	for e, x := range w {
		sum += x
		if Explanation(e) != ByLeak && (other == ByLeak || x > w[other]) {
			other = Explanation(e)
		}
	}
	if !(sum > 0) || math.IsInf(sum, 0) { // so odd that nothing explains it
		return 0, ByNoise
	}
	return w[ByLeak] / sum, other
}

// Until is for how many more hours a rise has to go on at its pace to be a
// leak for sure; 0: not within a week.
func Until(r Rise, known *Expectation, enough float64) float64 {
	const week = 168
	sure := func(longer float64) bool {
		later := r
		later.Hours, later.Ratio = longer, r.Ratio*longer/r.Hours
		later.Z = r.Z * math.Pow(longer/r.Hours, 1.5)
		for i := range later.Pace.N {
			later.Pace.SD[i] = max(LeastPace, r.Pace.SD[i]*math.Pow(longer/r.Hours, -1.5))
		}
		c, _ := share(weights(later, known))
		return c >= enough
	}
	no, yes := math.Log(r.Hours), math.Log(r.Hours+week)
	if !sure(r.Hours + week) {
		return 0
	}
	for range 5 {
		if mid := (no + yes) / 2; sure(math.Exp(mid)) {
			yes = mid
		} else {
			no = mid
		}
	}
	return math.Exp(yes) - r.Hours
}
