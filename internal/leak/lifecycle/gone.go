package lifecycle

import (
	"maps"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// watchMissing records when the samples of a leak's instances stopped, and when the instances became
// known to be gone. paused means that there was no evaluation for a while, so the missing samples
// of that time say nothing.
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

// noteMissing records the missing instances in the leak: a restart needs them, and so does a resolved
// leak whose process comes back.
func (r *record) noteMissing() {
	for i := range r.leak.Watched {
		if w := r.watched[r.leak.Watched[i].Instance]; w != nil && !w.missing.IsZero() {
			r.leak.Watched[i].Missing = w.missing
		}
	}
}

// hasNoSamples reports whether no instance of the leak has samples.
func (r *record) hasNoSamples() bool {
	for _, w := range r.watched {
		if w.missing.IsZero() {
			return false
		}
	}
	return len(r.watched) > 0
}

// hasSuccessor reports whether a process under another name started about when this one went missing.
func (t *Tracker) hasSuccessor(w *watch, e Evaluation) bool {
	early := w.missing.Add(-halfHour * t.options.Base)
	return slices.ContainsFunc(e.Instances, func(in trend.Instance) bool {
		return t.firstSeen[in.Name].After(early) && in.Started.After(early) && in.Started.After(w.started)
	})
}

// noteInstances records when each instance was first seen under its name. After a start or a pause it
// does not know, and takes the first sample of the process instead.
func (t *Tracker) noteInstances(now time.Time, e Evaluation, paused bool) {
	begins := t.firstSeen == nil || paused
	if t.firstSeen == nil {
		t.firstSeen = make(map[string]time.Time, len(e.Instances))
	}
	for _, in := range e.Instances {
		if _, known := t.firstSeen[in.Name]; known {
			continue
		}
		at := now
		if begins {
			at = in.FirstSeen
		}
		t.firstSeen[in.Name] = at
	}
	if len(t.firstSeen) > len(e.Instances) {
		maps.DeleteFunc(t.firstSeen, func(name string, _ time.Time) bool { return find(e.Instances, name) < 0 })
	}
}

// noDataSince is when the last instance that may hold leaked goroutines stopped having samples; zero:
// one still has samples, or all are known to be gone.
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
