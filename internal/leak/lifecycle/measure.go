package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// measure updates the rate and the number of leaked goroutines from the verdict, and from the
// profiles where they say more. patience is how long a lower estimate must last, part is the leak's
// share of the growth, and a says which instances have the leak; nil: all that grow do.
func (r *record) measure(now time.Time, patience time.Duration, e Evaluation, part float64, a *attribution.Attribution) {
	v := e.Verdict
	r.version(e)
	// The onset at which the leak fired stays: later estimates are from longer blocks, so they
	// are coarser.
	if r.leak.State == leak.Suspected && !v.Onset.IsZero() {
		r.leak.Onset = v.Onset
	}
	if r.earliestOnset.IsZero() || r.leak.Onset.Before(r.earliestOnset) {
		r.earliestOnset = r.leak.Onset
	}
	growing := v.Instances
	if a != nil {
		growing = growingInstances(a, e, part)
		for _, name := range a.Clean {
			delete(r.watched, name)
		}
	}
	known := map[string]bool{}
	r.shareRestoredRate(now)
	profiled := false
	for _, it := range growing {
		w := r.watched[it.Instance]
		if w == nil {
			// Growth on an instance without a profile belongs to this leak only if no other
			// leak explains it.
			if a != nil && len(r.watched) > 0 && part < 1 && !slices.Contains(a.Instances, it.Instance) {
				continue
			}
			w = &watch{clean: math.Inf(1)}
			r.watched[it.Instance] = w
		}
		known[it.Instance] = true
		w.created = it.Created
		w.measure(now, patience, it, part, e)
		w.rate, w.profiled = stackRate(a, it.Instance)
		if !w.profiled {
			w.rate = it.Rate.Times(part)
		}
		w.share = w.rate
		profiled = profiled || w.profiled && w.rate.Value > 0
	}
	if !profiled && len(known) == len(v.Instances) {
		r.shareRate(v.Rate.Times(part), known) // the rate of all is more accurate than the sum of theirs
	}
}

// measure updates an instance from its counts. part is the leak's share of the goroutines that
// leaked there.
func (w *watch) measure(now time.Time, patience time.Duration, it trend.InstanceTrend, part float64, e Evaluation) {
	count, clean := it.Count, it.Count-part*it.Leaked
	if i := find(e.Instances, it.Instance); i >= 0 {
		in := e.Instances[i]
		former := w.clean
		switch {
		case w.isReplaced(in):
			*w = watch{started: in.Started, clean: math.Inf(1)}
		case w.started.IsZero():
			w.started = in.Started
		}
		// The verdict may still be about the previous process, whose goroutines are gone.
		if it.Onset.Before(in.Started) && it.Count != in.Count {
			count, clean = in.Count, min(clean, in.Count)
			if !math.IsInf(former, 0) && !math.IsNaN(former) {
				w.inherited = w.inherited || math.IsInf(w.clean, 1)
				w.clean, clean = former, former
			}
		}
	}
	if math.IsNaN(w.clean) { // restored, with an unknown start
		w.clean = math.Inf(1)
	}
	if !w.lowSince.IsZero() && it.Onset.After(w.lowSince) { // its leaked goroutines were gone, and it leaks again
		w.leaked, w.mostStanding, w.lowSince = 0, 0, time.Time{}
	}
	w.estimate(now, patience, clean)
	w.leaked = max(w.leaked, count-w.clean)
}

// estimate updates how many goroutines the process would have without the leak. The first estimate
// stays, because the trend forgets the beginning of the growth. A lower one must last: after a fix
// the count falls at once, while the verdict follows some blocks later.
func (w *watch) estimate(now time.Time, patience time.Duration, clean float64) {
	switch {
	case math.IsInf(w.clean, 1):
		w.clean = max(0, clean)
	case clean < 0 || clean >= w.clean:
		w.lowerSince = time.Time{}
	case w.lowerSince.IsZero():
		w.lower, w.lowerSince = clean, now
	default:
		w.lower = max(w.lower, clean)
		if now.Sub(w.lowerSince) >= patience {
			w.clean, w.lowerSince = w.lower, time.Time{}
		}
	}
}

// stackRate returns the rate of the stacks on one instance, and whether it is known.
func stackRate(a *attribution.Attribution, instance string) (trend.Interval, bool) {
	if a == nil {
		return trend.Interval{}, false
	}
	x, ok := a.Rates[instance]
	return x, ok
}

// growingInstances lists the instances that have the leak, with their growth: those whose counts
// grow, unless their profiles show no growth of the stacks, and those of which only the stacks grow.
// An instance without profiles is listed if most of those with profiles are.
func growingInstances(a *attribution.Attribution, e Evaluation, part float64) (list []trend.InstanceTrend) {
	for _, it := range e.Verdict.Instances {
		clean := slices.Contains(a.Clean, it.Instance)
		if slices.Contains(a.Instances, it.Instance) || !clean && len(a.Instances) > len(a.Clean) {
			list = append(list, it)
		}
	}
	for _, name := range a.Instances {
		i := find(e.Instances, name)
		if i < 0 || slices.ContainsFunc(list, func(it trend.InstanceTrend) bool { return it.Instance == name }) {
			continue
		}
		list = append(list, trend.InstanceTrend{Instance: name, Rate: a.Rates[name].Times(1 / part), Count: e.Instances[i].Count, Leaked: a.Grown[name] / part})
	}
	return list
}

// shareRate splits the rate of all instances among them, in proportion to their own rates.
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

// shareRestoredRate splits the rate of a restored leak among the instances on which it was measured,
// once.
func (r *record) shareRestoredRate(now time.Time) {
	if r.hasRates {
		return
	}
	r.hasRates = true
	l := &r.leak
	r.largestExtent = extent{now, l.Instances, l.InstancesTotal, l.Rate}
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
