package sim

import (
	"math"
	"math/rand/v2"
	"slices"
)

// loadFactor is the expected relative load at minute t.
func (p *P) loadFactor(t float64, slot int) float64 {
	if p.LoadFn != nil {
		return p.LoadFn(t, slot)
	}
	d := t + p.Phase
	s := math.Pow(0.5*(1+math.Cos(2*math.Pi*d/1440)), p.Sharp)
	f := (1 - p.Amp) + p.Amp*s
	if day := int(d/1440) % 7; day >= 5 {
		f *= p.Weekend
	}
	return f * (1 + p.Growth*t/(7*1440))
}

// Gen makes one service.
func Gen(c Class, e Env, seed uint64) *Service {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	p := c.Draw(e, r)
	if p.Step > 0 {
		e.Step = p.Step
	}
	s := &Service{Class: c, Seed: seed, Step: e.Step, P: p, Onset: math.Inf(1), Until: 0, End: -1, Oracle: math.Inf(1)}
	for _, l := range p.Leaks {
		s.Onset = math.Min(s.Onset, l.Onset)
		s.Rate += l.Rate
		if l.Until == 0 || s.Until < 0 {
			s.Until = -1
		} else {
			s.Until = math.Max(s.Until, l.Until)
		}
	}
	if p.FixAt > 0 {
		s.Until, s.End = p.FixAt, p.FixAt
	}
	hold := 0.0
	if e.Created { // mean latency of a request, minutes
		hold = LogU(rand.New(rand.NewPCG(seed, 0x94d049bb133111eb)), 0.0005, 0.1)
	}
	var lives []Life
	switch {
	case p.Lives != nil:
		lives = p.Lives(r)
	case p.Churn > 0:
		for slot := 0; slot < p.N; slot++ {
			for t := 0.0; t < e.Horizon-30; {
				end := math.Min(e.Horizon, t+math.Min(math.Max(60, p.Churn*r.ExpFloat64()), 4*1440))
				lives = append(lives, Life{Slot: slot, T0: t, T1: end})
				t = end + e.Step
			}
		}
	default:
		for i := 0; i < p.N; i++ {
			l := Life{Slot: i, T1: e.Horizon}
			if p.WarmAmp == 0 { // has been up for long
				l.Before = 1440 * Uni(r, 1, 30)
			}
			lives = append(lives, l)
		}
	}
	for _, l := range lives {
		if in := p.run(r, e, l, hold); len(in.V) > 0 {
			s.Inst = append(s.Inst, in)
		}
	}
	if c.Leak {
		s.Oracle = oracle(s)
	}
	return s
}

