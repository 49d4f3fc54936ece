package trend

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// finding is what one scale says.
type finding struct {
	status Status
	gate   Gate
	z      float64
	slope  Interval // goroutines per block
	onset  int64    // ms
	level  float64  // floor at the present load without the growth
	grown  float64
	b      float64 // goroutines per unit of load
	ends   float64 // see Assessment.Ends
	n      int     // valid blocks
	blocks int     // since the onset
	passed int     // evaluations in a row that all gates let pass
	wait   float64 // base blocks, see Verdict.Wait
}

func (s *Service) judge() Verdict {
	v := Verdict{Status: Quiet, Gate: GateTooLittle}
	for _, in := range s.ordered {
		g := in.seg
		for k := range nScales {
			if g.fresh[k] {
				g.fresh[k] = false
				g.found[k].update(s.judgeScale(source{one: g}, k), scales[k].mult)
			}
		}
		best := decide(&g.found)
		if best < 0 {
			if wait := s.blocks(float64(minSeen - int(g.found[0].n))); v.Status == Quiet && v.Gate == GateTooLittle && (v.Wait == 0 || wait < v.Wait) {
				v.Wait = wait
			}
			continue
		}
		f := g.found[best].finding()
		if f.status == Quiet {
			if v.Status == Quiet {
				v.Gate, v.Wait = f.gate, 0
			}
			continue
		}
		v.Instances = append(v.Instances, s.trend(in, &f, best))
		if f.status.rank() > v.Status.rank() {
			v.Status, v.Gate, v.Z, v.NeedZ, v.Scale, v.Wait = f.status, f.gate, f.z, sure, s.length(best), s.blocks(f.wait)
		}
	}
	if v.Status == Leaking {
		v.Instances = slices.DeleteFunc(v.Instances, func(it InstanceTrend) bool {
			return it.scale < v.Scale/4 || it.z < sure // stirs, and does not leak
		})
	}
	for _, it := range v.Instances {
		v.Rate = v.Rate.Plus(it.Rate)
		v.Leaked += it.Leaked
		if v.Onset.IsZero() || it.Onset.Before(v.Onset) {
			v.Onset = it.Onset
		}
	}
	s.judgePool(&v)
	s.addLives(&v)
	slices.SortFunc(v.Instances, func(a, b InstanceTrend) int {
		return cmp.Or(cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.Instance, b.Instance))
	})
	return v
}

// blocks is the length of so many base blocks.
func (s *Service) blocks(n float64) time.Duration {
	return time.Duration(n * float64(s.base) * float64(time.Millisecond))
}

func (s *Service) length(k int) time.Duration {
	return time.Duration(s.base*int64(scales[k].mult)) * time.Millisecond
}

func (s *Service) trend(in *instance, f *finding, k int) InstanceTrend {
	g := in.seg
	return InstanceTrend{
		Instance: in.name, Onset: msTime(f.onset), Count: float64(g.count), Floor: g.floorNow(),
		Rate: f.slope.hourly(s.length(k)), Leaked: max(0, f.grown), scale: s.length(k), z: f.z,
	}
}

// judgePool lets all instances together say what none says alone.
func (s *Service) judgePool(v *Verdict) {
	if len(s.instances) < 2 {
		return
	}
	if s.pool == nil {
		s.pool = &pool{}
	}
	p := s.pool
	p.gather(s.ordered, s.base)
	if len(p.members) < 2 {
		return
	}
	for k := 1; k < nScales; k++ {
		last, ok := p.newest(k)
		if !ok {
			p.judged[k], p.found[k] = 0, kept{} // a member has just restarted
		} else if last != p.judged[k] {
			p.judged[k] = last
			p.found[k].update(s.judgeScale(source{all: p}, k), scales[k].mult)
		}
	}
	best := decide(&p.found)
	if best < 0 {
		return
	}
	f := p.found[best].finding()
	if v.Status == Leaking && f.status != Leaking && s.poolBends(v) {
		v.Status, v.Gate, v.Wait = Provisional, GateSaturating, 0
		return
	}
	if f.status.rank() <= v.Status.rank() {
		return
	}
	v.Status, v.Gate, v.Z, v.NeedZ, v.Scale, v.Wait = f.status, f.gate, f.z, sure, s.length(best), s.blocks(f.wait)
	v.Rate, v.Onset, v.Leaked = f.slope.hourly(s.length(best)), msTime(f.onset), f.grown
	v.Instances = nil
	for _, in := range s.ordered {
		if own := in.seg.found[best].finding(); slices.Contains(p.members, in.seg) && own.z > 2 && own.grown > 0 {
			v.Instances = append(v.Instances, s.trend(in, &own, best))
		}
	}
}

