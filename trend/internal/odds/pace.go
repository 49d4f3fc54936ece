package odds

import "math"

// Parts is into how many parts a rise is divided at most, to see how steady it is.
const Parts = 4

// Pace is how fast each part of a rise was, relative to the whole.
type Pace struct {
	// N is how many parts there are.
	N int
	// Ratio is the pace of each part, SD its standard error.
	Ratio, SD [Parts]float64
	// Work is the load of each part relative to the whole: a leak may go with it.
	Work [Parts]float64
}

// DropFirst leaves the first part out.
func (p *Pace) DropFirst() {
	p.N--
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

// steady is the likelihood of a pace that stays the same, as far as any does.
func (p *Pace) steady() float64 {
	return p.mostly(p.likelihood(func(int) float64 { return 1 }, 0))
}

// mostly allows for the few rises of a kind whose pace does as it likes.
func (p *Pace) mostly(likelihood float64) float64 {
	return (1-unsteady)*likelihood + unsteady*p.wanders()
}

// wanders is the likelihood of a pace that changes as that of healthy growth does,
// which has no reason to be steady.
func (p *Pace) wanders() float64 { return p.likelihood(func(int) float64 { return 1 }, paceWanders) }

// slows is the likelihood of a pace that falls as a pool fills, to so much of
// itself over the rise.
func (p *Pace) slows(to float64) float64 {
	n := float64(p.N)
	fall := math.Pow(to, 1/n) // over each part
	var sum float64
	for i := range p.N {
		sum += math.Pow(fall, float64(i))
	}
	first := n / sum
	return p.mostly(p.likelihood(func(i int) float64 { return first * math.Pow(fall, float64(i)) }, LeastPace))
}

// leaks is the likelihood of a pace that is steady or goes with the load.
func (p *Pace) leaks() float64 {
	return max(p.steady(), p.mostly(p.likelihood(func(i int) float64 { return p.Work[i] }, 0)))
}

// likelihood is that of the ratios where so much is expected of each part, apart
// from the same factor for all. wide is the scatter beside that of the counts.
func (p *Pace) likelihood(expected func(int) float64, wide float64) float64 {
	log := 0.0
	for i := range p.N {
		v := p.SD[i]*p.SD[i] + wide*wide
		d := p.Ratio[i] - expected(i)
		log -= d*d/v + math.Log(v)
	}
	// The ratios add up to one known number, so that one of them is not free.
	return math.Exp(log / 2 * float64(p.N-1) / float64(p.N))
}
