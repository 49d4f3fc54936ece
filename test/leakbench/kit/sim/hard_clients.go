package sim

import (
	"math"
	"math/rand/v2"
	"slices"
)

// websocket: clients arrive in the morning and go in the evening. The flow is
// the number of clients that have gone.
func websocket(p *P, e Env, r *rand.Rand) flow {
	clients, each := LogU(r, 15, 6000), float64(1+r.IntN(3))
	open, spread := 60*Uni(r, 6, 10), LogU(r, 15, 160)
	shut, leave := open+60*Uni(r, 7, 13), LogU(r, 8, 100)
	stay := LogU(r, 500, 15000) // minutes, by day
	trickle := Uni(r, 0, 0.3)   // share that comes at any time
	cpu := 0.0
	if r.IntN(2) == 0 {
		cpu = LogU(r, 0.05, 1) / clients
	}
	quiet := Uni(r, 0, 0.7)
	if r.IntN(4) == 0 {
		quiet = Uni(r, 0.8, 1.3)
	}
	var crowd []float64 // of each day
	working := 0.0
	for day := range p.days(e) {
		f := LogN(r, 1, 0.12)
		if weekend(day) {
			f *= quiet
		}
		crowd = append(crowd, f)
		working += f
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(4) {
			p.Deploys = append(p.Deploys, e.Horizon*r.Float64())
		}
		slices.Sort(p.Deploys)
	}
	back := LogU(r, 0.5, 8) // minutes until a client has connected again
	p.Extras = append(p.Extras, Extra{Name: "clients", Waits: []string{"netread", "select"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		n, away, first := 0.0, 0.0, true
		return func(c *Ctx) (float64, float64, float64) {
			day, minute := p.clock(c.T)
			today := clients * crowd[min(day, len(crowd)-1)]
			if first && !c.Restart && minute < shut { // has been up for long
				n = math.Round(today * (1 - trickle) * 0.5 * math.Erfc((open-minute)/spread/math.Sqrt2))
			}
			if first = false; c.Restart {
				n, away = 0, n+away
			}
			again := math.Min(away, Pois(r, away*math.Min(1, c.Step/back)))
			u := (minute - open) / spread
			come := today * (1 - trickle) * c.Step / spread * math.Exp(-u*u/2) / math.Sqrt(2*math.Pi)
			come += today * trickle * c.Step / 600 * daily(minute, (open+shut)/2, 1)
			hazard := 1 / stay
			if minute > shut || minute < open-2*spread {
				hazard = 1 / leave
			} else if minute > shut-2*leave {
				hazard += 1 / (3 * leave)
			}
			gone := math.Min(n, Pois(r, n*math.Min(1, hazard*c.Step)))
			away -= again
			n += again + Pois(r, come) - gone
			c.Flow, c.Ended = gone, c.Ended+each*gone
			return each * n, each * n, cpu * n
		}
	}})
	return flow{perHour: clients * working / float64(len(crowd)) / 24}
}

// longPoll: devices hold a request for minutes and come back at once.
func longPoll(p *P, e Env, r *rand.Rand) flow {
	devices, hold, back := LogU(r, 20, 8000), LogU(r, 0.5, 5), Uni(r, 0.85, 0.995)
	peak, amp, sharp := 60*Uni(r, 18, 23), Uni(r, 0.3, 0.97), Uni(r, 0.6, 2.5)
	free, more := Uni(r, 0.8, 1.6), Uni(r, 0, 0.3) // at the weekend; newcomers a week
	tau, sd := LogU(r, 20, 240), Uni(r, 0.01, 0.08)
	cpu := 0.0
	if r.IntN(2) == 0 {
		cpu = LogU(r, 0.02, 0.5) / devices
	}
	if r.IntN(3) == 0 {
		p.Deploys = append(p.Deploys, e.Horizon*r.Float64())
	}
	p.Extras = append(p.Extras, Extra{Name: "polls", Waits: []string{"select", "recv"}, New: func(r *rand.Rand, _ int) func(c *Ctx) (float64, float64, float64) {
		x := sd * r.NormFloat64()
		return func(c *Ctx) (float64, float64, float64) {
			q := math.Exp(-c.Step / tau)
			x = q*x + math.Sqrt(1-q*q)*sd*r.NormFloat64()
			day, minute := p.clock(c.T)
			n := devices * (1 - amp + amp*daily(minute, peak, sharp)) * (1 + more*c.T/10080)
			if weekend(day) {
				n *= free
			}
			n *= back * (1 - math.Exp(-c.Up/hold))
			online := Pois(r, n*math.Exp(x)*0.1) + 0.9*n*math.Exp(x) // most are in a poll, some between two
			return online, n, cpu * n
		}
	}})
	return flow{}
}

