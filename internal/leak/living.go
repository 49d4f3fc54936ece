package leak

import (
	"math"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend"
)

// living lists the instances that still have samples, by name.
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

// holds is how many leaked goroutines a process has now: those above the count
// without the leak. A profile knows better, if it was taken since a restart or
// since the count fell.
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

// shareRate gives each instance its part of the rate of all of them.
func (r *record) shareRate(whole trend.Interval, known map[string]bool) {
	var sum float64
	for name := range known {
		sum += r.watched[name].rate.Value
	}
	for name := range known {
		w := r.watched[name]
		w.profiled = false
		if sum > 0 {
			w.share = whole.Times(w.rate.Value / sum)
		} else {
			w.share = whole.Times(1 / float64(len(known)))
		}
	}
}

// rate sums up the growth of the processes that live. Rates from the counts err
// together, rates from the stacks each apart.
func (r *record) rate(o Observation) trend.Interval {
	var judged trend.Interval
	var profiled, wide float64 // wide: half the interval, squared
	for _, name := range r.leak.Instances {
		w := r.watched[name]
		switch {
		case w.replaced(o.living[name]): // not seen to grow yet
		case w.profiled:
			profiled += w.share.Value
			wide += (w.share.High - w.share.Low) * (w.share.High - w.share.Low) / 4
		default:
			judged = judged.Plus(w.share)
		}
	}
	half := math.Sqrt(wide)
	return judged.Plus(trend.Interval{Value: profiled, Low: max(0, profiled-half), High: profiled + half})
}

// inherit shares the rate of a restored leak among the instances that it was
// measured on.
func (r *record) inherit(now time.Time) {
	if r.hasRates {
		return
	}
	r.hasRates = true
	l := &r.leak
	r.largest = extent{now, l.Instances, l.InstancesTotal, l.Rate}
	for _, name := range l.Instances {
		if w := r.watched[name]; w != nil {
			w.share = l.Rate.Times(1 / float64(len(l.Instances)))
		}
	}
	for _, x := range l.Watched {
		if w := r.watched[x.Instance]; w != nil && x.Rate != nil {
			w.share = *x.Rate
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

// extentFor is for how many base blocks the largest extent counts. A rollout ends
// the processes one after another, and a resolved leak should be described by all
// of them and not by the last.
const extentFor = 360

// noteExtent takes the extent, unless it was larger of late.
func (r *record) noteExtent(now time.Time, late time.Duration, o Observation) {
	n := 0
	for _, name := range r.leak.Instances {
		if !r.watched[name].replaced(o.living[name]) {
			n++
		}
	}
	if n > 0 && (n >= len(r.largest.instances) || now.Sub(r.largest.at) >= late) {
		r.largest = extent{now, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate}
	}
}
