package trend

import (
	"slices"

	"github.com/gorowatch/gorowatch/trend/internal/lives"
	"github.com/gorowatch/gorowatch/trend/internal/stat"
)

// maxLives is how many ended processes a service remembers.
const maxLives = 48

// live sums up the life of one process; ok is false while it is too short.
func (g *segment) live(base int64) (l lives.Life, ok bool) {
	const least = 12
	var v view
	for k := 1; k <= 3; k++ {
		r := &g.rings[k]
		if k < 3 && r.len() == int(r.cap) {
			continue // the ring is full and may have forgotten the start
		}
		g.view(k, &v, g.born(k, base))
		mult := float64(scales[k].mult)
		if v.n < least || v.t[v.n-1]*mult < 60 {
			return l, false
		}
		// In the first quarter pools fill and caches warm up, so it says nothing.
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

// retire remembers what is worth knowing of a process that has ended.
func (s *Service) retire(g *segment) {
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

// noteEnd notes whether a process was growing when it ended. If so, the growth of the next one
// may be the same leak, which began with the first.
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

// judgeLives looks for growth that the processes have in common.
func (s *Service) judgeLives() lives.Finding {
	all := slices.Clone(s.lives)
	for _, in := range s.ordered {
		if l, ok := in.seg.live(s.base); ok {
			all = append(all, l)
		}
	}
	return lives.Judge(all, s.base)
}
