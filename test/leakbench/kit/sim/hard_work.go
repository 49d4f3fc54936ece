package sim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// failover: one replica has the work at a time. The flow of the leader is the
// hours that it leads.
func failover(p *P, e Env, r *rand.Rand) flow {
	p.N = 2 + r.IntN(4)
	type reign struct {
		from float64
		slot int
	}
	reigns := []reign{{-1, r.IntN(p.N)}}
	for t := e.Horizon * Uni(r, 0.05, 0.5); t < e.Horizon; t += LogU(r, 120, 8000) {
		last := reigns[len(reigns)-1].slot
		reigns = append(reigns, reign{t, (last + 1 + r.IntN(p.N-1)) % p.N})
	}
	leads := func(t float64) int {
		i, _ := slices.BinarySearchFunc(reigns, t, func(x reign, t float64) int { return cmp.Compare(x.from, t) })
		return reigns[max(0, i-1)].slot
	}
	if r.IntN(2) == 0 { // the old leader has crashed
		p.DeploysOf = func(slot int) (out []float64) {
			for i, x := range reigns[1:] {
				if reigns[i].slot == slot {
					out = append(out, x.from)
				}
			}
			return out
		}
	}
	work, takes, drains := p.Base*LogU(r, 0.3, 12), LogU(r, 0.5, 90), LogU(r, 0.5, 30)
	follows, cpu := Uni(r, 0, 0.8), 0.0
	if r.IntN(2) == 0 {
		cpu = LogU(r, 0.2, 3)
	}
	p.Extras = append(p.Extras, Extra{Name: "leader", Waits: []string{"recv2", "select", "cond", "sleep"}, New: func(_ *rand.Rand, slot int) func(c *Ctx) (float64, float64, float64) {
		share, first := 0.0, true
		return func(c *Ctx) (float64, float64, float64) {
			lead := leads(c.T) == slot
			if c.Restart {
				share = 0
			} else if first && lead {
				share = 1
			}
			first = false
			if lead {
				share += (1 - share) * math.Min(1, c.Step/takes)
				c.Flow = c.Step / 60
			} else {
				share -= share * math.Min(1, c.Step/drains)
			}
			n := work * share * (1 - follows + follows*c.Expect)
			return n, n, cpu * share * (1 - follows + follows*c.Load)
		}
	}})
	p.LeaksOn = func(slot int) bool {
		for i, x := range reigns {
			if x.slot == slot && len(p.Leaks) > 0 && (i+1 == len(reigns) || reigns[i+1].from > p.Leaks[0].Onset) {
				return true
			}
		}
		return false
	}
	return flow{perHour: 1}
}

// outage: requests pile up while a dependency is away, and retries keep the CPU
// busy. If it leaks, a share of those given up, or of those that drain, stays.
func outage(p *P, e Env, r *rand.Rand, leaks bool) (leak Leak) {
	perTen := LogU(r, 1, 8)
	if leaks {
		perTen = LogU(r, 3, 20)
	}
	var hs []hang
	for i := range 1 + int(Pois(r, perTen*e.Horizon/14400)) {
		from := e.Horizon * r.Float64()
		if leaks { // the first on days one to six
			from = e.Horizon * Uni(r, 0.1, 1)
		}
		if leaks && i == 0 {
			from = e.Horizon * Uni(r, 0.1, 0.6)
		}
		hs = append(hs, hang{from: from, to: from + math.Min(120, math.Max(15, LogN(r, 40, 0.5))), slot: -1})
	}
	slices.SortFunc(hs, func(a, b hang) int { return cmp.Compare(a.from, b.from) })
	part := LogU(r, 0.02, 1) // of the requests that need the dependency
	if leaks {
		part = LogU(r, 0.3, 1)
	}
	perMin := p.Conc * LogU(r, 0.3, 20) * part
	limit := (p.Base + p.Conc) * LogU(r, 1, 40)
	give, patience := r.Float64(), LogU(r, 0.5, 45)
	drain := LogU(r, 2, 240)       // minutes in which a full pile drains
	straight := r.IntN(2) == 0     // as many a minute, or a share of what is left
	busy := Uni(r, 0, 0.8)         // CPU of the retries, at load 1
	stays := 0.0                   // share that never returns
	pile := func(h hang) float64 { // about
		return math.Min(limit, perMin*p.loadFactor(h.from, 0)*(h.to-h.from))
	}
	if leaks { // 1 to 2000 an hour on average, if there are so many
		all, hours := 0.0, (e.Horizon-hs[0].from)/60
		for _, h := range hs {
			all += pile(h)
		}
		stays = math.Min(0.6, LogU(r, 1, 2000)*hours/all)
		leak = Leak{Kind: "func", Rate: stays * all / hours, Onset: hs[0].from, Func: func(c *Ctx) float64 { return stays * c.Flow }}
	}
	p.Extras = append(p.Extras, Extra{Name: "outage", New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		var stay, impatient, peak float64
		return func(c *Ctx) (float64, float64, float64) {
			if c.Restart {
				stay, impatient = 0, 0
			}
			gone := math.Min(impatient, Pois(r, impatient*(1-math.Exp(-c.Step/patience))))
			impatient -= gone
			load, done := 0.0, 0.0
			if slices.ContainsFunc(hs, func(h hang) bool { return c.T >= h.from && c.T < h.to }) {
				come := math.Min(Pois(r, perMin*c.Load*c.Step), math.Max(0, limit-stay-impatient))
				impatient += come * give
				stay += come * (1 - give)
				peak = stay + impatient
				load = busy * c.Load
			} else if n := stay + impatient; n > 0 {
				done = peak * c.Step / drain
				if !straight {
					done = Pois(r, 3*n*c.Step/drain)
				}
				done = math.Min(n, math.Max(done, 0.02))
				stay, impatient = stay*(1-done/n), impatient*(1-done/n)
				load = busy * math.Min(1, n/math.Max(peak, 1)) * c.Load
			}
			c.Ended += gone + done
			c.Flow = gone + done
			return stay + impatient, stay + impatient, load
		}
	}})
	return leak
}

