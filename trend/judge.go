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
}

var rank = map[Status]int{Quiet: 0, Suspicious: 1, Provisional: 2, Plateaued: 3, Leaking: 4}

func (s *Service) judge() Verdict {
	v := Verdict{Status: Quiet, Gate: GateTooLittle}
	for _, in := range s.ordered {
		g := in.seg
		for k := range nScales {
			if g.judged[k] != g.pushed[k] {
				g.judged[k] = g.pushed[k]
				g.found[k].update(judgeScale(source{one: g}, k, s.base))
			}
		}
		best := decide(&g.found)
		if best < 0 {
			continue
		}
		f := &g.found[best]
		if f.status == Quiet {
			if v.Status == Quiet {
				v.Gate = f.gate
			}
			continue
		}
		v.Instances = append(v.Instances, s.trend(in, f, best))
		if rank[f.status] > rank[v.Status] {
			v.Status, v.Gate, v.Z, v.Scale = f.status, f.gate, f.z, s.length(best)
		}
	}
	for _, it := range v.Instances {
		v.Rate.Value += it.Rate.Value
		v.Rate.Low += it.Rate.Low
		v.Rate.High += it.Rate.High
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

func (s *Service) length(k int) time.Duration {
	return time.Duration(s.base*int64(scales[k].mult)) * time.Millisecond
}

func (s *Service) trend(in *instance, f *finding, k int) InstanceTrend {
	g := in.seg
	return InstanceTrend{
		Instance: in.name, Onset: msTime(f.onset), Count: float64(g.count), Floor: g.floorNow(),
		Rate: f.slope.hourly(s.length(k)), Leaked: max(0, f.grown),
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
			p.judged[k], p.found[k] = 0, finding{} // a member has just restarted
		} else if last != p.judged[k] {
			p.judged[k] = last
			p.found[k].update(judgeScale(source{all: p}, k, s.base))
		}
	}
	best := decide(&p.found)
	if best < 0 || rank[p.found[best].status] <= rank[v.Status] {
		return
	}
	f := &p.found[best]
	v.Status, v.Gate, v.Z, v.Scale = f.status, f.gate, f.z, s.length(best)
	v.Rate, v.Onset, v.Leaked = f.slope.hourly(s.length(best)), msTime(f.onset), f.grown
	v.Instances = nil
	for _, in := range s.ordered {
		if own := &in.seg.found[best]; slices.Contains(p.members, in.seg) && own.z > 2 && own.grown > 0 {
			v.Instances = append(v.Instances, s.trend(in, own, best))
		}
	}
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
		s.fromLives = Verdict{Status: Quiet}
		if per, onset, t, gate := s.judgeLives(); gate != GateTooLittle && t > 0 {
			f := Verdict{Status: Suspicious, Gate: GateTooLittle, Onset: msTime(onset), Scale: s.length(3), Z: t}
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
			s.fromLives = f
		}
	}
	if rank[s.fromLives.Status] > rank[v.Status] {
		*v = s.fromLives
		v.Instances = slices.Clone(v.Instances)
	}
}

// decide picks the scale whose finding counts, -1: none has enough blocks.
// A longer scale that sees a pool fill up overrules a shorter one, unless
// the growth is beyond all measure.
func decide(found *[nScales]finding) int {
	best := -1
	for k := range found {
		f := &found[k]
		if f.status == "" {
			continue
		}
		if best < 0 || rank[f.status] > rank[found[best].status] ||
			f.status == Provisional && found[best].status == Leaking && f.blocks >= 10 && found[best].grown < huge*found[best].level {
			best = k
		}
	}
	return best
}

// view collects the valid blocks of one scale.
func (g *segment) view(k int, v *view) { v.fill(&g.rings[k]) }

func (v *view) fill(r *ring) {
	v.n = 0
	unknown := 0
	for i := range r.len() {
		b := r.at(i)
		if !b.valid() {
			continue
		}
		if v.n == 0 {
			v.t0 = r.number(i)
		}
		v.x[v.n], v.l[v.n], v.t[v.n] = float64(b.floor), float64(b.load), float64(r.number(i)-v.t0)
		if b.load != b.load {
			unknown++
		}
		v.n++
	}
	v.dropUnknown(unknown)
}

// dropUnknown does without the blocks without a load, if they are few, and
// without the load, if they are many.
func (v *view) dropUnknown(unknown int) {
	v.load = unknown*5 < v.n
	if v.load && unknown > 0 {
		n := 0
		for i := range v.n {
			if l := v.l[i]; l == l {
				v.x[n], v.l[n], v.t[n] = v.x[i], l, v.t[i]
				n++
			}
		}
		v.n = n
	}
}

// source has blocks: a segment, or several as one. It is no interface so
// that views can live on the stack.
type source struct {
	one *segment
	all *pool // if one is nil
}

func (s source) view(k int, v *view) {
	if s.one != nil {
		s.one.view(k, v)
		return
	}
	s.all.view(k, v)
}

// born is when the first sample of the process was taken, ms.
func (s source) born() int64 {
	if s.one != nil {
		return s.one.first
	}
	return s.all.born()
}

