package lifecycle

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// updateHoldings updates how many leaked goroutines each instance holds, and with that the
// instances and the rate of the leak.
func (r *record) updateHoldings(now time.Time, e Evaluation) {
	r.shareRestoredRate(now)
	l := &r.leak
	l.Leaked, r.remaining = 0, 0
	l.Instances = l.Instances[:0:0]
	for name, w := range r.watched {
		if i := find(e.Instances, name); i >= 0 {
			if math.IsNaN(w.clean) { // the leak was restored, and this is its first sample
				w.clean, w.started = max(0, e.Instances[i].Count-w.leaked), e.Instances[i].Started
			}
			switch {
			case !w.isLow(e.Instances[i]):
				w.lowSince = time.Time{}
			case w.lowSince.IsZero():
				w.lowSince = now
			}
			if !w.isClean(e.Instances[i]) {
				r.remaining += w.leakedNow(e.Instances[i])
			}
		}
		in, lives := e.living[name]
		if held := w.leakedNow(in); lives && (held >= attribution.MinGrowth || !w.isReplaced(in)) {
			l.Leaked += held
			l.Instances = append(l.Instances, name)
		}
	}
	slices.Sort(l.Instances)
	l.InstancesTotal = max(len(e.living), len(l.Instances))
	l.Rate = trend.Interval{}
	if l.PlateauedAt.IsZero() || r.growthSeenAt.After(l.PlateauedAt) {
		l.Rate = r.rate(e)
	}
	l.Created = r.created(e)
	l.Watched = make([]leak.Watch, 0, len(r.watched)) // callers may hold the former one
	r.names = slices.AppendSeq(r.names[:0], maps.Keys(r.watched))
	slices.Sort(r.names)
	for _, name := range r.names {
		w := r.watched[name]
		if math.IsNaN(w.clean) || math.IsInf(w.clean, 0) {
			continue
		}
		x := leak.Watch{Instance: name, Started: w.started, Baseline: w.clean, Leaked: w.leaked, PeakOnStacks: w.mostStanding}
		if !slices.Contains(l.Instances, name) && w.share.Value > 0 {
			rate := w.share
			x.Rate = &rate
		}
		l.Watched = append(l.Watched, x)
	}
}

// created is how many goroutines the growing processes create per hour; 0 unless it is known for
// all of them.
func (r *record) created(e Evaluation) (sum float64) {
	for _, name := range r.leak.Instances {
		w := r.watched[name]
		switch {
		case w.isReplaced(e.living[name]) || !(w.share.Value > 0):
		case w.created <= 0:
			return 0
		default:
			sum += w.created
		}
	}
	return sum
}

// rate is the growth of all living processes together. Rates from the counts have the same errors,
// so their intervals add up; those of rates from the stacks are independent.
func (r *record) rate(e Evaluation) trend.Interval {
	var judged trend.Interval
	var profiled, wide float64 // wide is half the interval, squared
	for _, name := range r.leak.Instances {
		w := r.watched[name]
		switch {
		case w.isReplaced(e.living[name]): // the new process has not grown yet
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