// backlog: work comes in bulk, and workers are added until it is done.
func backlog(p *P, e Env, r *rand.Rand) flow {
	limit := p.Base * LogU(r, 0.5, 15)
	add, release := limit/LogU(r, 20, 600), LogU(r, 2, 120) // a minute; minutes
	var at, hours []float64
	for t := 1440 * Uni(r, 0, 3); t < e.Horizon; t += LogU(r, 500, 8000) {
		at, hours = append(at, t), append(hours, LogU(r, 0.7, 14))
	}
	pace := Uni(r, 0.5, 2) // how even the work is
	cpu := 0.0
	if r.IntN(2) == 0 {
		cpu = LogU(r, 0.1, 2) / limit
	}
	p.Extras = append(p.Extras, Extra{Name: "consumers", Waits: []string{"clientdo", "netread", "recv2"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		left, workers, next := 0.0, 0.0, 0 // left: worker minutes
		return func(c *Ctx) (float64, float64, float64) {
			for next < len(at) && at[next] <= c.T {
				if c.T-at[next] < 2*c.Step {
					left += 0.7 * hours[next] * 60 * limit
				}
				next++
			}
			if c.Restart {
				workers = 0
			}
			if left > 0 {
				workers = math.Min(limit, workers+add*c.Step*LogN(r, 1, 0.3))
				left -= workers * c.Step * LogN(r, 1, 0.1*pace)
			} else {
				workers -= workers * math.Min(1, c.Step/release)
			}
			return workers, workers, cpu * workers
		}
	}})
	return flow{}
}

// cron: runs of several jobs on any of the replicas. The flow is the number of
// runs that began.
func cron(p *P, e Env, r *rand.Rand) flow {
	lv, began := newLevels(p, e), newLevels(p, e)
	var slow [][2]float64 // while the database is slow
	for t := e.Horizon * Uni(r, 0, 0.3); t < e.Horizon; t += LogU(r, 700, 6000) {
		slow = append(slow, [2]float64{t, t + LogU(r, 60, 600)})
	}
	factor, perHour := LogU(r, 2, 15), 0.0
	for range 1 + r.IntN(4) {
		period := []float64{2, 5, 10, 15, 30, 60}[r.IntN(6)]
		fan, lasts := math.Ceil(LogU(r, 1, 150)), period*LogU(r, 0.1, 1.2)
		perHour += 60 / period / float64(p.N)
		for t := period * r.Float64(); t < e.Horizon; t += period {
			d := lasts * LogN(r, 1, 0.3)
			if slices.ContainsFunc(slow, func(s [2]float64) bool { return t >= s[0] && t < s[1] }) {
				d *= factor
			}
			slot := r.IntN(p.N)
			lv.add(slot, t, t+d, fan)
			began[slot][int(t)]++
		}
	}
	lv.sum()
	x := lv.extra("runs", 1e-9, LogU(r, 1e-4, 0.1)/p.Base, "clientdo", "netread", "recv2")
	of := x.New
	x.New = func(r *rand.Rand, slot int) func(c *Ctx) (float64, float64, float64) {
		f, next := of(r, slot), -1
		return func(c *Ctx) (float64, float64, float64) {
			if next < 0 {
				next = int(c.T)
			}
			for ; next <= int(c.T); next++ {
				c.Flow += began[slot][next]
			}
			return f(c)
		}
	}
	p.Extras = append(p.Extras, x)
	return flow{perHour: perHour}
}
