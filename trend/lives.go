package trend

import (
	"cmp"
	"math"
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// life is what the whole of one process's samples says: frequent deploys and
// short-lived pods leak too little each to be told from noise, but all of
// them do.
type life struct {
	first, last int64   // ms
	slope, se   float64 // goroutines per base block over the second part of its life
	early       float64 // slope over the part before
	level       float64 // floor at its begin
}

// maxLives is how many lives a service remembers.
const maxLives = 48

// live sums up a segment; ok is false while it is too short.
func (g *segment) live(base int64) (l life, ok bool) {
	const least = 12
	var v view
	for k := 1; k <= 3; k++ {
		r := &g.rings[k]
		if k < 3 && r.len() == int(r.cap) {
			continue // has forgotten its begin
		}
		g.view(k, &v, g.born(k, base))
		mult := float64(scales[k].mult)
		if v.n < least || v.t[v.n-1]*mult < 60 {
			return life{}, false
		}
		// Pools fill and caches warm in the first part: it says nothing.
		from, mid := v.n/4, v.n/4+(v.n-v.n/4)/2
		h, ok := v.trendFrom(from)
		if !ok {
			return life{}, false
		}
		var y [maxBlocks]float64
		for i := range v.n {
			y[i] = v.x[i]
			if v.load {
				y[i] -= h.b * v.l[i]
			}
		}
		s1, _ := stat.Slope(y[from:mid], v.t[from:mid])
		return life{first: g.first, last: g.last, slope: h.s / mult, se: h.se / mult, early: s1 / mult, level: v.x[0]}, true
	}
	return life{}, false
}

// trendFrom fits x = a + b·load + s·t to the blocks from an index on.
func (v *view) trendFrom(from int) (h hinge, ok bool) {
	n := v.n - from
	if n < 8 {
		return h, false
	}
	var part view
	part.n, part.load = n, v.load
	copy(part.x[:], v.x[from:v.n])
	copy(part.l[:], v.l[from:v.n])
	copy(part.t[:], v.t[from:v.n])
	return part.line()
}

// line is the fit with the onset at the first block, of either sign.
func (v *view) line() (h hinge, ok bool) {
	fn := float64(v.n)
	var mx, ml, mt float64
	for i := range v.n {
		mx += v.x[i] / fn
		mt += v.t[i] / fn
		if v.load {
			ml += v.l[i] / fn
		}
	}
	limit := math.Inf(1)
	var sxx, sll, stt, slx, stx, slt float64
	for i := range v.n {
		x, t, l := v.x[i]-mx, v.t[i]-mt, 0.0
		if v.load {
			l = v.l[i] - ml
			if v.l[i] > 0 {
				limit = min(limit, v.x[i]/v.l[i])
			}
		}
		sxx += x * x
		stt += t * t
		sll += l * l
		slx += l * x
		stx += t * x
		slt += l * t
	}
	if stt == 0 {
		return h, false
	}
	free := stt
	if det := sll*stt - slt*slt; v.load && sll > 1e-6*fn*ml*ml && det > 1e-6*sll*stt {
		b := (slx*stt - stx*slt) / det
		h.b = max(0, min(limit, b))
		if h.b == b {
			free -= slt * slt / sll
		}
	}
	h.s = (stx - h.b*slt) / stt
	sse := max(0, sxx+h.b*h.b*sll+h.s*h.s*stt-2*h.b*slx-2*h.s*stx+2*h.b*h.s*slt)
	h.sd = math.Sqrt(sse/(fn-2) + 0.25)
	h.se = 2 * h.sd / math.Sqrt(max(free, 1e-9)) // 2: neighbouring blocks are alike
	return h, true
}

// bury remembers the life of a segment that has ended.
func (s *Service) bury(g *segment) {
	s.learnStart(g, true)
	s.noteEnd(g)
	if l, ok := g.live(s.base); ok {
		s.lives = append(s.lives, l)
		if len(s.lives) > maxLives {
			s.lives = slices.Delete(s.lives, 0, len(s.lives)-maxLives)
		}
	}
}

// noteEnd notes whether a process was growing when it ended: then the growth of the
// next one may be the same leak.
func (s *Service) noteEnd(g *segment) {
	best := decide(&g.found, s.base)
	switch {
	case best < 0: // too short to tell
	case !g.found[best].grows():
		s.growsFrom = 0
	case s.growsFrom == 0:
		s.growsFrom = g.found[best].onset
	}
}

// judgeLives looks for growth that the lives have in common. per is in
// goroutines per base block and instance.
func (s *Service) judgeLives() (per Interval, onset int64, t float64, gate Gate) {
	all := slices.Clone(s.lives)
	for _, in := range s.ordered {
		if l, ok := in.seg.live(s.base); ok {
			all = append(all, l)
		}
	}
	if len(all) < 5 {
		return per, 0, 0, GateTooLittle
	}
	slices.SortFunc(all, func(a, b life) int {
		return cmp.Or(cmp.Compare(a.last, b.last), cmp.Compare(a.first, b.first), cmp.Compare(a.slope, b.slope))
	})
	newest := all[len(all)-1].last
	gate = GateNoTrend
	// The latest lives, as many as make the clearest case.
	var w, ws, wss, we, wl, ups, lasted, cos, sin float64
	first := newest
	n := 0
	for _, l := range slices.Backward(all) {
		if newest-l.last > 5*1440*s.base {
			break
		}
		// A life counts by what it can tell, yet none for more than a few.
		x := 1 / (l.se*l.se + 0.01*l.level*l.level/1e6)
		length := float64(l.last-l.first) / float64(s.base)
		x = min(x, length*length/(0.0004*l.level*l.level+4))
		n++
		w += x
		ws += x * l.slope
		wss += x * l.slope * l.slope
		we += x * l.early
		wl += x * l.level
		lasted += x * length
		// The middle of the part that is judged, as an angle of the day.
		hour := 2 * math.Pi * (float64(l.last)/float64(s.base) - 0.375*length) / 1440
		cos, sin = cos+x*math.Cos(hour), sin+x*math.Sin(hour)
		if l.slope > 0 {
			ups += x
		}
		first = min(first, l.first)
		if n < 5 || newest-first < 1440*s.base {
			continue
		}
		mean := ws / w
		spread := math.Sqrt(max(0, wss/w-mean*mean) / (float64(n) - 1))
		z := mean / max(spread, 1/math.Sqrt(w), 1e-12)
		grown, level := mean*lasted/w, wl/w
		switch {
		case z < 4 || ups < 0.85*w || z <= t:
			continue
		case grown < max(8, 0.1*level):
			gate = GateTooSmall
			continue
		case mean < 0.7*we/w:
			gate = GateSaturating
			continue
		case lasted/w < sameHourLength && math.Hypot(cos, sin) > sameHours*w:
			gate = GateDailyCycle // all of them grew at the same time of the day
			continue
		}
		t, onset = z, first
		half := math.Hypot(2.3*spread, 1.96*loadShare*mean)
		per = Interval{mean, mean - half, mean + half}
	}
	return per, onset, t, gate
}
