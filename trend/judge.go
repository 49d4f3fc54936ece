package trend

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// finding is what one scale of one segment says.
type finding struct {
	status Status
	gate   Gate
	z      float64
	slope  Interval // goroutines per block
	onset  int64    // ms
	base   float64  // floor before the onset
	grown  float64
}

var rank = map[Status]int{Quiet: 0, Suspicious: 1, Provisional: 2, Plateaued: 3, Leaking: 4}

func (s *Service) judge() Verdict {
	v := Verdict{Status: Quiet, Gate: GateTooLittle}
	perHour := float64(time.Hour.Milliseconds())
	for _, in := range s.instances {
		g := in.seg
		best := -1
		for k := range nScales {
			if g.judged[k] != g.pushed[k] {
				g.judged[k] = g.pushed[k]
				g.found[k] = g.judgeScale(k, s.base)
			}
			f := &g.found[k]
			if f.status == "" {
				continue
			}
			if best < 0 || rank[f.status] > rank[g.found[best].status] {
				best = k
			}
		}
		if best < 0 {
			continue
		}
		f := g.found[best]
		if f.status == Quiet {
			if v.Status == Quiet {
				v.Gate = f.gate
			}
			continue
		}
		length := float64(s.base) * float64(scales[best].mult)
		it := InstanceTrend{Instance: in.name, Onset: msTime(f.onset), Count: float64(g.count), Floor: g.floorNow(),
			Rate: Interval{f.slope.Value * perHour / length, f.slope.Low * perHour / length, f.slope.High * perHour / length}}
		it.Leaked = max(0, it.Floor-f.base)
		v.Instances = append(v.Instances, it)
		if rank[f.status] > rank[v.Status] {
			v.Status, v.Gate, v.Z, v.Scale = f.status, f.gate, f.z, time.Duration(length)*time.Millisecond
		}
	}
	slices.SortFunc(v.Instances, func(a, b InstanceTrend) int {
		return cmp.Or(cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.Instance, b.Instance))
	})
	for _, it := range v.Instances {
		v.Rate.Value += it.Rate.Value
		v.Rate.Low += it.Rate.Low
		v.Rate.High += it.Rate.High
		v.Leaked += it.Leaked
		if v.Onset.IsZero() || it.Onset.Before(v.Onset) {
			v.Onset = it.Onset
		}
	}
	return v
}

// judgeScale tests the blocks of one scale for growth that the load does not
// explain: Kendall's S over the pairs in which the later floor is above (or
// below) what the change of the load allows for.
func (g *segment) judgeScale(k int, base int64) finding {
	r := &g.rings[k]
	var x, l [80]float64
	var at [80]int64
	n := 0
	for i := range r.len() {
		if b := r.at(i); b.valid() {
			x[n], l[n], at[n] = float64(b.floor), float64(b.load), r.number(i)
			n++
		}
	}
	if n < 12 {
		return finding{}
	}
	var s, pairs float64
	slopes := make([]float64, 0, n*(n-1)/2)
	for i := range n {
		for j := i + 1; j < n; j++ {
			ratio := 1.0
			if l[i] > 0 && l[j] > 0 {
				ratio = l[j] / l[i]
			}
			pairs++
			switch {
			case x[j] > x[i]*max(1, 1.03*ratio):
				s++
			case x[j] < x[i]*min(1, ratio/1.03):
				s--
			}
			slopes = append(slopes, (x[j]-x[i])/float64(at[j]-at[i]))
		}
	}
	fn := float64(n)
	f := finding{status: Quiet, gate: GateNoTrend, z: s / math.Sqrt(fn*(fn-1)*(2*fn+5)/18)}
	slices.Sort(slopes)
	slope := slopes[len(slopes)/2]
	width := 1.96 * math.Sqrt(fn*(fn-1)*(2*fn+5)/18) / 2
	mid := float64(len(slopes)) / 2
	f.slope = Interval{slope, slopes[max(0, int(mid-2*width))], slopes[min(len(slopes)-1, int(mid+2*width))]}
	if s/pairs < 0.5 || slope <= 0 {
		if slope > 0 && s/pairs > 0 {
			f.gate = GateFollowsLoad
		}
		return f
	}
	// The growth starts at the last block from which all stay above.
	start := 0
	for i := range n {
		if x[i] <= x[start] {
			start = i
		}
	}
	f.base = x[start]
	f.onset = at[start] * base * int64(scales[k].mult)
	f.grown = x[n-1] - x[start]
	m := n - start
	var noise float64
	for i := start + 1; i < n; i++ {
		noise = max(noise, x[i-1]-x[i])
	}
	step := 0.0
	for i := start + 1; i < n; i++ {
		step = max(step, x[i]-x[i-1])
	}
	half := x[start+m/2] - x[start]
	switch {
	case m < 10:
		f.gate = GateTooLittle
		return f
	case f.grown < max(10, 0.1*f.base, 3*noise):
		f.gate = GateTooSmall
		return f
	case step > 0.45*f.grown:
		f.gate = GateOneStep
		return f
	case f.grown-half < 0.6*half:
		f.gate = GateSaturating
		return f
	}
	f.status, f.gate = Suspicious, GateTooLittle
	if k > 0 && f.grown >= max(100, 2*f.base) || k > 1 && f.grown >= max(40, 0.5*f.base) || k > 2 {
		f.status, f.gate = Leaking, GateNone
	}
	return f
}
