package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// restore takes a leak from an earlier run. A leak that was found again in the
// meantime goes on as the one it was.
func (t *Tracker) restore(l leak.Leak) {
	if i := slices.IndexFunc(t.open, func(r *record) bool { return r.leak.ID == l.ID }); i >= 0 {
		t.open[i].resume(l)
		return
	}
	switch l.State {
	case leak.Firing, leak.Ignored:
	case leak.Suspected:
		return // to be suspected again
	default:
		if t.indexResolved(l.ID) < 0 {
			t.resolved = append(t.resolved, l)
		}
		return
	}
	t.open = append(t.open, restored(l))
}

// restored is the record of an open leak whose document is all that is known of
// it.
func restored(l leak.Leak) *record {
	r := &record{leak: l, watched: map[string]*watch{}, signatures: map[string]bool{}}
	for _, s := range l.Stacks {
		r.signatures[s.Signature] = true
	}
	for _, s := range l.Signatures {
		r.signatures[s] = true
	}
	for _, in := range l.Instances {
		// Where nothing is remembered of how it was without the leak, it counts as
		// clean when it restarts, goes, or loses half of what had leaked.
		r.watched[in] = &watch{leaked: l.Leaked / float64(len(l.Instances)), clean: math.NaN()}
	}
	for _, w := range l.Watched {
		have := r.watched[w.Instance]
		if have == nil { // its process had ended
			have = &watch{}
			r.watched[w.Instance] = have
		}
		have.started, have.clean, have.leaked, have.mostStanding = w.Started, w.Clean, w.Leaked, w.Stood
		have.missing = w.Missing
	}
	return r
}

// resume gives an open leak the past of the document before.
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
			l.Version, l.DeployedAt = before.Version, before.DeployedAt
		}
	}
}

// reopen opens the resolved leaks again whose processes were taken for gone and
// are back, with the same start and with what had leaked in them.
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

// isBack tells whether an instance that was missing when the leak was resolved is
// there again, the same process with its leaked goroutines.
func (t *Tracker) isBack(now time.Time, l leak.Leak, e Evaluation) bool {
	return slices.ContainsFunc(l.Watched, func(w leak.Watch) bool {
		i := find(e.Instances, w.Instance)
		if i < 0 || w.Missing.IsZero() || w.Started.IsZero() || t.isLost(now, e.Instances[i]) {
			return false
		}
		in := e.Instances[i]
		return procstart.At(in.Started).Same(procstart.At(w.Started)) && in.Count > w.Clean+w.Leaked/2
	})
}
