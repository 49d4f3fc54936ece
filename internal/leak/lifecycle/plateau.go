package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/trend"
)

const (
	// plateauAfter is how many base blocks after its growth a leak counts as one
	// that does not grow any more, at the earliest.
	plateauAfter = 30
	// What growth has to come to before it shows: so many goroutines, such a share
	// of those that run, and such a multiple of the noise of the floor.
	visibleGrowth = 8
	visibleShare  = 0.05
	visibleNoise  = 5
	// stillGrows is the part of the growth to be expected that has to be seen, or to
	// be missing, before it says something.
	stillGrows = 0.5
)

// mark is the floor of an instance, and what it was when its leak was last seen
// to grow: means over half an hour of late, so that no single sample decides.
type mark struct {
	at           time.Time // zero: not marked yet
	before       float64
	floor, noise float64 // noise: from one sample to the next
	last         float64
	samples      float64
}

// observe takes the floor of an instance.
func (m *mark) observe(floor float64) {
	const most = 30
	if m.samples == 0 {
		m.floor, m.last = floor, floor
	}
	m.samples = min(m.samples+1, most)
	m.floor += (floor - m.floor) / m.samples
	m.noise += (max(floor-m.last, m.last-floor) - m.noise) / m.samples
	m.last = floor
}

// growth is what the floors of a leak's instances have grown by since it was
// last seen to grow, and what they would have if it went on at its rate. visible
// is what that has to come to before it shows.
type growth struct{ seen, expected, visible float64 }

// watchGrowth brings the marks up to date.
func (r *record) updateMarks(now time.Time, e Evaluation) {
	for name, w := range r.watched {
		i := find(e.Instances, name)
		if i < 0 || !w.missing.IsZero() {
			if !w.mark.at.IsZero() {
				w.mark.at = now // what it does meanwhile is not known
			}
			continue
		}
		if e.Instances[i].Started.After(w.mark.at) {
			w.mark = mark{}
		}
		w.mark.observe(e.Instances[i].Floor)
		if w.mark.at.IsZero() || r.growthSeenAt.Equal(now) {
			w.mark.at, w.mark.before = now, w.mark.floor
		}
	}
}

// growth is that since the leak was last seen to grow.
func (r *record) growth(now time.Time, e Evaluation) (g growth) {
	var noise float64
	for name, w := range r.watched {
		i := find(e.Instances, name)
		if i < 0 || !w.missing.IsZero() || w.mark.at.IsZero() {
			continue
		}
		rate := w.rate.Value
		if rate <= 0 {
			rate = r.leak.Rate.Value / float64(len(r.watched))
		}
		g.seen += w.mark.floor - w.mark.before
		g.expected += rate * now.Sub(w.mark.at).Hours()
		g.visible += visibleShare * w.mark.floor
		noise += w.mark.noise
	}
	g.visible = max(g.visible, visibleGrowth, visibleNoise*noise)
	return g
}

// patience is how long a leak may show no growth before it counts as one that
// has stopped, at the least: as long as it once took to notice it, within bounds.
func (r *record) plateauPatience(base time.Duration) time.Duration {
	return min(max(r.leak.DetectedAt.Sub(r.leak.Onset), plateauAfter*base), longGrowth*base)
}

// stopped tells whether a leak that was not seen to grow for longer than its
// patience has stopped: one that goes on at its rate would show by now, and does
// not. Counts that fall say that there is less to do, or that its goroutines go;
// a day later the load is the same again.
func (r *record) hasStopped(now time.Time, base time.Duration, e Evaluation) bool {
	g := r.growth(now, e)
	switch {
	case g.expected <= 0:
		return true // its rate is not known
	case g.expected < g.visible || g.seen >= stillGrows*g.expected:
		return false
	}
	return g.seen > -stillGrows*g.expected || now.Sub(r.growthSeenAt) >= longGrowth*base
}

// plateau says of a leak that fires whether it still grows.
func (r *record) updatePlateau(now time.Time, base time.Duration, e Evaluation) {
	r.updateMarks(now, e)
	l := &r.leak
	switch {
	case r.growthSeenAt.IsZero():
		r.growthSeenAt = now // restored: it is given time to show
	case l.State != leak.Firing:
	case l.PlateauedAt.IsZero() && now.Sub(r.growthSeenAt) > r.plateauPatience(base) && r.remaining > 0 && r.hasStopped(now, base, e):
		l.Rate = trend.Interval{}
		move(l, now, leak.Plateaued, "it has stopped growing, its goroutines stay")
	case !l.PlateauedAt.IsZero() && r.growthSeenAt.After(l.PlateauedAt):
		move(l, now, leak.Firing, "it grows again")
	}
}
