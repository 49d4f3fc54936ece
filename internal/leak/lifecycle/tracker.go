package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Tracker moves the leaks of one service through their states. It is not safe for concurrent use.
type Tracker struct {
	options  Options
	service  labels.Labels
	open     []*record
	resolved []leak.Leak
	// unattributed is the suspicion that rests on the counts alone; nil: there is none.
	unattributed *leak.Leak
	// alarmSince is when the verdict became Leaking; zero: it is not.
	alarmSince time.Time
	// countsOdds are the log-odds of a leak by the counts of the last Update.
	countsOdds float64
	// countsSuspected reports that the counts alone are enough for a suspicion.
	countsSuspected bool
	// doubtedAt is when the stacks of a suspicion last grew as those of a pool do.
	doubtedAt time.Time
	// suppressedReason says why the alarm of the counts does not fire; empty: there is no alarm,
	// or it fires.
	suppressedReason string
	updatedAt        time.Time // time of the last Update
	// firstSeen is when each instance of the last Update was first seen.
	firstSeen map[string]time.Time
	livingNow map[string]trend.Instance // reused by the method living
	inherited pastLeak
}

// Update moves the leaks to their states at the time now.
func (t *Tracker) Update(now time.Time, e Evaluation) {
	if e.Verdict.Status != trend.Leaking {
		t.alarmSince = time.Time{}
	} else if t.alarmSince.IsZero() {
		t.alarmSince = now
	}
	t.suppressedReason = ""
	t.setCounts(e)
	elapsed := now.Sub(t.updatedAt)
	paused := elapsed > 3*t.options.Interval && !t.updatedAt.IsZero()
	if elapsed > 3*t.options.Interval {
		for _, r := range t.open { // time without evaluations does not count as clean; the time before it does
			if !r.cleanSince.IsZero() {
				r.cleanSince = r.cleanSince.Add(elapsed)
			}
		}
	}
	t.updatedAt = now
	t.noteInstances(now, e, paused)
	t.reopen(now, e)
	e.living = t.living(now, e.Instances)
	if !e.Verdict.Status.Grows() {
		// The counts show no growth: stacks open a leak only if they clearly leak.
		e.Attributions = slices.DeleteFunc(slices.Clone(e.Attributions), func(a attribution.Attribution) bool {
			return t.recordOf(a) == nil && !t.growsForLong(a)
		})
	}
	if e.Verdict.Status.Grows() || len(e.Attributions) > 0 {
		t.applyGrowth(now, e)
	}
	t.applyInherited(now, e.Verdict.Status.Grows())
	for _, r := range t.open {
		r.noteDeaths(e)
		r.setWork(now, e)
	}
	t.promote(now, e)
	t.ignore(now)
	t.open = slices.DeleteFunc(t.open, func(r *record) bool {
		t.follow(now, r, e, elapsed, paused)
		return t.closes(now, r, e)
	})
	t.suspectByCounts(now, e)
	t.resolved = slices.DeleteFunc(t.resolved, func(l leak.Leak) bool {
		return t.options.Remember > 0 && now.Sub(l.ResolvedAt) > t.options.Remember
	})
}

// follow updates what is known of an open leak, whether or not it grows.
func (t *Tracker) follow(now time.Time, r *record, e Evaluation, elapsed time.Duration, paused bool) {
	r.countStanding(e)
	r.updateHoldings(now, e)
	t.watchMissing(now, r, e, paused)
	r.noteMissing()
	r.leak.NoDataSince = r.noDataSince(e)
	if r.hasNoSamples() && !r.growthSeenAt.IsZero() && r.growthSeenAt.Before(now) {
		r.growthSeenAt = r.growthSeenAt.Add(elapsed) // a time without samples is no evidence that the growth has ended
	}
	r.noteExtent(now, quarterDay*t.options.Base, e)
	r.updatePlateau(now, t.options.Base, e)
	r.leak.UpdatedAt = now
}

