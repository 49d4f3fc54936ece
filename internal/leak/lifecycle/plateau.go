package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// When growth would be visible, and when it is missing.
const (
	// visibleNoise is how many times the noise of the floors growth must be to be visible. It must
	// also be at least what counts as growth for the trend.
	visibleNoise = 5
	// stillGrows is the share of the expected growth from which a leak still grows.
	stillGrows = 0.5
)

// mark is the floor of an instance, now and when its leak last grew. Both are means over up to 30
// evaluations, so that no single sample decides.
type mark struct {
	at           time.Time // when the leak last grew; zero: not marked yet
	before       float64   // the floor then
	floor, noise float64   // the floor now, and its mean change from one evaluation to the next
	last         float64   // latest floor, not a mean
	samples      float64   // in the means, at most halfHour
}

// observe adds a floor of the instance.
func (m *mark) observe(floor float64) {
	if m.samples == 0 {
		m.floor, m.last = floor, floor
	}
	m.samples = min(m.samples+1, halfHour)
	m.floor += (floor - m.floor) / m.samples
	m.noise += (max(floor-m.last, m.last-floor) - m.noise) / m.samples
	m.last = floor
}

// growth compares the floors of a leak's instances with those when it last grew: how much they have
// grown, how much they would have at the leak's rate, and how much growth would be visible.
type growth struct{ seen, expected, visible float64 }

// updateMarks updates the marks of all instances.
func (r *record) updateMarks(now time.Time, e Evaluation) {
	for name, w := range r.watched {
		i := find(e.Instances, name)
		if i < 0 || !w.missing.IsZero() {
			if !w.mark.at.IsZero() {
				w.mark.at = now // its growth without samples is unknown
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

// growth measures the growth since the leak last grew.
func (r *record) growth(now time.Time, e Evaluation) (g growth) {
	var level, noise float64
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
		level += w.mark.floor
		noise += w.mark.noise
	}
	g.visible = max(trend.LeastGrowth(level), visibleNoise*noise)
	return g
}

// plateauPatience is how long a leak must show no growth before it may plateau: as long as it once
// took to be detected, within bounds.
func (r *record) plateauPatience(base time.Duration) time.Duration {
	return min(max(r.leak.DetectedAt.Sub(r.leak.Onset), halfHour*base), day*base)
}

// hasStopped reports whether a leak has stopped growing: its growth would be visible by now, and is
// not. Falling counts may be due to less load, so they count only after a day, when the load is
// likely to be the same again.
func (r *record) hasStopped(now time.Time, base time.Duration, e Evaluation) bool {
	g := r.growth(now, e)
	switch {
	case g.expected <= 0:
		return true // its rate is unknown, so growth cannot be expected
	case g.expected < g.visible || g.seen >= stillGrows*g.expected:
		return false
	}
	return g.seen > -stillGrows*g.expected || now.Sub(r.growthSeenAt) >= day*base
}

// updatePlateau makes a firing leak plateaued, or not plateaued once it grows again.
func (r *record) updatePlateau(now time.Time, base time.Duration, e Evaluation) {
	r.updateMarks(now, e)
	l := &r.leak
	switch {
	case r.growthSeenAt.IsZero():
		r.growthSeenAt = now // the leak was restored: it gets time to show growth
	case l.State != leak.Firing:
	case l.PlateauedAt.IsZero() && now.Sub(r.growthSeenAt) > r.plateauPatience(base) && r.remaining > 0 && r.hasStopped(now, base, e):
		l.Rate = trend.Interval{}
		move(l, now, leak.Plateaued, "it has stopped growing, its goroutines stay")
	case !l.PlateauedAt.IsZero() && r.growthSeenAt.After(l.PlateauedAt):
		move(l, now, leak.Firing, "it grows again")
	}
}
