package odds

import "math"

// Reasons say why a rise is, or is not, taken for a leak.
type Reasons struct {
	// Shares are the probabilities of the explanations. They add up to 1.
	Shares [nExplanations]float64
	// Other is the likeliest healthy explanation, and Habit what such a rise usually looks like.
	// Learned reports that this service has done so before.
	Other   Explanation
	Habit   Habit
	Learned bool
	// Often, Extent, Shape and Rest add up to the log-odds of a leak. The first three compare a
	// leak with Other: how often each begins, how well each fits the length and size of the
	// rise, and how well each fits its shape. Rest is what all other explanations take away.
	Often, Extent, Shape, Rest float64
}

// Explain weighs a rise as Weigh does, and returns the reasons.
func Explain(r Rise, e *Expectation) (x Reasons) {
	w := weights(r, e)
	confidence, other := w.share()
	x.Other, x.Habit = other, w.habit[other]
	x.Learned = w.learned[other] > w.weight[other]/2
	var sum float64
	for _, y := range w.weight {
		sum += y
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		x.Shares[ByNoise] = 1
		return x
	}
	for i, y := range w.weight {
		x.Shares[i] = y / sum
	}
	against := func(w *weighing) float64 { return bounded(math.Log(w.weight[ByLeak] / w.weight[other])) }
	shapeless := r
	shapeless.Pace = Pace{}
	plain := weights(shapeless, e)
	x.Often = bounded(math.Log(w.often[ByLeak] / w.often[other]))
	x.Extent = against(&plain) - x.Often
	x.Shape = against(&w) - against(&plain)
	x.Rest = bounded(math.Log(confidence/(1-confidence))) - against(&w)
	return x
}

// bounded keeps log-odds in a range that people can read; NaN becomes 0.
func bounded(x float64) float64 {
	const most = 40
	if x != x {
		return 0
	}
	return max(-most, min(most, x))
}
