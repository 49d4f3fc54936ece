package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/trend"
)

// Tracker moves the leaks of one service through their states. It is not safe
// for concurrent use.
type Tracker struct {
	options  Options
	service  labels.Labels
	open     []*record
	resolved []leak.Leak
	// alarmed is since when the counts alone are enough for an alarm; zero if
	// they are not.
	alarmSince time.Time
	// doubted is when that was seen last to be of stacks that do what a pool does.
	doubtedAt time.Time
	// held is why nobody is told of what the counts say, in plain words; empty:
	// they say nothing, or are believed.
	suppressedReason string
	updatedAt        time.Time // at the last Update
	// names are the instances of the last Update, and when each was met first.
	firstSeen map[string]time.Time
	inherited pastLeak
}

// Update moves the leaks on to the time now.
func (t *Tracker) Update(now time.Time, e Evaluation) {
	if e.Verdict.Status != trend.Leaking {
		t.alarmSince = time.Time{}
	} else if t.alarmSince.IsZero() {
		t.alarmSince = now
	}
	t.suppressedReason = ""
	elapsed := now.Sub(t.updatedAt)
	paused := elapsed > 3*t.options.Interval && !t.updatedAt.IsZero()
	if elapsed > 3*t.options.Interval {
		for _, r := range t.open { // nobody looked: no time that it was clean for
			r.cleanSince = time.Time{}
		}
	}
	t.updatedAt = now
	t.noteInstances(now, e, paused)
	t.reopen(now, e)
	e.living = t.living(now, e.Instances)
	if !e.Verdict.Status.Grows() {
		// The counts do not tell: then the stacks have to, clearly.
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
	}
	t.promote(now)
	t.ignore(now)
	t.open = slices.DeleteFunc(t.open, func(r *record) bool {
		r.countStanding(e)
		r.updateHoldings(now, e)
		t.watchMissing(now, r, e, paused)
		r.noteMissing()
		r.leak.NoDataSince = r.noDataSince(e)
		if r.hasNoSamples() && !r.growthSeenAt.IsZero() && r.growthSeenAt.Before(now) {
			r.growthSeenAt = r.growthSeenAt.Add(elapsed) // a time without samples shows no end of the growth
		}
		r.noteExtent(now, extentFor*t.options.Base, e)
		r.updatePlateau(now, t.options.Base, e)
		r.leak.UpdatedAt = now
		if r.leak.State == leak.Suspected {
			return now.Sub(r.grewAt) > forget*t.options.Base
		}
		if !t.hasEnded(now, r, e) {
			return false
		}
		if r.leak.State == leak.Ignored && r.leak.ResolvedAt.IsZero() {
			return true // nobody has ever heard of it
		}
		move(&r.leak, now, leak.Resolved, r.leak.Resolution)
		r.leak.ResolvedAt = now
		r.leak.Leaked, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate = 0, r.largestExtent.instances, r.largestExtent.total, r.largestExtent.rate
		t.resolved = append(t.resolved, r.leak)
		return true
	})
	t.resolved = slices.DeleteFunc(t.resolved, func(l leak.Leak) bool {
		return t.options.Remember > 0 && now.Sub(l.ResolvedAt) > t.options.Remember
	})
}

const (
	// forget is how many base blocks a suspicion outlives the growth.
	forget = 30
	// settle is how many base blocks a lower estimate has to last.
	settle = 15
)

// Leaks lists the leaks, open and lately resolved, by the time of detection.
func (t *Tracker) Leaks() []leak.Leak {
	out := slices.Clone(t.resolved)
	for _, r := range t.open {
		out = append(out, r.leak)
	}
	slices.SortFunc(out, leak.ByDetection)
	return out
}

func (t *Tracker) indexResolved(id string) int {
	return slices.IndexFunc(t.resolved, func(l leak.Leak) bool { return l.ID == id })
}

// Leaked is what an instance holds of the open leaks.
func (t *Tracker) LeakedOn(instance string) (n float64) {
	for _, r := range t.open {
		if w := r.watched[instance]; w != nil {
			n += w.leaked
		}
	}
	return n
}

// Told are the instances of the leaks that somebody was told of, those included
// whose process has ended since.
func (t *Tracker) FiringInstances() (instances []string) {
	for _, r := range t.open {
		if r.leak.State == leak.Firing {
			instances = slices.AppendSeq(instances, maps.Keys(r.watched))
		}
	}
	slices.Sort(instances)
	return slices.Compact(instances)
}

// Onset is when the oldest open leak began, suspected or not; zero if none is
// open.
func (t *Tracker) EarliestOnset() (onset time.Time) {
	for _, r := range t.open {
		if onset.IsZero() || r.leak.Onset.Before(onset) {
			onset = r.leak.Onset
		}
	}
	return onset
}

// Held is why an alarm of the counts is held back, in plain words; empty: none
// is.
func (t *Tracker) SuppressedReason() string { return t.suppressedReason }

// Idle tells whether there is no leak to tell of, open or resolved, and no alarm
// of the counts that one may come of.
func (t *Tracker) Idle() bool {
	return len(t.open) == 0 && len(t.resolved) == 0 && t.alarmSince.IsZero()
}