// run simulates one pod; hold is the mean latency of a request in minutes, for
// the number of goroutines that end.
func (p *P) run(r *rand.Rand, e Env, life Life, hold float64) *Instance {
	dt := e.Step
	i0 := int(math.Ceil(life.T0/dt - 1e-9))
	n := min(int(math.Ceil(life.T1/dt-1e-9)), e.Samples()) - i0
	if n <= 0 {
		return &Instance{}
	}
	in := &Instance{Slot: life.Slot, T0: i0, V: make([]float32, n), Miss: make([]bool, n), CPU: make([]float32, n),
		Start: make([]int32, n), Leak: make([]float32, n), mean: make([]float32, n), Renamed: life.Renamed}
	if e.Created {
		in.Ended = make([]float32, n)
	}
	in.Leaky = len(p.Leaks) > 0 && (p.Leakers == 0 || life.Slot < p.Leakers) && (p.LeaksOn == nil || p.LeaksOn(life.Slot))
	snapEvery, snapAt := 0, 0
	if e.ProfileEvery > 0 {
		snapEvery = max(1, int(math.Round(e.ProfileEvery/dt)))
		snapAt = r.IntN(snapEvery)
	}
	snapLeft := snapAt
	start := i0 - int(life.Before/dt)
	leaked := make([]float64, len(p.Leaks))
	extras := make([]func(*Ctx) (float64, float64, float64), len(p.Extras))
	for k, x := range p.Extras {
		extras[k] = x.New(r, life.Slot)
	}
	cx := &Ctx{R: r, Step: dt, Restart: life.Before == 0}
	phi := math.Exp(-dt / p.ARTau)
	var burst float64
	pool := p.PoolPer * p.Conc * p.loadFactor(life.T0, life.Slot)
	if life.Before == 0 {
		pool = 0
	}
	poolMean := pool
	ar := p.ARSd * r.NormFloat64()
	dep, down, gapUntil := 0, 0, -1.0
	deploys := p.Deploys
	if p.DeploysOf != nil {
		deploys = p.DeploysOf(life.Slot)
	}
	for dep < len(deploys) && deploys[dep] <= life.T0 {
		dep++
	}
	for i := 0; i < n; i++ {
		ti := i0 + i
		t := float64(ti) * dt
		restart := false
		for dep < len(deploys) && deploys[dep] <= t {
			restart = true
			dep++
		}
		f := p.loadFactor(t, life.Slot)
		if p.ShiftAt >= 0 && t >= p.ShiftAt && life.Slot == 0 {
			f *= p.ShiftBy
		}
		ar = phi*ar + math.Sqrt(1-phi*phi)*p.ARSd*r.NormFloat64()
		fa := f * math.Exp(ar-p.ARSd*p.ARSd/2)
		// keep-alive connections: M/G/inf
		q := math.Min(1, dt/p.PoolHold)
		pool += Pois(r, p.PoolPer*p.Conc*fa*q) - math.Min(pool, Pois(r, pool*q))
		poolMean += p.PoolPer*p.Conc*f*q - poolMean*q
		burst *= math.Exp(-dt / p.BurstDur)
		if r.Float64() < p.BurstPerDay*dt/1440 {
			burst += p.BurstAmp * p.Conc * r.ExpFloat64()
		}
		up := math.Max(0, float64(ti-start)*dt)
		var sn Snapshot
		steady := p.Base
		if p.WarmAmp > 0 {
			sn.Warm = int(math.Round(p.WarmAmp * (1 - math.Exp(-up/p.WarmTau))))
		}
		if p.BoundAmp > 0 && t >= p.BoundAt {
			since := math.Min(t-p.BoundAt, up)
			sn.Bound = int(math.Round(p.BoundAmp * (1 - math.Exp(-since/p.BoundTau))))
		}
		for k, at := range p.StepAt {
			if t < at {
				continue
			}
			if p.StepTo[k] < 0 {
				steady += p.StepTo[k]
			} else {
				sn.Step += int(math.Round(p.StepTo[k]))
			}
		}
		sn.Steady = int(math.Max(5, math.Round(steady)))
		load := 0.05 + fa*(1+0.08/math.Sqrt(dt)*r.NormFloat64()) + burst/math.Max(p.Conc, 1)*0.5
		if p.BatchPer > 0 {
			if x := math.Mod(t+p.Phase, p.BatchPer) / p.BatchDur; x < 1 {
				// ramps up over the job, as a worker fan-out does
				sn.Batch = int(math.Round(p.BatchAmp * math.Min(1, 3*x)))
				load += 0.3
			}
		}
		cx.T, cx.Up, cx.Expect, cx.Load = t, up, f, fa
		cx.Flow, cx.Ended = 0, 0
		sn.Extra = make([]int, len(extras))
		xs, xm := 0, 0.0
		for k, fn := range extras {
			x, m, l := fn(cx)
			sn.Extra[k] = int(math.Max(0, math.Round(x)))
			xs, xm, load = xs+sn.Extra[k], xm+m, load+l
		}
		cx.Restart = false
		lk := 0.0
		for k := range p.Leaks {
			l := &p.Leaks[k]
			if in.Leaky && ti >= start && t >= l.Onset && (l.Until == 0 || t < l.Until) && (p.FixAt == 0 || t < p.FixAt) {
				switch l.Kind {
				case "const":
					leaked[k] += Pois(r, l.Rate*dt/60)
				case "traffic":
					leaked[k] += Pois(r, l.Rate*dt/60*fa/(1-p.Amp/2))
				case "stair":
					if r.Float64() < l.Rate*dt/60/l.Stair {
						leaked[k] += math.Round(l.Stair * Uni(r, 0.5, 1.5))
					}
				case "func":
					leaked[k] += Pois(r, l.Func(cx))
				case "exact":
					leaked[k] += l.Func(cx)
				}
			}
			lk += leaked[k]
		}
		sn.Conc, sn.Pool, sn.Burst = int(Pois(r, p.Conc*fa)), int(pool), int(math.Round(burst))
		if r.Float64() < 0.2 { // short-lived helpers: dials, timers
			sn.Misc = r.IntN(8)
		}
		det := sn.Steady + sn.Warm + sn.Bound + sn.Step + sn.Batch
		v := float64(det + sn.Conc + sn.Pool + sn.Burst + sn.Misc + xs + int(lk))
		in.V[i], in.Leak[i], in.Start[i] = float32(v), float32(lk), int32(start)
		in.CPU[i] = float32(p.CPUScale * math.Max(0, load+p.CPUInfl*lk/p.Base))
		in.mean[i] = float32(float64(det) + p.Conc*f + poolMean + xm)
		if in.Ended != nil {
			in.Ended[i] = float32(p.Conc*fa*dt/hold + pool*q + float64(sn.Misc) + cx.Ended)
		}
		if v > p.OOM {
			restart = true
		}
		if p.GapPerDay > 0 && t > gapUntil && r.Float64() < p.GapPerDay*dt/1440 {
			gapUntil = t + p.GapLen*r.ExpFloat64()
		}
		in.Miss[i] = t < gapUntil || ti < down || p.Miss > 0 && r.Float64() < p.Miss
		if snapEvery > 0 {
			if snapLeft == 0 {
				if !in.Miss[i] {
					sn.I, sn.Leak = i, make([]int, len(leaked))
					for k := range leaked {
						sn.Leak[k] = int(leaked[k])
					}
					in.Snap = append(in.Snap, sn)
				}
				snapLeft = snapEvery
			}
			snapLeft--
		}
		if restart && i+1 < n {
			// the old process is gone after this sample; the new one comes up at down
			down = ti + 1 + r.IntN(1+int(3/dt))
			start = down
			clear(leaked)
			pool, poolMean, burst = 0, 0, 0
			cx.Restart = true
		}
	}
	return in
}

