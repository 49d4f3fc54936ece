package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/trend"
)

// measure takes the rate and what has leaked from the verdict, and from the
// profiles, which know the stacks alone, where these tell more. part is this
// leak's of the growth; a says which instances have it, nil means all that
// grow.
func (r *record) measure(now time.Time, patience time.Duration, e Evaluation, part float64, a *attribution.Attribution) {
	v := e.Verdict
	r.version(e)
	// Later estimates of the onset are from longer blocks: the one of the alarm
	// stays.
	if r.leak.State == leak.Suspected && !v.Onset.IsZero() {
		r.leak.Onset = v.Onset
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
			// Growth on an instance without a profile is taken for the same
			// leak only while there is no other explanation.
			if a != nil && len(r.watched) > 0 && part < 1 && !slices.Contains(a.Instances, it.Instance) {
				continue
			}
			w = &watch{clean: math.Inf(1)}
			r.watched[it.Instance] = w
		}
		known[it.Instance] = true
		w.measure(now, patience, it, part, e)
		w.rate, w.profiled = stackRate(a, it.Instance)
		if !w.profiled {
			w.rate = it.Rate.Times(part)
		}
		w.share = w.rate
		profiled = profiled || w.profiled && w.rate.Value > 0
	}
	if !profiled && len(known) == len(v.Instances) {
		r.shareRate(v.Rate.Times(part), known) // which knows more than the sum of its parts
	}
}

// measure takes what the verdict says of the counts of an instance, of whose
// leaked goroutines part are this leak's.
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
		// A verdict outlives the process that it is from: what that one had is
		// nothing that this one holds.
		if it.Onset.Before(in.Started) && it.Count != in.Count {
			count, clean = in.Count, min(clean, in.Count)
			if !math.IsInf(former, 0) && !math.IsNaN(former) {
				w.clean, clean = former, former
			}
		}
	}
	if math.IsNaN(w.clean) { // restored, its start unknown
		w.clean = math.Inf(1)
	}
	if !w.lowSince.IsZero() && it.Onset.After(w.lowSince) { // all of it was gone, and it leaks anew
		w.leaked, w.mostStanding, w.lowSince = 0, 0, time.Time{}
	}
	w.estimate(now, patience, clean)
	w.leaked = max(w.leaked, count-w.clean)
}

// estimate takes how many goroutines there would be without the leak. The trend
// forgets how it began; what was clean once stays so for as long as the process
// lives. A lower estimate has to last: when the leak is mended the count falls
// at once, and what the trend says has leaked follows some blocks later.
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

// stackRate is the rate of the stacks on one instance, where it is known.
func stackRate(a *attribution.Attribution, instance string) (trend.Interval, bool) {
	if a == nil {
		return trend.Interval{}, false
	}
	x, ok := a.Rates[instance]
	return x, ok
}

// growingInstances lists the instances that have the leak, with what is known of its growth:
// those whose counts grow, unless their profiles say that it is not the leak,
// and those whose stacks grow though the counts do not tell. An instance
// without profiles is taken for one of them if most of those with profiles are.
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

// inherit shares the rate of a restored leak among the instances that it was
// measured on.
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
