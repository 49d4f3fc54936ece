// Package stat has the statistics that trend and its other packages share: fits of lines, the
// scatter around them, and the largest rises of a series. It is pure.
package stat

import "math"

// The least growth that counts, in goroutines and as a share of what ran before.
const (
	leastGrowth = 8
	leastShare  = 0.05
)

// LoadShare is the share of growth that a fit may wrongly ascribe to the load, or not to it. It widens
// the interval of a rate.
const LoadShare = 0.12

// LeastGrowth returns the growth below which a change of a count at the given level is noise.
func LeastGrowth(level float64) float64 { return max(leastGrowth, leastShare*level) }

// Slope fits y = a + s·t by least squares. sxx is the sum of the squares of t around its mean.
func Slope(y, t []float64) (s, sxx float64) {
	var my, mt float64
	n := float64(len(y))
	for i := range y {
		my += y[i]
		mt += t[i]
	}
	my /= n
	mt /= n
	var sxy float64
	for i := range y {
		sxx += (t[i] - mt) * (t[i] - mt)
		sxy += (t[i] - mt) * (y[i] - my)
	}
	if sxx == 0 {
		return 0, 0
	}
	return sxy / sxx, sxx
}

// Scatter returns the sum of the squared residuals around a line of a known slope, and the sum of
// the products of neighbouring residuals.
func Scatter(y, t []float64, slope float64) (sse, lag float64) {
	var my, mt float64
	for i := range y {
		my += y[i] / float64(len(y))
		mt += t[i] / float64(len(y))
	}
	last := 0.0
	for i := range y {
		e := y[i] - my - slope*(t[i]-mt)
		sse += e * e
		lag += e * last
		last = e
	}
	return sse, lag
}

// Rises returns the three largest rises of y that do not overlap, each over wide blocks, the
// largest first.
func Rises(y []float64, wide int) (up [3]float64) {
	taken := make([]bool, len(y)) // the blocks in which one ends
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

// Affine fits x = a + b·l with a, b ≥ 0, and returns the steepest b that the scatter allows. sd is
// the standard deviation of the residuals. With fewer than four loads above 0, b is +Inf.
func Affine(x, l []float64) (a, b, sd float64) {
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
	b = min(limit, b+2*sd/math.Sqrt(max(sll, 1e-12))*2)
	return mx - b*ml, b, sd
}

// Line fits x = a + b·l + s·t by least squares, with a, b ≥ 0. If l is nil, b is 0. se is the
// standard error of s.
func Line(x, l, t []float64) (b, s, se float64, ok bool) {
	n := float64(len(x))
	var mx, ml, mt float64
	for i := range x {
		mx += x[i] / n
		mt += t[i] / n
		if l != nil {
			ml += l[i] / n
		}
	}
	limit := math.Inf(1)
	var sxx, sll, stt, slx, stx, slt float64
	for i := range x {
		dx, dt, dl := x[i]-mx, t[i]-mt, 0.0
		if l != nil {
			dl = l[i] - ml
			if l[i] > 0 {
				limit = min(limit, x[i]/l[i])
			}
		}
		sxx += dx * dx
		stt += dt * dt
		sll += dl * dl
		slx += dl * dx
		stx += dt * dx
		slt += dl * dt
	}
	if stt == 0 {
		return 0, 0, 0, false
	}
	free := stt
	if det := sll*stt - slt*slt; l != nil && sll > 1e-6*n*ml*ml && det > 1e-6*sll*stt {
		best := (slx*stt - stx*slt) / det
		b = max(0, min(limit, best))
		if b == best {
			free -= slt * slt / sll
		}
	}
	s = (stx - b*slt) / stt
	sse := max(0, sxx+b*b*sll+s*s*stt-2*b*slx-2*s*stx+2*b*s*slt)
	sd := math.Sqrt(sse/(n-2) + 0.25)
	return b, s, 2 * sd / math.Sqrt(max(free, 1e-9)), true // 2: neighbouring blocks are alike
}
