package trend

import (
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/lives"
	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// maxLives is how many lives a service remembers.
const maxLives = 48

// live sums up a segment; ok is false while it is too short.
func (g *segment) live(base int64) (l lives.Life, ok bool) {
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
			return l, false
		}
		// Pools fill and caches warm in the first part: it says nothing.
		from := v.n / 4
		h, ok := v.trendFrom(from)
		if !ok {
			return l, false
		}
		return lives.Life{First: g.first, Last: g.last, Slope: h.s / mult, SE: h.se / mult, Level: v.x[0]}, true
	}
	return l, false
}

// trendFrom fits x = a + b·load + s·t to the blocks from an index on.
func (v *view) trendFrom(from int) (h hinge, ok bool) {
	if v.n-from < 8 {
		return h, false
	}
	var l []float64
	if v.load {
		l = v.l[from:v.n]
	}
	h.b, h.s, h.se, ok = stat.Line(v.x[from:v.n], l, v.t[from:v.n])
	return h, ok
}

// bury remembers the life of a segment that has ended.
func (s *Service) bury(g *segment) {
	s.learnStart(g, true)
	s.noteEnd(g)
	s.former = float32(g.levelledAt(s.base))
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

// judgeLives looks for growth that the lives have in common.
func (s *Service) judgeLives() lives.Finding {
	all := slices.Clone(s.lives)
	for _, in := range s.ordered {
		if l, ok := in.seg.live(s.base); ok {
			all = append(all, l)
		}
	}
	return lives.Judge(all, s.base)
}
