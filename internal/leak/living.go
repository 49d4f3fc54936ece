package leak

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend"
)

// living are the instances that are there, by name.
func (t *Tracker) living(now time.Time, all []trend.Instance) map[string]trend.Instance {
	out := make(map[string]trend.Instance, len(all))
	for _, in := range all {
		if !t.lost(now, in) {
			out[in.Name] = in
		}
	}
	return out
}

// replaced tells whether another process has taken the place of the one that
// leaked.
func (w *watch) replaced(now trend.Instance) bool {
	return procstart.At(now.Started).Differs(procstart.At(w.started))
}

// holds is how many leaked goroutines the process of now has: what it has above
// the count without the leak, or what a profile shows of it that was taken since
// it started or since the count was low.
func (w *watch) holds(now trend.Instance) float64 {
	since := w.lowSince
	if w.replaced(now) {
		since = now.Started
	}
	if !since.IsZero() && w.seen.After(since) {
		return float64(w.stand)
	}
	if math.IsNaN(w.clean) {
		return 0
	}
	return max(0, now.Count-w.clean)
}

// share gives the instances their parts of the rate of all of them.
func (r *record) share(whole trend.Interval, known map[string]bool) {
	var sum float64
	for name := range known {
		sum += r.watched[name].rate.Value
	}
	for name := range known {
		w := r.watched[name]
		w.profiled = false
		if sum > 0 {
			w.rate = whole.Times(w.rate.Value / sum)
		} else {
			w.rate = whole.Times(1 / float64(len(known)))
		}
	}
}

// rate is that of the processes that live: those judged by the counts err
// together, those judged by the stacks each apart.
func (r *record) rate(o Observation) trend.Interval {
	var judged trend.Interval
	var profiled, wide float64 // wide: half the interval, squared
	for _, name := range r.leak.Instances {
		w := r.watched[name]
		switch {
		case w.replaced(o.living[name]): // not seen to grow yet
		case w.profiled:
			profiled += w.rate.Value
			wide += (w.rate.High - w.rate.Low) * (w.rate.High - w.rate.Low) / 4
		default:
			judged = judged.Plus(w.rate)
		}
	}
	half := math.Sqrt(wide)
	return judged.Plus(trend.Interval{Value: profiled, Low: max(0, profiled-half), High: profiled + half})
}

// inherit shares the rate of a restored leak among the instances that it was
// measured on.
func (r *record) inherit(now time.Time) {
	if r.rated {
		return
	}
	r.rated = true
	l := &r.leak
	r.was = extent{now, l.Instances, l.InstancesTotal, l.Rate}
	for _, name := range l.Instances {
		if w := r.watched[name]; w != nil {
			w.rate = l.Rate.Times(1 / float64(len(l.Instances)))
		}
	}
	for _, x := range l.Watched {
		if w := r.watched[x.Instance]; w != nil && x.Rate != nil {
			w.rate = *x.Rate
		}
	}
}

// extent is on which instances a leak was, and how fast it grew there.
type extent struct {
	at        time.Time
	instances []string
	total     int
	rate      trend.Interval
}

// extentFor is for how many base blocks the largest extent counts. Its processes
// end one after another when a rollout ends a leak: what is said of it then is
// not about the last of them.
const extentFor = 360

// note takes the extent, unless it was larger of late.
func (r *record) note(now time.Time, late time.Duration, o Observation) {
	n := 0
	for _, name := range r.leak.Instances {
		if !r.watched[name].replaced(o.living[name]) {
			n++
		}
	}
	if n > 0 && (n >= len(r.was.instances) || now.Sub(r.was.at) >= late) {
		r.was = extent{now, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate}
	}
}