// closes reports whether a leak is no longer open: a suspicion that has stopped growing, or a leak
// that has ended. A leak that has fired is kept as resolved.
func (t *Tracker) closes(now time.Time, r *record, e Evaluation) bool {
	if r.leak.State == leak.Suspected {
		return now.Sub(r.grewAt) > halfHour*t.options.Base
	}
	if !t.hasEnded(now, r, e) {
		return false
	}
	if r.leak.State == leak.Ignored && r.leak.ResolvedAt.IsZero() {
		return true // it has never fired
	}
	move(&r.leak, now, leak.Resolved, r.leak.Resolution)
	r.leak.ResolvedAt = now
	r.leak.Leaked, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate = 0, r.largestExtent.instances, r.largestExtent.total, r.largestExtent.rate
	t.resolved = append(t.resolved, r.leak)
	return true
}

// Leaks lists the open and the recently resolved leaks by the time of detection. It leaves out
// growing stacks whose confidence is not enough for a suspicion yet.
func (t *Tracker) Leaks() []leak.Leak {
	out := slices.Clone(t.resolved)
	for _, r := range t.open {
		if r.leak.State != leak.Suspected || r.suspected {
			out = append(out, r.leak)
		}
	}
	if t.unattributed != nil {
		out = append(out, *t.unattributed)
	}
	slices.SortFunc(out, leak.ByDetection)
	return out
}

// Open lists the open leaks by the time of detection, and with them the growing stacks whose
// confidence is not enough for a suspicion yet.
func (t *Tracker) Open() []leak.Leak {
	out := make([]leak.Leak, 0, len(t.open))
	for _, r := range t.open {
		out = append(out, r.leak)
	}
	slices.SortFunc(out, leak.ByDetection)
	return out
}

// IsSuspected reports whether an open leak is at least suspected, or the counts alone are enough
// for a suspicion.
func (t *Tracker) IsSuspected() bool {
	return t.countsSuspected || slices.ContainsFunc(t.open, func(r *record) bool { return r.suspected || r.leak.State != leak.Suspected })
}

// indexResolved is the index of a resolved leak; -1: there is none.
func (t *Tracker) indexResolved(id string) int {
	return slices.IndexFunc(t.resolved, func(l leak.Leak) bool { return l.ID == id })
}

// LeakedOn is the number of goroutines that the open leaks hold on an instance.
func (t *Tracker) LeakedOn(instance string) (n float64) {
	for _, r := range t.open {
		if w := r.watched[instance]; w != nil {
			n += w.leaked
		}
	}
	return n
}

// FiringInstances lists the instances of all firing leaks, in order, including those whose leaking
// process has ended.
func (t *Tracker) FiringInstances() (instances []string) {
	for _, r := range t.open {
		if r.leak.State == leak.Firing {
			instances = slices.AppendSeq(instances, maps.Keys(r.watched))
		}
	}
	slices.Sort(instances)
	return slices.Compact(instances)
}

// EarliestOnset is the earliest estimate of the onset of any open leak, which may be a suspicion;
// zero: no leak is open.
func (t *Tracker) EarliestOnset() (onset time.Time) {
	for _, r := range t.open {
		began := r.leak.Onset
		if !r.earliestOnset.IsZero() && r.earliestOnset.Before(began) {
			began = r.earliestOnset
		}
		if onset.IsZero() || began.Before(onset) {
			onset = began
		}
	}
	return onset
}

// SuppressedReason says in plain words why the alarm of the counts does not fire; empty: there is no
// alarm, or it fires.
func (t *Tracker) SuppressedReason() string { return t.suppressedReason }

// IsAlarmed reports whether an open leak is more than suspected.
func (t *Tracker) IsAlarmed() bool {
	return slices.ContainsFunc(t.open, func(r *record) bool { return r.leak.State != leak.Suspected })
}

// Idle reports whether the Tracker has neither leaks, open or resolved, nor an alarm of the counts.
func (t *Tracker) Idle() bool {
	return len(t.open) == 0 && len(t.resolved) == 0 && t.unattributed == nil && t.alarmSince.IsZero()
}
