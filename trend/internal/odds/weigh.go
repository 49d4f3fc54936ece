package odds

import "math"

// Weigh returns the confidence that a rise is a leak, 0 to 1, and the likeliest healthy
// explanation.
func Weigh(r Rise, e *Expectation) (confidence float64, other Explanation) {
	w := weights(r, e)
	return w.share()
}

// weighing has the weight of each explanation, and how often each begins. Only weights of the same
// weighing can be compared.
type weighing struct {
	weight, often [nExplanations]float64
	// learned is the part of each weight that is from what the service did before.
	learned [nExplanations]float64
	// habit is the kind of healthy growth that weighs most in each explanation, most its weight.
	habit [nExplanations]Habit
	most  [nExplanations]float64
}

// add adds a kind of growth: often is how often it begins, fits how well it fits the rise.
func (w *weighing) add(e Explanation, often, fits float64) {
	w.weight[e] += often * fits
	w.often[e] += often
}

// addHabit adds a habit; fits is how well it fits the rise. own reports that the service has had it
// before.
func (w *weighing) addHabit(e Explanation, h Habit, fits float64, own bool) {
	w.add(e, h.Often, fits)
	x := h.Often * fits
	if own {
		w.learned[e] += x
	}
	if x > w.most[e] {
		w.most[e], w.habit[e] = x, h
	}
}

// weights weighs all explanations of a rise.
func weights(r Rise, e *Expectation) (w weighing) {
	pace := r.Pace.compare()
	steady, any := pace.leaks(), pace.wanders
	w.add(ByNoise, noiseLooks, math.Exp(-r.Z*r.Z/noiseTail)*any)
	if e.Fresh {
		w.add(ByLeak, (leaksPerStart+unfinishedSays*e.Unfinished)/(1+unfinishedSays*e.Seen), paceDensity*steady)
	} else {
		w.add(ByLeak, leaksPerDay, paceDensity*steady)
		w.addHabit(ByFilling, filling, filling.fills(r, pace)+curved*filling.reaches(r)*pace.curves(0)+filling.ramps(r)*pace.steady, false)
	}
	since := r // a warm-up accounts for all that came since the start
	since.Hours, since.Ratio = e.Age, e.Total
	before := max(0, e.Age-r.Hours) / r.Hours
	warms := func(h Habit) float64 {
		return h.fills(since, pace) + h.ramps(since)*any + curved*h.reaches(since)*pace.curves(before)
	}
	// What the service did before says more than what services do in general.
	if e.Young {
		general := warmUp
		general.Often /= 1 + e.Seen
		w.addHabit(ByWarmUp, general, warms(general), false)
	}
	if e.Refill > 0 {
		h := filling
		h.Often, h.Ratio, h.Wide = warmUp.Often, e.Refill, alike
		w.addHabit(ByWarmUp, h, warms(h), true)
	}
	for _, h := range e.Starts {
		w.addHabit(ByWarmUp, h, warms(h), true)
	}
	general := swing
	general.Often *= swingDays / (swingDays + e.Days)
	w.addHabit(BySwing, general, general.ramps(r)*any, false)
	for _, h := range e.Swings {
		w.addHabit(BySwing, h, h.ramps(r)*any, true)
	}
	hangs := pileUp
	if r.Steady {
		hangs.Often *= pileUpSteady
	}
	w.addHabit(ByPileUp, hangs, hangs.ramps(r)*steady, false)
	if e.Days < 1 {
		w.addHabit(ByDay, dailyCycle, dailyCycle.ramps(r)*any, false)
	}
	return w
}

// share returns the leak's share of the weights, and the healthy explanation with the largest.
func (w *weighing) share() (confidence float64, other Explanation) {
	var sum float64
	for e, x := range w.weight {
		sum += x
		if Explanation(e) != ByLeak && (other == ByLeak || x > w.weight[other]) {
			other = Explanation(e)
		}
	}
	if !(sum > 0) || math.IsInf(sum, 0) { // nothing explains the rise
		return 0, ByNoise
	}
	return w.weight[ByLeak] / sum, other
}

// Until returns how many more hours a rise has to go on at its pace until the confidence is enough;
// 0: not within a week.
func Until(r Rise, known *Expectation, enough float64) float64 {
	const week = 168
	sure := func(longer float64) bool {
		later := r
		later.Hours, later.Ratio = longer, r.Ratio*longer/r.Hours
		later.Z = r.Z * math.Pow(longer/r.Hours, 1.5)
		for i := range later.Pace.N {
			later.Pace.SD[i] = max(LeastPace, r.Pace.SD[i]*math.Pow(longer/r.Hours, -1.5))
		}
		c, _ := Weigh(later, known)
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
