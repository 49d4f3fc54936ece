package odds

import "math"

// Habit is a kind of healthy growth: how often it begins, how long it lasts, and how large it
// gets. Length and size are log-normal.
type Habit struct {
	Often         float64 // per day; of growth after a start, per start
	Hours, Spread float64 // median length, and standard deviation of its logarithm
	Ratio, Wide   float64 // likewise, of the size relative to what ran before
}

// ramps is how likely a habit that grows in a straight line has the pace of a rise and lasts at
// least as long. It is a density over the logarithm of the pace.
func (h Habit) ramps(r Rise) float64 {
	vh, vr := h.Spread*h.Spread, h.Wide*h.Wide
	v := vh + vr
	off := math.Log(r.Ratio/r.Hours) - math.Log(h.Ratio/h.Hours)
	// Its length, given that pace, is log-normal too.
	length := math.Log(h.Hours) - vh/v*off
	spread := math.Sqrt(vh * vr / v)
	return normal(off, v) * beyond((math.Log(r.Hours)-length)/spread)
}

// course describes growth that slows down as it approaches its limit, for one time constant.
type course struct {
	// time and done are logarithms: of the time constant relative to the length of the rise, and
	// of the share of the final size that the rise has reached.
	time, done float64
	// pace is the pace of each part of the rise relative to the whole, by the number of parts.
	pace [Parts + 1][Parts]float64
}

// There are courses for steps time constants, at equal ratios between shortest and longest times
// the length of the rise.
const (
	steps             = 12
	shortest, longest = 0.2, 100
)

// courseStep is the logarithm of the ratio of two neighbouring time constants.
var courseStep = math.Log(longest/shortest) / steps

var courses = func() (list [steps]course) {
	for i := range list {
		c := &list[i]
		c.time = math.Log(shortest) + (float64(i)+0.5)*courseStep
		rest := math.Exp(-math.Exp(-c.time)) // of the pace, at the end
		c.done = math.Log1p(-rest)
		for n := 1; n <= Parts; n++ {
			var sum float64
			for j := range n {
				c.pace[n][j] = math.Pow(rest, float64(j)/float64(n))
				sum += c.pace[n][j] / float64(n)
			}
			for j := range n {
				c.pace[n][j] /= sum
			}
		}
	}
	return list
}()

// fills is how likely a habit that slows down as it approaches its limit has the length, size and
// shape of a rise. The habit's hours are its time constant.
func (h Habit) fills(r Rise, pace *comparison) float64 {
	long, large := math.Log(r.Hours/h.Hours), math.Log(r.Ratio/h.Ratio)
	vh, vr := h.Spread*h.Spread, h.Wide*h.Wide
	var sum float64
	for i := range courses {
		x, y := long+courses[i].time, large-courses[i].done
		sum += math.Exp(-x*x/(2*vh)-y*y/(2*vr)) * pace.slows[i]
	}
	return sum * courseStep / (2 * math.Pi * h.Spread * h.Wide)
}

// reaches is how likely a habit that slows down without a limit has the size of a rise.
func (h Habit) reaches(r Rise) float64 {
	return normal(math.Log(r.Ratio/h.Ratio), h.Wide*h.Wide)
}

// normal is the density of a normal distribution around 0.
func normal(x, variance float64) float64 {
	return math.Exp(-x*x/(2*variance)) / math.Sqrt(2*math.Pi*variance)
}

// beyond is the probability that a standard normal variable exceeds z.
func beyond(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
