package trend

import (
	"math"
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// explained is the present floor to expect without growth, from the blocks before the onset: their
// median, raised in proportion to the load. Goroutines grow at most in that proportion, and may
// lag behind the load, because connections can stay open for hours.
func (v *view) explained(onset int, mult float64) float64 {
	lo, hi := v.before(onset)
	top := v.top(onset, mult)
	var x [maxBlocks]float64
	n := 0
	for i := lo; i < hi; i++ {
		x[n] = v.x[i]
		if v.load && v.l[i] > 0 {
			x[n] *= max(1, top/v.l[i])
		}
		n++
	}
	slices.Sort(x[:n])
	return x[n/2]
}

// before returns the range of blocks that show what ran before the onset.
func (v *view) before(onset int) (lo, hi int) {
	lo, hi = max(0, onset-max(12, v.n-onset)), onset+1
	if hi-lo < 3 {
		hi = lo + 3
	}
	return lo, hi
}

// usual is the median floor before the onset.
func (v *view) usual(onset int) float64 {
	lo, hi := v.before(onset)
	x := slices.Clone(v.x[lo:hi])
	slices.Sort(x)
	return x[len(x)/2]
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

// past is what the blocks before the onset say about the present floor.
type past struct {
	byLoad    float64 // the highest floor to expect at the present load, +Inf: unknown
	byTime    float64 // the highest floor of this process at the same time of day
	a, b      float64 // floor = a + b·load
	inherited bool    // some of the blocks are from earlier processes
	ok        bool    // there are at least historyHours of blocks
}

// lookBack returns what the blocks before the onset say about the floor at the time now under a
// load. top is the highest load since the onset. Times are in base blocks.
func (s source) lookBack(onset, now, load, top float64, base int64) (p past) {
	const day = 1440
	p.byLoad = math.Inf(1)
	born := float64(s.born() / base)
	var v view
	var x, l, alike [maxBlocks]float64
	for k := inherited; k < nScales; k++ {
		s.history(k, &v)
		mult := float64(scales[k].mult)
		n, same := 0, 0
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
			if at < born {
				p.inherited = p.inherited || !p.ok
			} else if d := math.Mod(now-at-mult/2, day); min(d, day-d) <= 120+mult/2 {
				p.byTime = max(p.byTime, x[n])
			}
			n++
		}
		if p.ok || float64(n)*mult < historyHours*60 {
			continue
		}
		p.ok = true
		if !(load > 0) {
			continue
		}
		if same >= 3 {
			slices.Sort(alike[:same])
			p.byLoad = alike[int(0.9*float64(same-1)+0.5)]
		}
		var sd float64
		p.a, p.b, sd = stat.Affine(x[:n], l[:n])
		p.byLoad = min(p.byLoad, p.a+p.b*max(load, top)+2*sd)
	}
	return p
}

// relativeTo returns how many times as many goroutines this process ran before the onset as the
// processes before it would have at the same load; at least 1.
func (v *view) relativeTo(p *past, onset int) float64 {
	if !p.inherited || !v.load {
		return 1
	}
	lo, hi := v.before(onset)
	var q [maxBlocks]float64
	for i := lo; i < hi; i++ {
		q[i-lo] = v.x[i] / max(1, p.a+p.b*v.l[i])
	}
	slices.Sort(q[:hi-lo])
	return max(1, q[(hi-lo)/2])
}

// top is the highest load of the latest lagBlocks since the onset, and of the last two blocks.
func (v *view) top(onset int, mult float64) (top float64) {
	if v.load {
		for i := v.n - 1; i >= 0 && (v.t[v.n-1]-v.t[i])*mult <= lagBlocks && i > onset || i >= v.n-2; i-- {
			top = max(top, v.l[i])
		}
	}
	return top
}

// loadSlope bounds the goroutines per unit of load, from the blocks before the onset. onset is in
// base blocks.
func loadSlope(src source, onset float64) (low, high float64, ok bool) {
	var v view
	for k := 3; k <= 4; k++ {
		src.history(k, &v)
		mult := float64(scales[k].mult)
		var n, mx, ml, sxx, sll, slx float64
		for i := range v.n {
			if !v.load || (float64(v.t0)+v.t[i]+1)*mult > onset {
				break
			}
			// Welford's update of the means and the sums of squares.
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

// slack reports whether, for most of the time since the onset, clearly less work got done than just
// before it. On shorter scales, the hour before the onset in blocks of 15 minutes counts too, if it
// was busier.
func (v *view) slack(onset int, mult float64, src source, base int64) bool {
	before := v.mean(max(0, onset-max(6, (v.n-onset)/2)), onset+1)
	const quarters = 2
	if mult < float64(scales[quarters].mult) {
		var long view
		src.view(quarters, &long, base)
		length := float64(scales[quarters].mult)
		at := (float64(v.t0) + v.t[onset]) * mult
		n := 0
		for n < long.n && (float64(long.t0)+long.t[n]+1)*length <= at {
			n++
		}
		if n > 0 && long.load {
			before = max(before, long.mean(max(0, n-4), n))
		}
	}
	n := 0
	for _, l := range v.l[onset+1 : v.n] {
		if l < outageLoad*before {
			n++
		}
	}
	return 2*n > v.n-onset-1
}

// mean is the mean load of the blocks from lo to before hi.
func (v *view) mean(lo, hi int) float64 {
	sum := 0.0
	for _, l := range v.l[lo:hi] {
		sum += l
	}
	return sum / float64(hi-lo)
}

// capLoad caps the load of the blocks at mostLoad times the load that was exceeded for three quarters
// of the past, once it has been above that for half a day. Leaked goroutines may cause work
// themselves, and without a cap that work would explain the leak away. A crowd that comes for some
// hours brings that much work, too.
func (v *view) capLoad(src source) {
	if !v.load {
		return
	}
	const longest, halfDay = nScales - 1, 3 // blocks
	var past view
	src.history(longest, &past)
	l := past.l[:past.n]
	if !past.load || past.n*scales[longest].mult < historyHours*60 {
		return
	}
	lasting := slices.Min(l[past.n-halfDay:])
	slices.Sort(l)
	most := mostLoad * l[past.n/4]
	if lasting <= most {
		return
	}
	for i := range v.n {
		v.l[i] = min(v.l[i], most)
	}
}
