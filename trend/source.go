package trend

// view collects the valid blocks of one scale, from the block numbered from on.
func (g *segment) view(k int, v *view, from int64) {
	r := &g.rings[k]
	v.n = 0
	n, unknown := 0, 0
	first := max(0, int(from-r.number(0)))
	number := r.number(first)
	older, newer := r.blocks(first)
	for _, part := range [...][]packed{older, newer} {
		for _, p := range part {
			if b := p.unpack(); b.valid() {
				if n == 0 {
					v.t0 = number
				}
				v.x[n], v.l[n], v.t[n] = float64(b.floor), float64(b.load), float64(number-v.t0)
				if b.load != b.load {
					unknown++
				}
				n++
			}
			number++
		}
	}
	v.n = n
	v.dropUnknown(unknown)
}

// created is how many goroutines the process has created per second since a time in ms; 0:
// unknown.
func (g *segment) created(k int, since, base int64) float64 {
	if !g.creates {
		return 0
	}
	var v view
	if g.view(k, &v, since/(base*int64(scales[k].mult))); v.n == 0 || !v.load {
		return 0
	}
	return v.mean(0, v.n)
}

// dropUnknown drops the blocks whose load is unknown. If that is a fifth of them or more, it drops
// the load instead.
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

// source is where blocks come from: one segment, or a pool of several. It is not an interface, so
// that views can live on the stack.
type source struct {
	one *segment
	all *pool // if one is nil
}

// view has the blocks since the present process started; of a pool, since the youngest one did.
func (s source) view(k int, v *view, base int64) {
	if s.one != nil {
		s.one.view(k, v, s.one.born(k, base))
		return
	}
	s.all.view(k, v, s.all.born()/(base*int64(scales[k].mult)))
}

// history has these blocks, and those inherited from earlier processes.
func (s source) history(k int, v *view) {
	if s.one != nil {
		s.one.view(k, v, 0)
		return
	}
	s.all.view(k, v, 0)
}

// born is the time of the first sample of the present process, or of the pool's youngest, in ms.
func (s source) born() int64 {
	if s.one != nil {
		return s.one.first
	}
	return s.all.born()
}

// startSeen reports whether the samples begin with the process, of a pool with any of them.
func (s source) startSeen(base int64) bool {
	if s.one != nil {
		return s.one.startSeen(base)
	}
	for _, g := range s.all.members {
		if g.startSeen(base) {
			return true
		}
	}
	return false
}

// former is how many goroutines the earlier processes had once they had levelled off; 0: unknown
// for all of them.
func (s source) former() (f float64) {
	if s.one != nil {
		return float64(s.one.former)
	}
	known := false
	for _, g := range s.all.members {
		known = known || g.former > 0
		f += float64(max(g.former, g.firstFloor))
	}
	if !known {
		return 0
	}
	return f
}

// firstFloor is the floor of the first block after the start.
func (s source) firstFloor() (f float64) {
	if s.one != nil {
		return float64(s.one.firstFloor)
	}
	for _, g := range s.all.members {
		f += float64(g.firstFloor)
	}
	return f
}
