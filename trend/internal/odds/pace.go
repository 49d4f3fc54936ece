package odds

import "math"

// Parts is the largest number of parts that a rise is cut into, to see how steady it is.
const Parts = 4

// Pace is how fast each part of a rise was, relative to the whole.
type Pace struct {
	// N is the number of parts, Dropped that of the parts before them that were left out.
	N, Dropped int
	// Ratio is the pace of each part, SD its standard error.
	Ratio, SD [Parts]float64
	// Work is the load of each part relative to the whole: the pace of a leak may follow it.
	Work [Parts]float64
}

// DropFirst leaves the first part out.
func (p *Pace) DropFirst() {
	p.N--
	p.Dropped++
	copy(p.Ratio[:], p.Ratio[1:])
	copy(p.SD[:], p.SD[1:])
	copy(p.Work[:], p.Work[1:])
	var ratio, work float64
	for i := range p.N {
		ratio, work = ratio+p.Ratio[i]/float64(p.N), work+p.Work[i]/float64(p.N)
	}
	ratio, work = max(ratio, LeastPace), max(work, LeastPace)
	for i := range p.N {
		p.Ratio[i], p.SD[i], p.Work[i] = p.Ratio[i]/ratio, p.SD[i]/ratio, p.Work[i]/work
	}
}

// comparison compares a pace with those that explanations expect. Many explanations expect the
// same, so its likelihoods are computed once.
type comparison struct {
	*Pace
	counts, filling scatter
	// Likelihoods of the pace: wanders if it varies as that of most healthy growth, which has no
	// reason to be steady; steady if it stays the same; slows if it falls as that of a pool that
	// fills, for each of the courses.
	wanders, steady float64
	slows           [steps]float64
}

// scatter has the variances of the parts of a pace.
type scatter struct {
	weights [Parts]float64 // of the squares of the deviations
	log     float64        // of the product of the variances
}

// compare prepares a comparison.
func (p *Pace) compare() *comparison {
	c := &comparison{Pace: p, counts: p.scatter(0), filling: p.scatter(LeastPace)}
	wide, one := p.scatter(paceWanders), [Parts]float64{1, 1, 1, 1}
	c.wanders = p.likelihood(&one, &wide)
	c.steady = c.mostly(p.likelihood(&one, &c.counts))
	for i := range c.slows {
		c.slows[i] = c.mostly(p.likelihood(&courses[i].pace[p.N], &c.filling))
	}
	return c
}

// scatter returns the variances of the parts: those of the counts, and that of an additional
// standard deviation.
func (p *Pace) scatter(beside float64) (s scatter) {
	product := 1.0
	for i := range p.N {
		v := p.SD[i]*p.SD[i] + beside*beside
		s.weights[i] = 1 / v
		product *= v
	}
	s.log = math.Log(product)
	return s
}

// likelihood is that of the parts' ratios, given the expected ones, up to a constant factor.
func (p *Pace) likelihood(expected *[Parts]float64, s *scatter) float64 {
	if p.N == 0 {
		return 1 // nothing is known of the shape
	}
	log := -s.log
	for i := range p.N {
		d := p.Ratio[i] - expected[i]
		log -= d * d * s.weights[i]
	}
	// The sum of the ratios is fixed, so one of them is not free.
	return math.Exp(log / 2 * float64(p.N-1) / float64(p.N))
}

// mostly allows for the few rises of each kind whose pace wanders all the same.
func (c *comparison) mostly(likelihood float64) float64 {
	return (1-unsteady)*likelihood + unsteady*c.wanders
}

// curves is the likelihood of a pace that falls as that of a cache whose size grows with the
// logarithm of time. before is for how long the cache had grown when the rise began, relative to
// the length of the rise.
func (c *comparison) curves(before float64) float64 {
	const soon = 0.05 // else the pace would be infinite at first
	parts := float64(c.N + c.Dropped)
	var expected [Parts]float64
	sum := 0.0
	for i := range c.N {
		from := before + soon + float64(i+c.Dropped)/parts
		expected[i] = math.Log1p(1 / parts / from)
		sum += expected[i] / float64(c.N)
	}
	for i := range c.N {
		expected[i] /= sum
	}
	return c.likelihood(&expected, &c.filling)
}

// leaks is the likelihood of a pace that is steady or follows the load.
func (c *comparison) leaks() float64 {
	return max(c.steady, c.mostly(c.likelihood(&c.Work, &c.counts)))
}