// poolBends tells whether the sum of the instances sees better than one of them
// that growth slows down: on a scale as long as that one's, or with all of the
// growth in its view.
func (s *Service) poolBends(v *Verdict) bool {
	for k := range s.pool.found {
		f := &s.pool.found[k]
		sees := s.length(k) >= v.Scale || !msTime(f.onset).After(v.Onset.Add(v.Scale))
		if f.status == Provisional.rank() && f.blocks >= minBlocks && sees &&
			s.pool.alike(k) && v.Leaked < poolSize*float64(f.level) {
			return true
		}
	}
	return false
}

// addLives lets the lives of all processes say what no single one does. It is
// looked at once in an hour.
func (s *Service) addLives(v *Verdict) {
	var hour int64
	for _, in := range s.ordered {
		hour = max(hour, in.seg.last/(60*s.base))
	}
	if hour != s.livesAt {
		s.livesAt = hour
		s.fromLives = nil
		if per, onset, t, gate := s.judgeLives(); gate != GateTooLittle && t > 0 {
			f := Verdict{Status: Suspicious, Gate: GateUncertain, Onset: msTime(onset), Scale: s.length(3), Z: t, NeedZ: sureOfLives}
			if t >= sureOfLives {
				f.Status, f.Gate = Leaking, GateNone
			}
			hourly := per.hourly(s.opt.Base)
			for _, in := range s.ordered {
				g := in.seg
				i := InstanceTrend{Instance: in.name, Rate: hourly, Onset: msTime(max(onset, g.first)), Count: float64(g.count), Floor: g.floorNow()}
				i.Leaked = per.Value * float64(g.last-max(onset, g.first)) / float64(s.base)
				f.Instances = append(f.Instances, i)
				f.Leaked += i.Leaked
			}
			n := float64(len(f.Instances))
			f.Rate = Interval{hourly.Value * n, hourly.Low * n, hourly.High * n}
			s.fromLives = &f
		}
	}
	if s.fromLives != nil && s.fromLives.Status.rank() > v.Status.rank() {
		*v = *s.fromLives
		v.Instances = slices.Clone(v.Instances)
	}
}

// decide picks the scale whose finding counts, -1: none has enough blocks.
// A longer scale that sees a pool fill up overrules a shorter one, unless
// it is more than a pool may be.
func decide(found *[nScales]kept) int {
	best := -1
	for k := range found {
		f := &found[k]
		if f.status == 0 {
			continue
		}
		if best < 0 || f.status > found[best].status || found[best].overruled(f) ||
			f.status == found[best].status && (f.status == Quiet.rank() || f.status == Leaking.rank()) && f.z > found[best].z { // says more of why
			best = k
		}
	}
	return best
}

func (s *Service) judgeScale(src source, k int) finding {
	var v view
	src.view(k, &v, s.base)
	length := s.base * int64(scales[k].mult)
	curvature := float64(curvatureSure)
	if s.stacks {
		curvature = curvatureWithStacks
	}
	f := v.assess(float64(scales[k].mult), v.t0-src.born()/length < 2, curvature, src, s.base)
	f.onset = (v.t0 + f.onset) * length
	return f
}

