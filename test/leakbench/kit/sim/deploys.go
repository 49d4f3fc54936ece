package sim

import (
	"math"
	"math/rand/v2"
	"slices"
)

// deploys simulates everyday deploys: new versions come in working hours, one pod first or all
// in turn, with a surge pod or without, as new pods or in place; sometimes only some pods
// restart. Each new process warms up.
func deploys(p *P, e Env, r *rand.Rand) {
	p.N = 2 + r.IntN(8)
	p.Weekend = Uni(r, 0.25, 0.9)
	starts := make([][]float64, p.N) // of each replica, minutes
	stagger := LogU(r, 0.4, 12)
	canary, soak := r.IntN(2) == 0, LogU(r, 10, 150)
	for _, t := range workingHours(p, e, r) {
		from := 0
		if canary {
			from = 1
			starts[0] = append(starts[0], t)
			t += soak * Uni(r, 0.7, 1.3)
			if r.IntN(10) == 0 { // rolled back
				starts[0] = append(starts[0], t)
				continue
			}
		}
		for slot := from; slot < p.N; slot++ {
			starts[slot] = append(starts[slot], t)
			t += stagger * Uni(r, 0.6, 1.4)
		}
	}
	drains := Uni(r, 0, 0.6) // a day: a node is emptied, or a few pods get restarted by hand
	for t := 1440 * r.ExpFloat64() / drains; t < e.Horizon; t += 1440 * r.ExpFloat64() / drains {
		for _, slot := range r.Perm(p.N)[:1+r.IntN(max(1, p.N/2))] {
			starts[slot] = append(starts[slot], t+3*r.Float64())
		}
	}
	p.Extras = append(p.Extras, warmUp(p, r))
	replace(p, e, r, starts)
}

// replace ends the process of each replica at the minutes in starts, and begins
// another: in place, or as a new pod, which may come up before the old one goes.
func replace(p *P, e Env, r *rand.Rand, starts [][]float64) {
	for slot := range starts {
		slices.Sort(starts[slot])
		last := 0.0
		starts[slot] = slices.DeleteFunc(starts[slot], func(t float64) bool {
			if t < last+8 || t > e.Horizon-10 {
				return true
			}
			last = t
			return false
		})
	}
	if r.IntN(4) == 0 {
		p.DeploysOf = func(slot int) []float64 { return starts[slot] }
		return
	}
	ahead := 0.0 // the new pod comes up before the old one goes
	if r.IntN(3) > 0 {
		ahead = LogU(r, 0.5, 5)
	}
	p.Lives = func(r *rand.Rand) []Life {
		var out []Life
		for slot := range starts {
			l := Life{Slot: slot, Before: LogU(r, 60, 7200)}
			for _, t := range starts[slot] {
				l.T1 = t
				out = append(out, l)
				l = Life{Slot: slot, T0: t - ahead}
				if ahead == 0 {
					l.T0 += LogU(r, 0.2, 2)
				}
			}
			l.T1 = e.Horizon
			out = append(out, l)
		}
		return out
	}
}

// workingHours draws the times of the deploys: one to five on a working day,
// whenever they are ready or by a timetable, rarely one at the weekend. Noon is
// the peak of the load.
func workingHours(p *P, e Env, r *rand.Rand) []float64 {
	more := Uni(r, 0, 2.5)
	open, hours := 60*Uni(r, 7.5, 10.5), 60*Uni(r, 6, 10)
	var timetable []float64
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(3) {
			timetable = append(timetable, open+hours*r.Float64())
		}
	}
	var out []float64
	for day := 0; ; day++ {
		midnight := float64(day)*1440 - p.Phase - 720
		if midnight > e.Horizon {
			slices.Sort(out)
			return out
		}
		var today []float64
		switch {
		case day%7 >= 5:
			if r.IntN(12) == 0 {
				today = []float64{1440 * r.Float64()}
			}
		case timetable != nil:
			for _, t := range timetable {
				if r.IntN(6) > 0 { // nothing to release
					today = append(today, t+4*r.NormFloat64())
				}
			}
		default:
			for range 1 + int(math.Min(4, Pois(r, more))) {
				today = append(today, open+hours*r.Float64())
			}
		}
		for _, t := range today {
			if t += midnight; t > 10 {
				out = append(out, t)
			}
		}
	}
}

// warmUp simulates what a fresh process fills: its connection pools within minutes, at the pace
// of dialling; then workers bound to a cache, whose new keys come ever more rarely: with the
// logarithm of the work done, until it is full.
func warmUp(p *P, r *rand.Rand) Extra {
	pools, dial := Uni(r, 0.05, 0.6), LogU(r, 0.5, 8)
	cached, first, full := Uni(r, 0, 1.2), LogU(r, 0.5, 25), LogU(r, 40, 500) // goroutines per Base; minutes at load 1
	return Extra{Name: "warm-up", New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		size := p.Base * LogN(r, 1, 0.06) // no two processes are the same
		work, mean := -1.0, 0.0
		fill := func(w float64) float64 {
			return cached * math.Log1p(math.Min(w, full)/first) / math.Log1p(full/first)
		}
		return func(c *Ctx) (float64, float64, float64) {
			switch {
			case c.Restart:
				work, mean = 0, 0
			case work < 0: // has been up for long
				work, mean = 0.7*c.Up, 0.7*c.Up
			}
			work, mean = work+c.Load*c.Step, mean+c.Expect*c.Step
			open := pools * math.Min(1, c.Up/dial)
			load := 0.0
			if work < full {
				load = 0.4 * cached * first / (first + work) // misses cost CPU
			}
			return size * (open + fill(work)), p.Base * (open + fill(mean)), load
		}
	}}
}
