package sim

import (
	"math"
	"math/rand/v2"
	"slices"
)

// tenants: each is given goroutines of its own, and the market ends somewhere.
func tenants(p *P, e Env, r *rand.Rand) flow {
	k, each := LogU(r, 15, 800), LogU(r, 1, 25)
	from, lasts := e.Horizon*Uni(r, 0, 0.4), LogU(r, 180, 5000)
	kind := r.IntN(3)
	lv := newLevels(p, e)
	all := r.IntN(2) == 0 // replicas know all tenants, or each its own
	for range int(k) {
		u := r.Float64()
		switch kind { // of a straight line, an exponential, an S
		case 1:
			u = -math.Log(1-0.95*u) / 3
		case 2:
			u = 0.5 + math.Log((0.02+0.96*u)/(0.98-0.96*u))/8
		}
		n, one := math.Max(1, math.Round(LogN(r, each, 0.4))), r.IntN(p.N)
		for slot := range p.N {
			if all || slot == one {
				lv.add(slot, from+u*lasts, e.Horizon+1, n)
			}
		}
	}
	lv.sum()
	for range r.IntN(3) { // a restart opens them all again
		p.Deploys = append(p.Deploys, e.Horizon*r.Float64())
	}
	slices.Sort(p.Deploys)
	cpu := 0.0
	if r.IntN(3) == 0 {
		cpu = LogU(r, 0.05, 0.5) / (k * each)
	}
	p.Extras = append(p.Extras, lv.extra("tenants", LogU(r, 0.3, 10), cpu, "sqlopener", "select", "recv"))
	return flow{}
}

// logCache: new keys come ever more rarely, and each has a refresher.
func logCache(p *P, e Env, r *rand.Rand) flow {
	size, first, full := p.Base*LogU(r, 0.4, 6), LogU(r, 1, 60), LogU(r, 200, 4000)
	for range 1 + r.IntN(3) {
		p.Deploys = append(p.Deploys, e.Horizon*r.Float64())
	}
	slices.Sort(p.Deploys)
	fill := func(w float64) float64 { return math.Log1p(math.Min(w, full)/first) / math.Log1p(full/first) }
	miss := Uni(r, 0, 0.3)
	p.Extras = append(p.Extras, Extra{Name: "refreshers", Waits: []string{"select", "sleep"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		work, mean := -1.0, 0.0
		return func(c *Ctx) (float64, float64, float64) {
			if c.Restart {
				work, mean = 0, 0
			} else if work < 0 {
				work, mean = 0.5*c.Up, 0.5*c.Up
			}
			work, mean = work+c.Load*c.Step, mean+c.Expect*c.Step
			return size * fill(work), size * fill(mean), miss * first / (first + work)
		}
	}})
	return flow{}
}

// autoPool: grows at once with the traffic, and shrinks slowly: a share of the
// spare workers at a time, or all of them when none was needed for long.
func autoPool(p *P, e Env, r *rand.Rand) flow {
	per, every := p.Base*LogU(r, 0.3, 6), LogU(r, 0.5, 15)
	release, late := LogU(r, 30, 900), r.IntN(2) == 0
	head := Uni(r, 1, 1.4)
	p.BurstPerDay, p.BurstDur = p.BurstPerDay*LogU(r, 1, 8), LogU(r, 1, 60)
	busy := Uni(r, 0, 0.5)
	p.Extras = append(p.Extras, Extra{Name: "pool", Waits: []string{"recv2", "clientdo"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		n, smooth, spare, wait := 0.0, -1.0, 0.0, 0.0
		return func(c *Ctx) (float64, float64, float64) {
			if smooth < 0 || c.Restart {
				n, smooth = per*c.Load, c.Load
			}
			smooth += (c.Load - smooth) * math.Min(1, c.Step/5)
			if wait -= c.Step; wait <= 0 {
				wait = every
				want := math.Round(per * smooth * head)
				switch {
				case want >= n:
					n, spare = want, 0
				case late:
					if spare += every; spare >= release {
						n, spare = want, 0
					}
				default:
					n -= (n - want) * math.Min(1, every/release)
				}
			}
			return n, n, busy * (c.Load - c.Expect)
		}
	}})
	return flow{}
}

// proxy: an idle connection is two goroutines, for as long as its timeout says.
func proxy(p *P, e Env, r *rand.Rand) flow {
	p.PoolPer = Uni(r, 0, 0.3)
	type backend struct{ weight, most float64 }
	var bs []backend
	sum := 0.0
	for range 3 + r.IntN(40) {
		b := backend{LogU(r, 0.01, 1), math.Ceil(LogU(r, 5, 500))}
		bs = append(bs, b)
		sum += b.weight
	}
	timeout, conc := LogU(r, 1.5, 240), LogU(r, 5, 1500)
	restarts := r.IntN(3)
	for range restarts {
		p.Deploys = append(p.Deploys, e.Horizon*r.Float64())
	}
	slices.Sort(p.Deploys)
	p.Extras = append(p.Extras, Extra{Name: "idle connections", Waits: []string{"readloop", "writeloop"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		open, used := make([]float64, len(bs)), make([]float64, len(bs)) // used: minutes since all were
		return func(c *Ctx) (float64, float64, float64) {
			if c.Restart {
				clear(open)
			}
			n := 0.0
			for i, b := range bs {
				now := math.Min(b.most, Pois(r, conc*c.Load*b.weight/sum))
				if used[i] += c.Step; now >= open[i] {
					open[i], used[i] = now, 0
				} else if used[i] > timeout {
					open[i] -= math.Ceil((open[i] - now) * math.Min(1, c.Step/timeout))
				}
				n += 2 * open[i]
			}
			return n, n, 0
		}
	}})
	return flow{}
}
