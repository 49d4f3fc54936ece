package sim

import (
	"math"
	"math/rand/v2"
)

// curve is how full a process is, 0 to 1, when u of its warm-up is over.
type curve func(u float64) float64

func fastDeploy(p *P, e Env, r *rand.Rand) flow {
	k := Uni(r, 2.5, 6)
	return rolling(p, e, r, func(u float64) float64 { return 1 - math.Exp(-k*u) })
}

func slowDeploy(p *P, e Env, r *rand.Rand) flow {
	if r.IntN(2) == 0 {
		return rolling(p, e, r, func(u float64) float64 { return math.Min(1, u) })
	}
	k := LogU(r, 5, 100)
	return rolling(p, e, r, func(u float64) float64 { return math.Log1p(k*math.Min(1, u)) / math.Log1p(k) })
}

func sDeploy(p *P, e Env, r *rand.Rand) flow {
	k, mid := Uni(r, 6, 14), Uni(r, 0.35, 0.65)
	low := 1 / (1 + math.Exp(k*mid))
	return rolling(p, e, r, func(u float64) float64 {
		return (1/(1+math.Exp(-k*(u-mid))) - low) / (1 - low)
	})
}

// rolling deploys three to five times on a working day, and now and then at the
// weekend. Each process then warms up for one to two hours.
func rolling(p *P, e Env, r *rand.Rand, full curve) flow {
	open, hours, perDay := 60*Uni(r, 7, 11), 60*Uni(r, 6, 11), 3+r.IntN(3)
	var times []float64
	for day := range p.days(e) {
		k := perDay
		if weekend(day) {
			k = r.IntN(8) / 7
		}
		for i := range k {
			times = append(times, p.minute(day, open+hours*(float64(i)+Uni(r, 0.1, 0.9))/float64(k)))
		}
	}
	size, lasts := p.Base*LogU(r, 0.2, 4), Uni(r, 60, 120)
	cpu := 0.0
	if r.IntN(2) == 0 { // filling costs CPU
		cpu = Uni(r, 0.05, 0.6)
	}
	p.Extras = append(p.Extras, Extra{Name: "warm-up", Waits: []string{"recv2", "select", "cond"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		own, pace := size*LogN(r, 1, 0.06), lasts*LogN(r, 1, 0.12)
		return func(c *Ctx) (float64, float64, float64) {
			u := c.Up / pace
			return own * full(u), size * full(c.Up/lasts), cpu * math.Exp(-3*u)
		}
	}})
	rollOut(p, e, r, times)
	return flow{}
}

// nightDeploy: what is deployed at night has little to do until the morning, and
// fills with the work that it does.
func nightDeploy(p *P, e Env, r *rand.Rand) flow {
	p.Amp, p.Sharp = Uni(r, 0.8, 0.98), Uni(r, 1, 2.5)
	at, each, twice := 60*Uni(r, 0, 4.5), LogU(r, 0.3, 1), r.IntN(4) == 0
	var times []float64
	for day := range p.days(e) {
		if r.Float64() > each {
			continue
		}
		times = append(times, p.minute(day, at+10*r.NormFloat64()))
		if twice {
			times = append(times, p.minute(day, at+Uni(r, 40, 120)))
		}
	}
	size, work, k := p.Base*LogU(r, 0.2, 4), Uni(r, 60, 120), LogU(r, 0.5, 30)
	fill := func(w float64) float64 { return math.Log1p(k*math.Min(1, w/work)) / math.Log1p(k) }
	p.Extras = append(p.Extras, Extra{Name: "warm-up", Waits: []string{"recv2", "select", "cond"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		own, done, mean := size*LogN(r, 1, 0.06), -1.0, 0.0
		return func(c *Ctx) (float64, float64, float64) {
			if c.Restart {
				done, mean = 0, 0
			} else if done < 0 { // has been up for long
				done, mean = c.Up, c.Up
			}
			done, mean = done+c.Load*c.Step, mean+c.Expect*c.Step
			return own * fill(done), size * fill(mean), 0
		}
	}})
	rollOut(p, e, r, times)
	return flow{}
}

// rollOut replaces all replicas in turn at each of the times.
func rollOut(p *P, e Env, r *rand.Rand, times []float64) {
	p.N = 2 + r.IntN(4)
	starts, stagger := make([][]float64, p.N), LogU(r, 0.4, 12)
	for _, t := range times {
		for slot := range starts {
			if t > 10 {
				starts[slot] = append(starts[slot], t)
			}
			t += stagger * Uni(r, 0.6, 1.4)
		}
	}
	replace(p, e, r, starts)
}
