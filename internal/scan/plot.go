package scan

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/gorowatch/gorowatch/internal/human"
)

// plot is a picture of characters. Each has 2 × 4 dots (Braille), in which the curves are
// drawn; lines and marks are characters of their own. Horizontal places are from 0 to 1 over
// the width.
type plot struct {
	width, height int
	low, high     float64 // values at the bottom and at the top
	dots          [][]rune
	over          [][]rune
	marks         []rune
}

const braille = '⠀' // the empty one

func newPlot(width, height int, low, high float64) *plot {
	if !(high > low) {
		high = low + 1
	}
	p := &plot{width: width, height: height, low: low, high: high, marks: []rune(strings.Repeat(" ", width))}
	for range height {
		p.dots = append(p.dots, make([]rune, width))
		p.over = append(p.over, make([]rune, width))
	}
	return p
}

// row returns the row of dots of a value, from the top.
func (p *plot) row(v float64) int {
	n := 4*p.height - 1
	return n - int(math.Round((v-p.low)/(p.high-p.low)*float64(n)))
}

// dot sets a dot, if it is within the picture.
func (p *plot) dot(x, y int) {
	if x < 0 || y < 0 || x >= 2*p.width || y >= 4*p.height {
		return
	}
	bits := [4][2]rune{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}
	p.dots[y/4][x/2] |= bits[y%4][x%2]
}

// reduce makes n values by combining those of each part, or by repeating values if there are
// fewer.
func reduce(values []float64, n int, of func([]float64) float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		from := i * len(values) / n
		out[i] = of(values[from:max((i+1)*len(values)/n, from+1)])
	}
	return out
}

func highest(values []float64) float64 {
	out := math.NaN()
	for _, v := range values {
		if !(v <= out) && !math.IsNaN(v) {
			out = v
		}
	}
	return out
}

// line draws a connected curve.
func (p *plot) line(values []float64) {
	before := -1
	for x, v := range reduce(values, 2*p.width, least) {
		if math.IsNaN(v) {
			before = -1
			continue
		}
		y := p.row(v)
		from, to := y, y
		switch {
		case before >= 0 && before < y:
			from = before + 1
		case before > y:
			to = before - 1
		}
		for ; from <= to; from++ {
			p.dot(x, from)
		}
		before = y
	}
}

// scatter draws every other dot of a curve.
func (p *plot) scatter(values []float64) {
	for x, v := range reduce(values, p.width, highest) {
		if !math.IsNaN(v) {
			p.dot(2*x, p.row(v))
		}
	}
}

// column returns the character column of a place.
func (p *plot) column(x float64) int { return min(max(int(x*float64(p.width)), 0), p.width-1) }

// rise draws growth from one value to another with the given characters, in every other column,
// so that the curve stays visible. It is straight with a bend of 0; otherwise it slows down as
// 1 − exp(−bend·x) does.
func (p *plot) rise(x0, v0, x1, v1, bend float64, char rune) {
	from, to := p.column(x0), p.column(x1)
	for x := from; x <= to; x += 2 {
		v := v1
		if to > from {
			part := float64(x-from) / float64(to-from)
			if bend > 0.1 {
				part = (1 - math.Exp(-bend*part)) / (1 - math.Exp(-bend))
			}
			v = v0 + (v1-v0)*part
		}
		if y := p.row(v); y >= 0 && y < 4*p.height {
			p.over[y/4][x] = char
		}
	}
}

// upright draws a line from the top to the bottom where nothing else is, and marks it below.
func (p *plot) upright(x float64, char, mark rune) {
	at := p.column(x)
	for y := range p.height {
		if p.dots[y][at] == 0 && p.over[y][at] == 0 {
			p.over[y][at] = char
		}
	}
	p.mark(x, mark)
}

func (p *plot) mark(x float64, mark rune) { p.marks[p.column(x)] = mark }

// lines returns the picture with an axis at its left. from, middle and to are the labels below.
func (p *plot) lines(from, middle, to string) []string {
	label := map[int]string{
		0: human.Number(p.high), p.height / 2: human.Number(p.low + (p.high-p.low)*(1-(float64(p.height/2)+0.5)/float64(p.height))), p.height - 1: human.Number(p.low),
	}
	left := 0
	for _, s := range label {
		left = max(left, utf8.RuneCountInString(s))
	}
	pad := func(s string, n int) string { return strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s))) }
	var out []string
	for y := range p.height {
		tick := "│"
		if label[y] != "" {
			tick = "┤"
		}
		var b strings.Builder
		b.WriteString(pad(label[y], left) + label[y] + " " + tick)
		for x := range p.width {
			switch {
			case p.over[y][x] != 0:
				b.WriteRune(p.over[y][x])
			case p.dots[y][x] != 0:
				b.WriteRune(braille | p.dots[y][x])
			default:
				b.WriteRune(' ')
			}
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	indent := strings.Repeat(" ", left+1)
	out = append(out, indent+"└"+strings.Repeat("─", p.width))
	if marks := strings.TrimRight(string(p.marks), " "); marks != "" {
		out = append(out, indent+" "+marks)
	}
	half := p.width/2 - utf8.RuneCountInString(middle)/2
	below := from + pad(from, half) + middle
	return append(out, indent+" "+below+pad(below+to, p.width)+to)
}
