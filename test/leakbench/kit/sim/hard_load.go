package sim

import (
	"math"
	"math/rand/v2"
)

// flag: each request uses more goroutines once the flag is on for it. The flow
// is the share of requests that it is on for, in hours.
func flag(p *P, e Env, r *rand.Rand) flow {
	p.Conc = LogU(r, 15, 1500)
	at, factor := e.Horizon*Uni(r, 0.1, 0.8), Uni(r, 0.7, 3)
	steps := [][]float64{{1}, {0.1, 0.5, 1}, {0.01, 0.05, 0.25, 0.5, 1}}[r.IntN(3)]
	apart := LogU(r, 20, 1440)
	off := 0.0
	if r.IntN(4) == 0 {
		off = at + apart*float64(len(steps)) + LogU(r, 60, 4000)
	}
	cpu := 0.0
	if r.IntN(2) == 0 {
		cpu = Uni(r, 0.02, 0.3)
	}
	on := func(t float64) float64 {
		share := 0.0
		for i, s := range steps {
			if t >= at+apart*float64(i) && (off == 0 || t < off) {
				share = s
			}
		}
		return share
	}
	p.Extras = append(p.Extras, Extra{Name: "flag", Waits: []string{"recv", "select", "clientdo"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		return func(c *Ctx) (float64, float64, float64) {
			share := on(c.T)
			c.Flow = share * c.Load * c.Step / 60
			n := share * factor * p.Conc
			return Pois(r, n*c.Load), n * c.Expect, cpu * share * c.Load
		}
	}})
	return flow{perHour: 1 - p.Amp/2, from: at, until: off}
}

// secondWeek: a campaign, the end of the holidays, a new customer.
func secondWeek(p *P, e Env, r *rand.Rand) flow {
	p.Phase = Uni(r, 1, 6) * 1440 // the Monday is within the data
	p.Conc, p.Weekend = LogU(r, 10, 1000), Uni(r, 0.2, 0.8)
	p.PoolPer, p.PoolHold = Uni(r, 0.3, 3), LogU(r, 5, 500)
	more, ramp := LogU(r, 1.25, 3), LogU(r, 10, 5000)
	usual, monday := p.LoadFn, p.minute(7, 0)
	p.LoadFn = func(t float64, slot int) float64 {
		return usual(t, slot) * (1 + (more-1)*math.Min(1, math.Max(0, t-monday)/ramp))
	}
	power := Uni(r, 0.8, 1.5) // workers that grow faster, or slower, than the load
	size := p.Base * LogU(r, 0.1, 3)
	p.Extras = append(p.Extras, Extra{Name: "workers", Waits: []string{"recv2", "select"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		smooth := -1.0
		return func(c *Ctx) (float64, float64, float64) {
			if smooth < 0 {
				smooth = c.Expect
			}
			smooth += (c.Load - smooth) * math.Min(1, c.Step/20)
			n := size * math.Pow(smooth, power)
			return n, size * math.Pow(c.Expect, power), 0
		}
	}})
	return flow{}
}
