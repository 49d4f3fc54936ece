package trend

import (
	"math"
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/odds"
	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// judgeScale judges the blocks of one scale. On the long scales it judges them a second time
// without short peaks, such as those of outages, and returns the more confident finding.
func (s *Service) judgeScale(src source, k int) finding {
	var v view
	src.view(k, &v, s.base)
	length := s.base * int64(scales[k].mult)
	whole := v.t0-src.born()/length < 2
	j := judgement{service: s, src: src, mult: float64(scales[k].mult), whole: whole}
	plain := v
	f := j.assess(&v)
	if k >= inherited && f.n >= enough && f.status != Leaking {
		plain.despike()
		if g := j.assess(&plain); g.confidence > f.confidence {
			f = g
		}
	}
	f.onset = (v.t0 + f.onset) * length
	return f
}

// judgement is what the assessment of a view depends on besides its blocks.
type judgement struct {
	service *Service
	src     source
	mult    float64 // length of a block in base blocks
	whole   bool    // the view begins with the first sample of the process
}

// despike replaces each floor with the median of itself and its neighbours, five in all.
func (v *view) despike() {
	var y [maxBlocks]float64
	for i := range v.n {
		lo, hi := max(0, i-2), min(v.n, i+3)
		var five [5]float64
		near := five[:copy(five[:], v.x[lo:hi])]
		slices.Sort(near)
		y[i] = near[len(near)/2]
	}
	v.x = y
}

// assess looks for growth that the load does not explain, and weighs what may be behind it.
func (j *judgement) assess(v *view) finding {
	f := finding{n: v.n}
	if v.n < enough {
		return f
	}
	f.status, f.gate = Quiet, GateTooSmall
	n := v.n
	now, low := min(v.x[n-1], v.x[n-2]), slices.Min(v.x[:n])
	if now-low < LeastGrowth(low) {
		return f
	}
	v.capLoad(j.src)
	h, ok := j.fit(v)
	if !ok {
		f.gate = GateNoTrend
		return f
	}
	f.take(v, &h)
	if h.z < likely {
		f.gate = GateNoTrend
		if h.b > 0 {
			f.gate = GateFollowsLoad
		}
		return f
	}
	var y [maxBlocks]float64
	v.withoutLoad(&h, &y)
	if f.gate = shapeGate(y[h.at:n], &f, j.mult); f.gate != GateNone {
		return f
	}
	explained := j.explained(v, h.at)
	if now-explained < unexplained*f.grown {
		f.status, f.gate = Suspicious, GateFollowsLoad
		return f
	}
	j.weigh(v, &h, &f, y[:n], min(f.grown, now-explained)/(max(explained, f.level, v.usual(h.at))+odds.SmallService))
	return f
}

// fit fits the hinge. The days before the onset bound the load's part of it, so that the growth
// itself cannot distort that part.
func (j *judgement) fit(v *view) (h hinge, ok bool) {
	h, ok = v.fit(enough, 0, math.Inf(1))
	if !ok || !v.load {
		return h, ok
	}
	if lo, hi, ok := loadSlope(j.src, (float64(v.t0)+v.t[h.at])*j.mult); ok && (h.b < lo || h.b > hi) {
		if g, ok := v.fit(enough, lo, hi); ok {
			return g, true
		}
	}
	return h, true
}

// take copies the fit to the finding.
func (f *finding) take(v *view, h *hinge) {
	last := v.n - 1
	load := 0.0
	f.z, f.slope = h.z, Interval{h.s, h.s - 1.96*h.se, h.s + 1.96*h.se}
	if v.load {
		load = v.l[last]
		// Leaked goroutines may cause work themselves, so what the fit ascribes to the growth
		// of the load since the onset may be theirs.
		own, _ := stat.Slope(v.l[h.at:v.n], v.t[h.at:v.n])
		f.slope.High += h.b * max(0, own)
	}
	f.onset = int64(v.t[h.at])
	f.grown = h.s * (v.t[last] - v.t[h.at])
	f.level = max(1, h.a+h.b*load)
	f.blocks, f.b = v.n-h.at, h.b
}

// withoutLoad sets y to what the floors would have been under the present load.
func (v *view) withoutLoad(h *hinge, y *[maxBlocks]float64) {
	for i := range v.n {
		y[i] = v.x[i]
		if v.load {
			y[i] -= h.b * (v.l[i] - v.l[v.n-1])
		}
	}
}

// shapeGate names the shape that rules out a leak: the rise is within the noise, much of it fell
// back, or it came in a few steps. y are the floors since the onset at the present load, and mult
// is the length of a block in base blocks.
func shapeGate(y []float64, f *finding, mult float64) Gate {
	top, down := y[0], 0.0
	for _, x := range y {
		top = max(top, x)
		down = max(down, top-x)
	}
	wide := 1
	if mult > float64(scales[longestMinimum].mult) {
		wide = 2 // a step in the middle of a block of means is spread over two
	}
	up := stat.Rises(y, wide)
	switch {
	case f.grown < LeastGrowth(f.level):
		return GateTooSmall
	case down > blockDrawdown*f.grown:
		return GateCameBack
	case up[0] > oneStep*f.grown, up[0]+up[1] > twoSteps*f.grown, up[0]+up[1]+up[2] > threeSteps*f.grown:
		return GateOneStep
	}
	return GateNone
}

// explained is the highest present floor that the load may account for, judging by the blocks
// before the onset and by the days before.
func (j *judgement) explained(v *view, onset int) float64 {
	explained := v.explained(onset, j.mult)
	end := (float64(v.t0) + v.t[v.n-1] + 1) * j.mult
	past := j.src.lookBack((float64(v.t0)+v.t[onset])*j.mult, end, v.lately(j.mult), v.top(onset, j.mult), j.service.base)
	if past.ok {
		explained = min(explained, past.byLoad*v.relativeTo(&past, onset))
		explained = max(explained, past.byTime)
	}
	return explained
}

// weigh sets the status by the confidence that the rise is a leak. y are the floors at the
// present load, and ratio is their gain relative to what ran before.
func (j *judgement) weigh(v *view, h *hinge, f *finding, y []float64, ratio float64) {
	n, s := v.n, j.service
	f.status, f.gate = Suspicious, GateTooShort
	r := odds.Rise{Hours: (v.t[n-1] - v.t[h.at]) * j.mult / 60, Ratio: ratio, Z: h.z, Pace: v.pace(h, y)}
	r.Steady = v.load && !v.slack(h.at, j.mult, j.src, s.base)
	known := j.expect(v, h.at, y)
	confidence, other := odds.Weigh(r, &known)
	f.confidence, f.weighed, f.rise, f.known = confidence, true, r, known
	began := h.at < 2 && !j.whole && j.mult < float64(scales[nScales-1].mult)
	switch {
	case began:
		// The rise is older than this view. A longer scale shows when it began.
		f.earlier = true
		f.confidence = min(confidence, s.below())
	case confidence >= s.opt.MinConfidence:
		f.status, f.gate = Leaking, GateNone
		return
	}
	if confidence < s.opt.MinConfidence {
		f.gate = gateOf(other)
		f.wait = max(0, odds.Until(r, &known, s.opt.MinConfidence)*60-j.mult) // the block in progress counts
	}
	if f.gate == GateSaturating || f.gate == GateWarmingUp {
		f.status = Provisional
	}
}

// pace compares the parts of the growth since the onset. Each part gets a line of its own, so
// that a bend between two of them does not count as noise.
func (v *view) pace(h *hinge, y []float64) (p odds.Pace) {
	m := v.n - h.at
	p.N = min(odds.Parts, max(2, m/5))
	load := 0.0
	if v.load {
		load = v.mean(h.at, v.n)
	}
	var sxx, length [odds.Parts]float64
	var sse, lag float64
	for i := range p.N {
		from, to := h.at+i*m/p.N, h.at+(i+1)*m/p.N
		var s float64
		s, sxx[i] = stat.Slope(y[from:to], v.t[from:to])
		length[i] = max(1, v.t[to-1]-v.t[from])
		p.Ratio[i] = s / h.s
		p.Work[i] = 1
		if load > 0 {
			p.Work[i] = v.mean(from, to) / load
		}
		rest, next := stat.Scatter(y[from:to], v.t[from:to], s)
		sse, lag = sse+rest, lag+next
	}
	free := max(1, float64(m-2*p.N))
	// Neighbouring blocks are correlated. Few blocks show too little of it, hence 2/m.
	rho := max(0, min(0.9, lag/max(sse, 1e-9)+2/float64(m)))
	noise := (sse/free + 0.25) * (1 + rho) / (1 - rho)
	for i := range p.N {
		// The growth scatters too, like a Poisson process at best.
		p.SD[i] = max(odds.LeastPace, math.Sqrt(noise/sxx[i]+1.2*h.s/length[i])/h.s)
	}
	if p.N > 2 {
		p.DropFirst() // a straight line fits the beginning badly
	}
	return p
}
