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
	o        Options
	service  labels.Labels
	open     []*record
	resolved []leak.Leak
	// alarmed is since when the counts alone are enough for an alarm; zero if
	// they are not.
	alarmed time.Time
	// doubted is when that was seen last to be of stacks that do what a pool does.
	doubted time.Time
	// held is why nobody is told of what the counts say, in plain words; empty:
	// they say nothing, or are believed.
	held    string
	updated time.Time // at the last Update
	// names are the instances of the last Update, and when each was met first.
	names map[string]time.Time
	past  past
}

// Update moves the leaks on to the time now.
func (t *Tracker) Update(now time.Time, o Evaluation) {
	if o.Verdict.Status != trend.Leaking {
		t.alarmed = time.Time{}
	} else if t.alarmed.IsZero() {
		t.alarmed = now
	}
	t.held = ""
	elapsed := now.Sub(t.updated)
	paused := elapsed > 3*t.o.Interval && !t.updated.IsZero()
	if elapsed > 3*t.o.Interval {
		for _, r := range t.open { // nobody looked: no time that it was clean for
			r.cleanSince = time.Time{}
		}
	}
	t.updated = now
	t.meet(now, o, paused)
	t.reopen(now, o)
	o.living = t.living(now, o.Instances)
	if !o.Verdict.Status.Grows() {
		// The counts do not tell: then the stacks have to, clearly.
		o.Attributions = slices.DeleteFunc(slices.Clone(o.Attributions), func(a attribution.Attribution) bool {
			return t.of(a) == nil && !t.lasts(a)
		})
	}
	if o.Verdict.Status.Grows() || len(o.Attributions) > 0 {
		t.grow(now, o)
	}
	t.inherit(now, o.Verdict.Status.Grows())
	for _, r := range t.open {
		r.watchDeaths(o)
	}
	t.promote(now)
	t.ignore(now)
	t.open = slices.DeleteFunc(t.open, func(r *record) bool {
		r.look(o)
		r.follow(now, o)
		t.watchMissing(now, r, o, paused)
		r.remember()
		r.leak.NoDataSince = r.noDataSince(o)
		if r.unseen() && !r.moved.IsZero() && r.moved.Before(now) {
			r.moved = r.moved.Add(elapsed) // a time without samples shows no end of the growth
		}
		r.noteExtent(now, extentFor*t.o.Base, o)
		r.plateau(now, t.o.Base, o)
		r.leak.UpdatedAt = now
		if r.leak.State == leak.Suspected {
			return now.Sub(r.grown) > forget*t.o.Base
		}
		if !t.ended(now, r, o) {
			return false
		}
		if r.leak.State == leak.Ignored && r.leak.ResolvedAt.IsZero() {
			return true // nobody has ever heard of it
		}
		move(&r.leak, now, leak.Resolved, r.leak.Resolution)
		r.leak.ResolvedAt = now
		r.leak.Leaked, r.leak.Instances, r.leak.InstancesTotal, r.leak.Rate = 0, r.largest.instances, r.largest.total, r.largest.rate
		t.resolved = append(t.resolved, r.leak)
		return true
	})
	t.resolved = slices.DeleteFunc(t.resolved, func(l leak.Leak) bool {
		return t.o.Remember > 0 && now.Sub(l.ResolvedAt) > t.o.Remember
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
func (t *Tracker) Leaked(instance string) (n float64) {
	for _, r := range t.open {
		if w := r.watched[instance]; w != nil {
			n += w.leaked
		}
	}
	return n
}

// Told are the instances of the leaks that somebody was told of, those included
// whose process has ended since.
func (t *Tracker) Told() (instances []string) {
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
func (t *Tracker) Onset() (onset time.Time) {
	for _, r := range t.open {
		if onset.IsZero() || r.leak.Onset.Before(onset) {
			onset = r.leak.Onset
		}
	}
	return onset
}

// Held is why an alarm of the counts is held back, in plain words; empty: none
// is.
func (t *Tracker) Held() string { return t.held }

// Idle tells whether there is no leak to tell of, open or resolved, and no alarm
// of the counts that one may come of.
func (t *Tracker) Idle() bool { return len(t.open) == 0 && len(t.resolved) == 0 && t.alarmed.IsZero() }
