package lifecycle

import (
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// How long instances of a leak may be without samples, in base blocks. Missing
// samples alone do not end a leak: the series of a process that runs may be lost
// on their way for hours.
const (
	// goneAfter is for how long an instance has to be known to be gone. While a
	// Prometheus starts, its list of targets is short for a minute or two.
	goneAfter = 10
	// replacedAfter is for how long an instance of which nothing is known has to be
	// missing while a younger one is there in its place.
	replacedAfter = 120
	// unseenAfter is how long a leak fires without any data of its instances.
	unseenAfter = 1440
	// replacedWithin is by how much the younger instance may have begun earlier
	// than the other one went, as in a rolling update.
	replacedWithin = 60
)

// watchMissing notes since when the instances of a leak have no samples, and
// since when they are known to be gone. paused: nobody looked for a while, a time
// that says nothing of any instance.
func (t *Tracker) watchMissing(now time.Time, r *record, e Evaluation, paused bool) {
	for name, w := range r.watched {
		i := find(e.Instances, name)
		if i >= 0 && !t.isLost(now, e.Instances[i]) {
			w.missing, w.gone = time.Time{}, time.Time{}
			continue
		}
		switch {
		case paused:
			w.missing, w.gone = now, time.Time{}
		case !w.missing.IsZero():
		case i >= 0:
			w.missing = e.Instances[i].LastSeen
		default:
			w.missing = now
		}
		switch {
		case e.presence(name) != collector.PresenceGone:
			w.gone = time.Time{}
		case w.gone.IsZero():
			w.gone = now
		}
	}
}

// remember writes down which instances are missing, for the next run and for the
// time after the leak is resolved.
func (r *record) noteMissing() {
	for i := range r.leak.Watched {
		if w := r.watched[r.leak.Watched[i].Instance]; w != nil && !w.missing.IsZero() {
			r.leak.Watched[i].Missing = w.missing
		}
	}
}

// unseen tells whether no instance of the leak has samples.
func (r *record) hasNoSamples() bool {
	for _, w := range r.watched {
		if w.missing.IsZero() {
			return false
		}
	}
	return len(r.watched) > 0
}

// replacements tells whether a process that has begun when this one went is there
// under another name.
func (t *Tracker) hasSuccessor(w *watch, e Evaluation) bool {
	early := w.missing.Add(-replacedWithin * t.options.Base)
	return slices.ContainsFunc(e.Instances, func(in trend.Instance) bool {
		return t.firstSeen[in.Name].After(early) && in.Started.After(early) && in.Started.After(w.started)
	})
}

// meet notes when each instance was met first under its name.
func (t *Tracker) noteInstances(now time.Time, e Evaluation, paused bool) {
	names := make(map[string]time.Time, len(e.Instances))
	for _, in := range e.Instances {
		at, known := t.firstSeen[in.Name]
		switch {
		case known:
		case t.firstSeen == nil || paused:
			at = in.FirstSeen
		default:
			at = now
		}
		names[in.Name] = at
	}
	t.firstSeen = names
}

// noDataSince is since when all instances that may hold leaked goroutines have no
// samples, and it is not known that they are gone; zero: one has, or none may.
func (r *record) noDataSince(e Evaluation) (since time.Time) {
	for name, w := range r.watched {
		switch i := find(e.Instances, name); {
		case !w.missing.IsZero():
			if e.presence(name) != collector.PresenceGone {
				since = later(since, w.missing)
			}
		case !w.isClean(e.Instances[i]):
			return time.Time{}
		}
	}
	return since
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