// streams: the balancer spreads new streams evenly, and old ones stay where they
// are. What a restart moves stays moved.
func streams(p *P, e Env, r *rand.Rand) flow {
	p.N = 2 + r.IntN(5)
	total, each := LogU(r, 40, 8000)*float64(p.N), float64(1+r.IntN(3))
	age := math.Inf(1) // minutes until a client connects anew
	if r.IntN(3) > 0 {
		age = LogU(r, 30, 4000)
	}
	swing := Uni(r, 0, 0.5) // share that comes and goes with the day
	starts := make([][]float64, p.N)
	for t := 1440 * Uni(r, 0, 2); t < e.Horizon; t += LogU(r, 400, 6000) {
		gap := LogU(r, 1, 30)
		slots := r.Perm(p.N)
		if r.IntN(2) == 0 { // one alone
			slots = slots[:1]
		}
		for i, slot := range slots {
			starts[slot] = append(starts[slot], t+gap*float64(i))
		}
	}
	for slot := range starts {
		slices.Sort(starts[slot])
	}
	p.DeploysOf = func(slot int) []float64 { return starts[slot] }
	lv := newLevels(p, e)
	n := make([]float64, p.N)
	next := make([]int, p.N)
	for slot := range n {
		n[slot] = math.Round(total / float64(p.N) * Uni(r, 0.9, 1.1))
	}
	for i := range lv[0] {
		t, moved, sum := float64(i), 0.0, 0.0
		for slot := range n {
			if s := starts[slot]; next[slot] < len(s) && s[next[slot]] <= t {
				moved, n[slot] = moved+n[slot], 0
				next[slot]++
			}
			leave := math.Min(n[slot], Pois(r, n[slot]/age))
			n[slot] -= leave
			moved += leave
			sum += n[slot]
		}
		want := total * (1 - swing + swing*p.loadFactor(t, 0))
		if sum+moved > want { // clients go
			gone := math.Min(1, (sum+moved-want)/math.Max(sum+moved, 1)*0.05)
			for slot := range n {
				n[slot] -= math.Min(n[slot], Pois(r, n[slot]*gone))
			}
		} else {
			moved += Pois(r, (want-sum-moved)*0.05)
		}
		up := make([]int, 0, p.N)
		for slot := range n {
			if s := starts[slot]; next[slot] == 0 || t > s[next[slot]-1]+3 {
				up = append(up, slot)
			}
		}
		for k, slot := range up {
			x := math.Min(moved, Pois(r, moved/float64(len(up)-k)))
			if k == len(up)-1 {
				x = moved
			}
			n[slot] += x
			moved -= x
		}
		for slot := range n {
			lv[slot][i] = each * n[slot]
		}
	}
	cpu := 0.0
	if r.IntN(2) == 0 {
		cpu = LogU(r, 0.05, 1) / (each * total / float64(p.N))
	}
	p.Extras = append(p.Extras, lv.extra("streams", 0.5, cpu, "recv", "select", "netread"))
	return flow{}
}

// previews: each environment has goroutines in the replica that looks after it.
func previews(p *P, e Env, r *rand.Rand) flow {
	perDay, size := LogU(r, 4, 120), LogU(r, 2, 80)
	evening, ttl := r.IntN(2) == 0, LogU(r, 300, 4320)
	lv := newLevels(p, e)
	for day := range p.days(e) {
		mean := perDay * LogN(r, 1, 0.3)
		if weekend(day) {
			mean *= 0.05
		}
		for range int(Pois(r, mean)) {
			from := p.minute(day, 60*(9+4.5*(r.Float64()+r.Float64())))
			to := from + ttl*LogN(r, 1, 0.2)
			if evening {
				to = p.minute(day, 60*20+20*r.Float64())
			}
			if to > 0 {
				lv.add(r.IntN(p.N), from, math.Max(from, to), math.Round(LogN(r, size, 0.5)))
			}
		}
	}
	lv.sum()
	p.Extras = append(p.Extras, lv.extra("previews", LogU(r, 0.5, 5), 0, "select", "recv2", "netread"))
	return flow{}
}
