package odds

import "math"

// Habit is a kind of healthy growth: how often it begins, how long it lasts, and
// how far it goes. Length and size are log-normal.
type Habit struct {
	Often         float64 // a day; after a start: a start
	Hours, Spread float64 // median, and standard deviation of its logarithm
	Ratio, Wide   float64 // likewise, of the size relative to what ran before
}

// ramps is the weight of a habit that goes up until it ends, at the pace of a rise
// and for at least as long. It is a density over the logarithm of the pace.
func (h Habit) ramps(r Rise) float64 {
	vh, vr := h.Spread*h.Spread, h.Wide*h.Wide
	v := vh + vr
	off := math.Log(r.Ratio/r.Hours) - math.Log(h.Ratio/h.Hours)
	// How long it lasts, given that pace: log-normal again.
	length := math.Log(h.Hours) - vh/v*off
	spread := math.Sqrt(vh * vr / v)
	return h.Often * normal(off, v) * beyond((math.Log(r.Hours)-length)/spread)
}

// fills is the weight of a habit that slows down as it approaches its limit: its
// hours are the time constant.
func (h Habit) fills(r Rise) float64 {
	const steps = 12
	var sum float64
	for i := range steps {
		// The time constants from a fifth of the rise's length to a hundred times it.
		at := math.Log(r.Hours/5) + (float64(i)+0.5)*math.Log(500)/steps
		t := math.Exp(at)
		end := r.Ratio / (1 - math.Exp(-r.Hours/t))
		sum += normal(at-math.Log(h.Hours), h.Spread*h.Spread) *
			normal(math.Log(end/h.Ratio), h.Wide*h.Wide) *
			r.Pace.slows(math.Exp(-r.Hours/t))
	}
	return h.Often * sum * math.Log(500) / steps
}

// normal is the density of a normal distribution around 0.
func normal(x, variance float64) float64 {
	return math.Exp(-x*x/(2*variance)) / math.Sqrt(2*math.Pi*variance)
}

// beyond is the probability that a standard normal variable exceeds z.
func beyond(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