func judgeScale(src source, k int, base int64) finding {
	var v view
	src.view(k, &v)
	length := base * int64(scales[k].mult)
	f := v.assess(float64(scales[k].mult), v.t0-src.born()/length < 2, src)
	f.onset = (v.t0 + f.onset) * length
	return f
}

// assess tests the blocks for growth that the load does not explain. mult is
// the length of a block in base blocks; whole tells that the view begins with
// the process.
func (v *view) assess(mult float64, whole bool, past source) finding {
	f := finding{n: v.n}
	if v.n < 10 {
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
	h, ok := v.fit(6, 0, math.Inf(1))
	if !ok {
		f.gate = GateNoTrend
		return f
	}
	if v.load {
		// What the days before say of the load's part is not to be bent by the growth.
		if lo, hi, ok := loadSlope(past, (float64(v.t0)+v.t[h.at])*mult); ok && (h.b < lo || h.b > hi) {
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
	f.onset = int64(v.t[h.at])
	f.grown = h.s * (v.t[n-1] - v.t[h.at])
	f.level = max(1, h.a+h.b*load)
	f.blocks, f.b = m, h.b
	var y [maxBlocks]float64
	for i := range n {
		y[i] = v.x[i]
		if v.load {
			y[i] -= h.b * (v.l[i] - load)
		}
	}
	grown := y[h.at:n]
	top, down, step, second := grown[0], 0.0, 0.0, 0.0
	for i := range grown {
		top = max(top, grown[i])
		down = max(down, top-grown[i])
		if i > 0 {
			up := grown[i] - grown[i-1]
			second = max(second, min(step, up))
			step = max(step, up)
		}
	}
	if h.z < likely {
		f.gate = GateNoTrend
		if h.b > 0 {
			f.gate = GateFollowsLoad
		}
		return f
	}
	switch {
	case f.grown < max(leastGrowth, leastShare*f.level, noiseMultiple*h.sd):
		f.gate = GateTooSmall
		return f
	case down > blockDrawdown*f.grown:
		f.gate = GateCameBack
		return f
	case step > largestStep*f.grown, step+second > largestSteps*f.grown:
		f.gate = GateOneStep
		return f
	}
	f.status, f.gate = Suspicious, GateTooLittle
	explained, ratio := v.explained(h.at, mult)
	end := (float64(v.t0) + v.t[n-1] + 1) * mult
	byLoad, byTime, known := seen(past, (float64(v.t0)+v.t[h.at])*mult, end, v.lately(mult), v.top(h.at, mult))
	if known {
		if byLoad < explained {
			explained, ratio = byLoad, 1
		}
		explained = max(explained, byTime)
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
			f.gate = GateFollowsLoad
			return f
		}
	}
	// Requests that pile up in an outage grow as fast as any leak, and drain
	// later: while less work gets done than before, or none knows, wait.
	least := leastHours
	if !v.load || v.slack(h.at) {
		least = outageHours
	}
	if hours < least && r < runaway {
		return f
	}
	if !v.load && !known && r < 8 && hours < 36 {
		return f
	}
	if h.at < 2 && !whole && mult < 240 {
		return f // it began before the view: for a longer scale to judge
	}
	if h.z < sure || m < 10 || r*hours < need {
		return f
	}
	// Saturation
	half := m / 2
	s1, q1 := slope(y[h.at:h.at+half], v.t[h.at:h.at+half])
	s2, q2 := slope(y[h.at+half:n], v.t[h.at+half:n])
	sd := h.sd * math.Sqrt((1+h.rho)/(1-h.rho))
	lower := (s2 - curvatureSure*sd/math.Sqrt(q2)) / (max(s1, 0) + curvatureSure*sd/math.Sqrt(q1))
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
	if s2 < decelerationStop*s1 || end < k*f.level && tau < slowestPool {
		f.status, f.gate = Provisional, GateSaturating
		return f
	}
	f.status, f.gate = Leaking, GateNone
	return f
}

// explained is the largest floor of now that the blocks before the onset
// allow for without growth. Goroutines grow at most in proportion to the
// load, and may lag behind it (connections are held for hours). ratio is how
// much higher the load was of late than before the onset.
func (v *view) explained(onset int, mult float64) (level, ratio float64) {
	lo, hi := max(0, onset-max(12, v.n-onset)), onset+1
	if hi-lo < 3 {
		hi = lo + 3
	}
	top := v.top(onset, mult)
	var x, q [maxBlocks]float64
	n := 0
	for i := lo; i < hi; i++ {
		x[n], q[n] = v.x[i], 1
		if v.load && v.l[i] > 0 {
			q[n] = top / v.l[i]
			x[n] *= max(1, math.Pow(q[n], elasticity))
		}
		n++
	}
	slices.Sort(x[:n])
	slices.Sort(q[:n])
	return x[n/2], q[n/2]
}

// lately is the mean load of the latest 60 base blocks.
func (v *view) lately(mult float64) float64 {
	var sum, n float64
	for i := v.n - 1; i >= 0 && (n == 0 || (v.t[v.n-1]-v.t[i])*mult < 60); i-- {
		sum += v.l[i]
		n++
	}
	return sum / n
}

// seen is the largest floor that what the segment did before the onset
// explains: at that load, at that time of the day. Times are in base blocks.
// It needs a day of history.
func seen(src source, onset, now, load, top float64) (byLoad, byTime float64, ok bool) {
	const day = 1440
	byLoad = math.Inf(1)
	var v view
	var x, l, alike [maxBlocks]float64
	for k := 3; k <= 4; k++ {
		src.view(k, &v)
		mult := float64(scales[k].mult)
		n, same := 0, 0
		byTime = 0
		for i := range v.n {
			at := (float64(v.t0) + v.t[i]) * mult
			if at+mult > onset {
				break
			}
			x[n], l[n] = v.x[i], v.l[i]
			if load > 0 && l[n] >= 0.9*load && l[n] <= 1.25*load {
				alike[same] = x[n]
				same++
			}
			if d := math.Mod(now-at-mult/2, day); min(d, day-d) <= 120+mult/2 {
				byTime = max(byTime, x[n])
			}
			n++
		}
		if float64(n)*mult < historyHours*60 {
			continue
		}
		if !(load > 0) {
			return byLoad, byTime, true
		}
		if same >= 3 {
			slices.Sort(alike[:same])
			byLoad = alike[int(0.9*float64(same-1)+0.5)]
		}
		a, b, sd := affine(x[:n], l[:n])
		byLoad = min(byLoad, a+b*max(load, top)+2*sd)
		return byLoad, byTime, true
	}
	return byLoad, 0, false
}

// affine fits x = a + b·l with a, b ≥ 0 and returns the steepest b that the
// scatter allows for.
func affine(x, l []float64) (a, b, sd float64) {
	var mx, ml, sll, slx, sxx float64
	n := 0.0
	limit := math.Inf(1)
	for i := range x {
		if l[i] > 0 {
			mx += x[i]
			ml += l[i]
			n++
			limit = min(limit, x[i]/l[i])
		}
	}
	if n < 4 {
		return 0, math.Inf(1), 0
	}
	mx /= n
	ml /= n
	for i := range x {
		if l[i] > 0 {
			sll += (l[i] - ml) * (l[i] - ml)
			slx += (l[i] - ml) * (x[i] - mx)
			sxx += (x[i] - mx) * (x[i] - mx)
		}
	}
	b = max(0, slx/max(sll, 1e-12))
	sd = math.Sqrt(max(0, sxx-b*slx)/n) + 0.5
	b = min(limit, b*slopeMargin+2*sd/math.Sqrt(max(sll, 1e-12))*2)
	return mx - b*ml, b, sd
}

// top is the highest load since the onset, of the latest hours.
func (v *view) top(onset int, mult float64) (top float64) {
	if v.load {
		for i := v.n - 1; i >= 0 && (v.t[v.n-1]-v.t[i])*mult <= lagBlocks && i > onset || i >= v.n-2; i-- {
			top = max(top, v.l[i])
		}
	}
	return top
}

// loadSlope bounds the goroutines for a unit of load by the days before the
// onset, which is in base blocks.
func loadSlope(src source, onset float64) (low, high float64, ok bool) {
	var v view
	for k := 3; k <= 4; k++ {
		src.view(k, &v)
		mult := float64(scales[k].mult)
		var n, mx, ml, sxx, sll, slx float64
		for i := range v.n {
			if !v.load || (float64(v.t0)+v.t[i]+1)*mult > onset {
				break
			}
			// Welford
			n++
			dx, dl := v.x[i]-mx, v.l[i]-ml
			mx += dx / n
			ml += dl / n
			sxx += dx * (v.x[i] - mx)
			sll += dl * (v.l[i] - ml)
			slx += dl * (v.x[i] - mx)
		}
		if n*mult < historyHours*60 || n < 6 || sll < 1e-4*n*ml*ml {
			continue
		}
		b := slx / sll
		se := math.Sqrt(max(0, sxx-b*slx)/n+0.25) / math.Sqrt(sll) * 2 // for autocorrelation
		return max(0, b-3*se-0.1*b), max(0, b+3*se+0.1*b), true
	}
	return 0, 0, false
}

// update takes the newest finding. Unless the growth is large, all gates must
// have let it pass several times in a row.
func (f *finding) update(now finding) {
	if now.status == Leaking {
		now.passed = f.passed + 1
		if now.passed < persistence && now.grown < huge*now.level {
			now.status, now.gate = Suspicious, GateTooLittle
		}
	}
	*f = now
}

// slack tells whether clearly less work was done since the onset than just
// before.
func (v *view) slack(onset int) bool {
	var before, after, nb, na float64
	for i := max(0, onset-max(6, (v.n-onset)/2)); i < v.n; i++ {
		if i <= onset {
			before += v.l[i]
			nb++
		} else {
			after += v.l[i]
			na++
		}
	}
	return na > 0 && after/na < outageLoad*before/nb
}