// oracle is the delay in hours of a likelihood-ratio test that knows the
// healthy mean, the noise's long-run variance and the leak's exact shape, at
// evidence 2 ln(1/1e-4): the first T with integral leak^2 dt >= 2 ln(1e4) S0.
func oracle(s *Service) float64 {
	best := math.Inf(1)
	per := int(math.Round(60 / s.Step))
	for _, in := range s.Inst {
		if !in.Leaky {
			continue
		}
		var bm []float64
		for b := 0; b+per <= len(in.V); b += per {
			var sum, n float64
			for i := b; i < b+per; i++ {
				if !in.Miss[i] {
					sum += float64(in.V[i]) - float64(in.Leak[i]) - float64(in.mean[i])
					n++
				}
			}
			if n >= float64(per)/3 {
				bm = append(bm, sum/n)
			}
		}
		sd := 1.0
		if len(bm) > 4 {
			sd = math.Max(1.4826*mad(bm), 0.3)
		}
		s0, e := sd*sd*60, 0.0
		for i := range in.V {
			if !in.Miss[i] {
				e += float64(in.Leak[i]) * float64(in.Leak[i]) * s.Step
			}
			if e >= 2*math.Log(1e4)*s0 {
				best = math.Min(best, (float64(in.T0+i+1)*s.Step-s.Onset)/60)
				break
			}
		}
	}
	return best
}

func median(x []float64) float64 {
	y := slices.Clone(x)
	slices.Sort(y)
	n := len(y)
	return (y[(n-1)/2] + y[n/2]) / 2
}

func mad(x []float64) float64 {
	m := median(x)
	y := make([]float64, len(x))
	for i := range x {
		y[i] = math.Abs(x[i] - m)
	}
	return median(y)
}
