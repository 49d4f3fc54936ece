package trend

import (
	"math"

	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// maxBlocks is the most blocks that a view holds.
const maxBlocks = 80

// view is the valid blocks of one scale, of one instance or of the sum of several, in time order.
type view struct {
	n    int
	x    [maxBlocks]float64 // floor
	l    [maxBlocks]float64 // load
	t    [maxBlocks]float64 // blocks since the first one
	load bool               // whether l is known
	t0   int64              // number of the first block
}

// hinge is the least-squares fit of
//
//	x = a + b·load + s·max(0, t − onset),  0 ≤ b ≤ what the smallest count at its load allows
//
// It describes a service whose goroutines depend on its load, and which from some time on grows
// in a way that the load does not explain.
type hinge struct {
	at      int     // index of the onset
	free    bool    // b is inside its bounds
	a, b, s float64 // s in goroutines per block
	se      float64 // standard error of s, with all uncertainty: for the interval of the rate
	sd      float64 // of the residuals
	rho     float64 // autocorrelation of the residuals, one block apart
	z       float64 // s over its standard error from the residuals alone
}

// fit finds the hinge with the smallest residuals among all onsets that are followed by at least
// least blocks. b stays between bLow and bHigh.
func (v *view) fit(least int, bLow, bHigh float64) (h hinge, ok bool) {
	n := v.n
	fn := float64(n)
	var mx, ml float64
	for i := range n {
		mx += v.x[i]
		ml += v.l[i]
	}
	mx /= fn
	if v.load {
		ml /= fn
	} else {
		ml = 0
	}
	// Without load, a service would still have at least 0 goroutines, so a ≥ 0.
	limit := bHigh
	var sxx, sll, slx float64
	for i := range n {
		x := v.x[i] - mx
		sxx += x * x
		if v.load {
			l := v.l[i] - ml
			sll += l * l
			slx += l * x
			if v.l[i] > 0 {
				if most := v.x[i] / v.l[i]; most < limit {
					limit = most
				}
			}
		}
	}
	bLow = min(bLow, limit)
	useLoad := v.load && sll > 1e-6*fn*ml*ml && ml > 0
	best := math.Inf(1)
	// Sums over the blocks after the onset, from the end backwards.
	var c, st, stt, slt, sl, sx, stx float64
	for o := n - 1; o >= 0; o-- {
		if n-1-o >= least {
			to := v.t[o]
			sh := st - c*to
			mh := sh / fn
			shh := stt - 2*to*st + c*to*to - fn*mh*mh
			shx := stx - to*sx // x and l are centred
			shl := slt - to*sl
			b, free := 0.0, false
			if shh > 1e-9 {
				s := shx / shh
				if useLoad {
					if det := sll*shh - shl*shl; det > 1e-9*sll*shh {
						b = (slx*shh - shx*shl) / det
						// Comparisons, because min and max take several times as long.
						switch {
						case b <= bLow:
							b = bLow
						case b >= limit:
							b = limit
						default:
							free = true
						}
						s = (shx - b*shl) / shh
					}
				}
				if s > 0 {
					sse := sxx + b*b*sll + s*s*shh - 2*b*slx - 2*s*shx + 2*b*s*shl
					if sse < best {
						best = sse
						h = hinge{at: o, b: b, s: s, free: free}
					}
				}
			}
		}
		x, l := v.x[o]-mx, 0.0
		if v.load {
			l = v.l[o] - ml
		}
		c++
		st += v.t[o]
		stt += v.t[o] * v.t[o]
		sx += x
		stx += v.t[o] * x
		sl += l
		slt += v.t[o] * l
	}
	if math.IsInf(best, 1) {
		return h, false
	}
	v.errors(&h, sll, ml)
	return h, true
}

// errors fills in the constant and the standard error of the slope.
func (v *view) errors(h *hinge, sll, ml float64) {
	n := v.n
	fn := float64(n)
	to := v.t[h.at]
	var mh, mx float64
	for i := range n {
		mh += max(0, v.t[i]-to)
		mx += v.x[i]
	}
	mh /= fn
	mx /= fn
	h.a = mx - h.b*ml - h.s*mh
	var shh, shl, sse, lag, prev float64
	for i := range n {
		d := max(0, v.t[i]-to) - mh
		shh += d * d
		e := v.x[i] - h.a - h.s*(d+mh)
		if v.load {
			e -= h.b * v.l[i]
			shl += d * (v.l[i] - ml)
		}
		sse += e * e
		if i > 0 {
			lag += e * prev
		}
		prev = e
	}
	h.sd = math.Sqrt(sse/max(1, fn-4) + 0.25) // counts are whole numbers
	h.rho = max(0, min(0.9, lag/max(sse, 1e-9)+2/fn))
	v2 := h.sd * h.sd * (1 + h.rho) / (1 - h.rho)
	if h.free {
		shh -= shl * shl / sll
	}
	// Leaking is a Poisson process at best, so its own scatter is added. So is the error of the
	// load's part, which is never known exactly.
	d := v.t[n-1] - to
	h.se = math.Sqrt(v2/max(shh, 1e-9) + 1.2*h.s/max(d, 1) + math.Pow(stat.LoadShare*h.s, 2))
	h.z = h.s / math.Sqrt(v2/max(shh, 1e-9))
}
