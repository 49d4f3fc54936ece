package totals

import (
	"iter"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

const (
	// graceIntervals is for how many evaluations a target may have no series before it is pulled:
	// those of a new one may still arrive.
	graceIntervals = 3
	// retryIntervals is the number of evaluations until a target that failed is pulled again. It
	// doubles with each failure.
	retryIntervals = 5
	// holdBaselines is for how many baseline intervals a count is valid.
	holdBaselines = 3
	// rememberBaselines is for how many baseline intervals a target is remembered once it is no
	// longer listed.
	rememberBaselines = 3
)

// Source lists the targets that have profiles.
type Source interface {
	// WithoutSeries lists the labels of the targets that belong to none of the instances. It
	// makes no request.
	WithoutSeries(now time.Time, instances iter.Seq[labels.Labels]) []labels.Labels
}

// Options are the options of Targets.
type Options struct {
	// Interval is the time between two evaluations, Baseline the time between two
	// profiles of a target.
	Interval, Baseline time.Duration
}

// Targets are the targets without series, by the hash of their labels. The zero value has
// none.
type Targets struct{ byHash map[uint64]*target }

// target is a target without series.
type target struct {
	labels labels.Labels
	// listed is when it was last listed.
	listed time.Time
	// next is when it may be pulled, if there is no count.
	next     time.Time
	failures int // in a row
	pulling  bool
	// goroutines is the count at the time at; zero at: there is none.
	goroutines float64
	at         time.Time
}

// List sets the targets that have no series now.
func (t *Targets) List(now time.Time, list []labels.Labels, o Options) {
	if t.byHash == nil {
		t.byHash = map[uint64]*target{}
	}
	for _, ls := range list {
		x := t.find(ls)
		if x == nil {
			x = &target{labels: ls}
			t.byHash[ls.Hash()] = x
		}
		if now.Sub(x.listed) > o.Interval+o.Interval/2 {
			*x = target{labels: ls, next: now.Add(graceIntervals * o.Interval), pulling: x.pulling}
		}
		x.listed = now
	}
	for hash, x := range t.byHash {
		switch {
		case x.listed.Equal(now):
		case now.Sub(x.listed) > max(rememberBaselines*o.Baseline, 2*time.Hour):
			delete(t.byHash, hash)
		default:
			x.at = time.Time{} // it is gone, or has series
		}
	}
}

// Drop removes the targets that have series, by their labels.
func (t *Targets) Drop(series []collector.Series) {
	if len(t.byHash) == 0 {
		return
	}
	for i := range series {
		if x := t.find(series[i].Labels); x != nil {
			delete(t.byHash, x.labels.Hash())
		}
	}
}

// Has reports whether an instance is such a target.
func (t *Targets) Has(instance labels.Labels) bool { return t.find(instance) != nil }

// find returns the target with the given labels; nil: there is none.
func (t *Targets) find(ls labels.Labels) *target {
	if len(t.byHash) == 0 {
		return nil
	}
	if x := t.byHash[ls.Hash()]; x != nil && labels.Equal(x.labels, ls) {
		return x
	}
	return nil
}

// Due returns the targets to pull now because they have no count: new ones, and those that failed.
// Those that push their profiles are not pulled. Observe or Fail must be called for each.
func (t *Targets) Due(now time.Time, pushes func(instance labels.Labels) bool) (out []labels.Labels) {
	for _, x := range t.byHash {
		if x.listed.Equal(now) && x.at.IsZero() && !x.pulling && !pushes(x.labels) && !now.Before(x.next) {
			x.pulling = true
			out = append(out, x.labels)
		}
	}
	return out
}

// Observe records the number of goroutines in a profile. It ignores instances with series.
func (t *Targets) Observe(instance labels.Labels, at time.Time, goroutines float64) {
	if x := t.find(instance); x != nil {
		x.pulling, x.failures = false, 0
		x.goroutines, x.at = goroutines, at
	}
}

// Fail records why a target has no profile. Its count is unknown from then on, unless the pull was
// only postponed, to spare the target.
func (t *Targets) Fail(instance labels.Labels, at time.Time, reason collector.Reason, o Options) {
	x := t.find(instance)
	if x == nil {
		return
	}
	x.pulling = false
	if reason.Deferred() || reason == collector.ReasonCanceled {
		return
	}
	wait := retryIntervals * o.Interval
	for range x.failures {
		if wait < o.Baseline {
			wait *= 2
		}
	}
	x.failures++
	x.at, x.next = time.Time{}, at.Add(min(wait, max(o.Baseline, o.Interval)))
}

// Window returns a sample of each target at the time of an evaluation: its latest count. Neither the
// load nor the start of its process is known.
func (t *Targets) Window(now time.Time, o Options) collector.Window {
	w := collector.Window{From: now.Add(-o.Interval), To: now}
	for _, x := range t.byHash {
		if x.counted(now, o) {
			w.Series = append(w.Series, collector.Series{Labels: x.labels, Samples: []collector.Sample{
				{T: now.UnixMilli(), Count: x.goroutines, Load: collector.Unknown, Start: collector.Unknown},
			}})
		}
	}
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w
}

// counted reports whether the count of a target is known.
func (x *target) counted(now time.Time, o Options) bool {
	return x.listed.Equal(now) && !x.at.IsZero() && now.Sub(x.at) <= holdBaselines*o.Baseline
}

// Names returns the names of a service's instances without series: those with a count, and the others.
func (t *Targets) Names(s *fleet.Service) (counted, uncounted []string) {
	if len(t.byHash) == 0 {
		return nil, nil
	}
	for in := range s.Instances() {
		switch x := t.find(in.Labels); {
		case x == nil:
		case x.at.IsZero():
			uncounted = append(uncounted, in.Name)
		default:
			counted = append(counted, in.Name)
		}
	}
	slices.Sort(counted)
	slices.Sort(uncounted)
	return counted, uncounted
}