// assess tests the blocks for growth that the load does not explain. mult is
// the length of a block in base blocks; whole tells that the view begins with
// the process. Growth bends as much as it may by curvature standard errors.
func (v *view) assess(mult float64, whole bool, curvature float64, src source, base int64) finding {
	f := finding{n: v.n}
	if v.n < minSeen {
		return f
	}
	f.status, f.gate = Quiet, GateTooSmall
	n := v.n
	now, low := min(v.x[n-1], v.x[n-2]), v.x[0]
	for _, x := range v.x[:n] {
		low = min(low, x)
	}
	if now-low < max(leastGrowth, leastShare*low) {
		return f
	}
	v.bound(src)
	h, ok := v.fit(6, 0, math.Inf(1))
	if !ok {
		f.gate = GateNoTrend
		return f
	}
	if v.load {
		// What the days before say of the load's part is not to be bent by the growth.
		if lo, hi, ok := loadSlope(src, (float64(v.t0)+v.t[h.at])*mult); ok && (h.b < lo || h.b > hi) {
			if g, ok := v.fit(6, lo, hi); ok {
				h = g
			}
		}
	}
	m := n - h.at
	hours := (v.t[n-1] - v.t[h.at]) * mult / 60
	load := 0.0
	if v.load {
		load = v.l[n-1]
	}
	f.z, f.slope = h.z, Interval{h.s, h.s - 1.96*h.se, h.s + 1.96*h.se}
	if v.load {
		// Leaked goroutines may make work themselves: what the load has grown by
		// meanwhile may be theirs.
		own, _ := slope(v.l[h.at:n], v.t[h.at:n])
		f.slope.High += h.b * max(0, own)
	}
	f.onset = int64(v.t[h.at])
	f.grown = h.s * (v.t[n-1] - v.t[h.at])
	f.level = max(1, h.a+h.b*load)
	f.blocks, f.b = m, h.b
	if h.z < likely {
		f.gate = GateNoTrend
		if h.b > 0 {
			f.gate = GateFollowsLoad
		}
		return f
	}
	var y [maxBlocks]float64
	for i := range n {
		y[i] = v.x[i]
		if v.load {
			y[i] -= h.b * (v.l[i] - load)
		}
	}
	grown := y[h.at:n]
	top, down := grown[0], 0.0
	for _, x := range grown {
		top = max(top, x)
		down = max(down, top-x)
	}
	wide := 1
	if mult > float64(scales[longestMinimum].mult) {
		wide = 2 // a step within a block of means is parted
	}
	up := rises(grown, wide)
	switch {
	case f.grown < max(leastGrowth, leastShare*f.level, noiseMultiple*h.sd):
		f.gate = GateTooSmall
		return f
	case down > blockDrawdown*f.grown:
		f.gate = GateCameBack
		return f
	case up[0] > oneStep*f.grown, up[0]+up[1] > twoSteps*f.grown, up[0]+up[1]+up[2] > threeSteps*f.grown:
		f.gate = GateOneStep
		return f
	}
	f.status, f.gate = Suspicious, GateTooShort
	explained, ratio := v.explained(h.at, mult)
	end := (float64(v.t0) + v.t[n-1] + 1) * mult
	past := src.seen((float64(v.t0)+v.t[h.at])*mult, end, v.lately(mult), v.top(h.at, mult), base)
	known := past.ok
	if known {
		byLoad := past.byLoad * v.beside(&past, h.at)
		if byLoad < explained {
			explained, ratio = byLoad, 1
		}
		explained = max(explained, past.byTime)
	}
	beyond := now - explained
	if beyond < unexplained*f.grown {
		f.gate = GateFollowsLoad
		return f
	}
	r := min(f.grown, beyond) / max(explained, f.level)
	need := areaNeeded
	if ratio > busier {
		need *= min(2, ratio)
		if hours < patientHours && r < huge {
			f.gate, f.wait = GateFollowsLoad, 60*(patientHours-hours)
			return f
		}
	}
	area := 0.0 // base blocks until it is enough, as both factors grow with time
	if x := r * hours; x > 0 && x < need {
		area = 60 * hours * (math.Sqrt(need/x) - 1)
	}
	// Requests that pile up in an outage grow as fast as any leak, and drain
	// later: while less work gets done than before, or none knows, wait.
	least := leastHours
	if r >= huge {
		least = soonHours
	}
	if !v.load || v.slack(h.at, mult, src, base) {
		least = outageHours
	}
	if hours < least && r < runaway {
		f.wait = max(area, 60*(least-hours))
		return f
	}
	if !v.load && r < beyondMorning && hours < past.morning() {
		f.wait = max(area, 60*(past.morning()-hours))
		return f
	}
	half := m / 2
	s1, q1 := slope(y[h.at:h.at+half], v.t[h.at:h.at+half])
	s2, q2 := slope(y[h.at+half:n], v.t[h.at+half:n])
	slowsDown := m >= minBlocks && s2 < decelerationStop*s1
	// What began before the view is for a longer scale to judge.
	began := h.at < 2 && !whole && mult < 240
	if began || h.z < sure || m < minBlocks || r*hours < need {
		if slowsDown {
			// A line fits a filling pool badly, so that z is small in the view
			// that shows all of it; a shorter one sees only its end, as a line.
			f.status, f.gate = Provisional, GateSaturating
			return f
		}
		f.wait = max(area, float64(minBlocks-m)*mult)
		if f.wait == 0 && h.z < sure {
			f.gate = GateUncertain
		}
		return f
	}
	// Saturation
	sd := h.sd * math.Sqrt((1+h.rho)/(1-h.rho))
	lower := (s2 - curvature*sd/math.Sqrt(q2)) / (max(s1, 0) + curvature*sd/math.Sqrt(q1))
	end, tau := math.Inf(1), math.Inf(1)
	if lower < 0.999 {
		tau = 0
		end = f.grown
		if lower > 0.01 {
			tau = -hours / (2 * math.Log(lower))
			end = f.grown / (1 - math.Exp(-hours/tau))
		}
	}
	f.ends = f.level + end
	k := float64(poolSize)
	if whole && v.t[h.at] < 0.1*v.t[n-1] {
		k = poolSizeAtStart
	}
	if slowsDown || end < k*f.level && tau < slowestPool {
		f.status, f.gate = Provisional, GateSaturating
		return f
	}
	f.status, f.gate = Leaking, GateNone
	return f
}

// rises are the largest rises of y that do not overlap, each over so many
// blocks, the largest first.
func rises(y []float64, wide int) (up [3]float64) {
	var taken [maxBlocks]bool // the blocks in which one ends
	for k := range up {
		at := -1
		for i := wide; i < len(y); i++ {
			if d := y[i] - y[i-wide]; d > up[k] && !taken[i] {
				up[k], at = d, i
			}
		}
		if at < 0 {
			break
		}
		for i := max(0, at-wide+1); i < min(len(y), at+wide); i++ {
			taken[i] = true
		}
	}
	return up
}
