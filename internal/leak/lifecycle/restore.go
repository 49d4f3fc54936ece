package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/leak"
)

// restore takes over a leak of an earlier run. If this run has found it too, the open leak gets the
// past of the earlier one.
func (t *Tracker) restore(l leak.Leak) {
	if i := slices.IndexFunc(t.open, func(r *record) bool { return r.leak.ID == l.ID }); i >= 0 {
		t.open[i].resume(l)
		return
	}
	switch l.State {
	case leak.Firing, leak.Ignored:
	case leak.Suspected:
		return // it will be found again
	default:
		if t.indexResolved(l.ID) < 0 {
			t.resolved = append(t.resolved, l)
		}
		return
	}
	t.open = append(t.open, restored(l))
}

// restored makes the record of an open leak from its document.
func restored(l leak.Leak) *record {
	r := &record{leak: l, watched: map[string]*watch{}, signatures: map[string]bool{}, countsOdds: leastCountsOdds}
	for _, p := range l.Parts {
		switch p.Name {
		case leak.PartCounts:
			r.countsOdds = p.LogOdds
		case leak.PartSurvival:
			r.survivalOdds = p.LogOdds
		}
	}
	for _, s := range l.Stacks {
		r.signatures[s.Signature] = true
	}
	for _, s := range l.Signatures {
		r.signatures[s] = true
	}
	for _, in := range l.Instances {
		// The count without the leak is unknown until the first sample.
		r.watched[in] = &watch{leaked: l.Leaked / float64(len(l.Instances)), clean: math.NaN()}
	}
	for _, w := range l.Watched {
		have := r.watched[w.Instance]
		if have == nil { // it was not among the leak's instances any more
			have = &watch{}
			r.watched[w.Instance] = have
		}
		have.started, have.clean, have.leaked, have.mostStanding = w.Started, w.Baseline, w.Leaked, w.PeakOnStacks
		have.missing = w.Missing
	}
	return r
}

// resume gives an open leak the past that is in its earlier document.
func (r *record) resume(before leak.Leak) {
	l := &r.leak
	l.Transitions = slices.Concat(before.Transitions, l.Transitions)
	l.Transitions = l.Transitions[max(0, len(l.Transitions)-maxTransitions):]
	l.Reopened = max(l.Reopened, before.Reopened)
	if len(l.Deaths) == 0 {
		l.Deaths = before.Deaths
	}
	if before.State == leak.Resolved {
		l.Reopened++
	}
	if before.State == leak.Firing || before.State == leak.Ignored {
		l.DetectedAt = before.DetectedAt
		if !before.Onset.IsZero() {
			l.Onset = before.Onset
		}
		if l.Version == "" {
			l.Version, l.DeployedAt, l.PreviousVersion = before.Version, before.DeployedAt, before.PreviousVersion
		}
	}
}

// reopen opens resolved leaks again if a process that was taken for gone is back, with the same start
// and its leaked goroutines.
func (t *Tracker) reopen(now time.Time, e Evaluation) {
	t.resolved = slices.DeleteFunc(t.resolved, func(l leak.Leak) bool {
		if l.State != leak.Resolved || !t.isBack(now, l, e) || slices.ContainsFunc(t.open, func(r *record) bool { return r.leak.ID == l.ID }) {
			return false
		}
		r := restored(l)
		r.growthSeenAt = now
		r.leak.Reopened++
		r.leak.Resolution, r.leak.ResolvedAt = "", time.Time{}
		move(&r.leak, now, leak.Firing, "the process that was taken for gone is back, and its goroutines with it")
		t.open = append(t.open, r)
		return true
	})
}

// isBack reports whether an instance that was missing when the leak resolved is back as the same
// process, with its leaked goroutines.
func (t *Tracker) isBack(now time.Time, l leak.Leak, e Evaluation) bool {
	return slices.ContainsFunc(l.Watched, func(w leak.Watch) bool {
		i := find(e.Instances, w.Instance)
		if i < 0 || w.Missing.IsZero() || w.Started.IsZero() || t.isLost(now, e.Instances[i]) {
			return false
		}
		in := e.Instances[i]
		return procstart.At(in.Started).Same(procstart.At(w.Started)) && in.Count > w.Baseline+w.Leaked/2
	})
}
