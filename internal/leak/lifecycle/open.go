package lifecycle

import (
	"cmp"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
)

// minOther is the least share of the growth that stacks must explain to open another leak of the
// service.
const minOther = 0.25

// applyGrowth opens leaks for new growth, and updates the open leaks that it belongs to.
func (t *Tracker) applyGrowth(now time.Time, e Evaluation) {
	type match struct {
		*record
		attribution.Attribution
	}
	var known []match
	var delta float64
	for _, a := range e.Attributions {
		r := t.recordOf(a)
		switch {
		case r != nil:
		case len(t.open) == 0 || a.Share >= minOther:
			r = t.openSuspicion(now, e, t.leadSignature(a))
			if r.leak.Onset.IsZero() {
				r.leak.Onset = a.Onset
			}
		default:
			continue
		}
		delta += a.Growth()
		// A leak stays one leak if its stacks no longer grow together.
		if i := slices.IndexFunc(known, func(m match) bool { return m.record == r }); i >= 0 {
			known[i].Attribution = known[i].Plus(a)
			continue
		}
		known = append(known, match{r, a})
	}
	for _, k := range known {
		k.grewAt, k.growthSeenAt = now, now
		k.setStacks(t.service, k.Attribution)
		k.growsForLong = k.growsForLong || t.growsForLong(k.Attribution)
		k.filling, k.halved, k.doubt = k.Attribution.Filling, k.Attribution.Halved, k.Attribution.Doubt
		k.measure(now, tenMinutes*t.options.Base, e, k.Growth()/delta, &k.Attribution)
		if k.leak.State == leak.Suspected && t.growsForLong(k.Attribution) {
			k.leak.Onset = k.Attribution.Onset // the counts show the growth later, if at all
		}
	}
	if len(known) > 0 {
		return
	}
	if len(t.open) > 0 {
		for _, r := range t.open {
			r.growthSeenAt = now
			// If only one leak is open, all of the growth is its. Of several, no share is known.
			if len(t.open) == 1 {
				r.measure(now, tenMinutes*t.options.Base, e, 1, nil)
			}
			if r.leak.Signature == "" {
				r.leak.Missing = e.Why
			}
		}
		return
	}
	switch {
	case t.alarmSince.IsZero():
	case t.countsAreDoubtful(now):
		t.suppressedReason = "within the last day its stacks grew and shrank as those of a pool or a job do"
	case now.Sub(t.alarmSince) < t.profilePatience(e):
		t.suppressedReason = cmp.Or(e.Why, "waiting for profiles")
	default:
		r := t.openSuspicion(now, e, "")
		r.grewAt, r.growthSeenAt = now, now
		r.leak.Evidence, r.leak.Missing = leak.Growth, e.Why
		r.measure(now, tenMinutes*t.options.Base, e, 1, nil)
	}
}

// recordOf finds the open leak of an attribution: the one that has or had one of its stacks, else
// the one whose stack is unknown; nil: there is none.
func (t *Tracker) recordOf(a attribution.Attribution) *record {
	for _, r := range t.open {
		for _, st := range a.Stacks {
			if r.signatures[st.Signature] {
				return r
			}
		}
	}
	for _, r := range t.open {
		if r.leak.Signature == "" {
			return r
		}
	}
	return nil
}

// leadSignature picks the signature that identifies a new leak: that of a resolved leak that
// returns, else that of the leading stack.
func (t *Tracker) leadSignature(a attribution.Attribution) string {
	for _, s := range a.Stacks {
		if slices.ContainsFunc(t.resolved, func(l leak.Leak) bool { return l.Signature == s.Signature }) {
			return s.Signature
		}
	}
	return a.Lead()
}

// openSuspicion opens a leak that does not fire yet.
func (t *Tracker) openSuspicion(now time.Time, e Evaluation, signature string) *record {
	r := t.newRecord(now, e, signature)
	move(&r.leak, now, leak.Suspected, "its counts or stacks grow")
	t.open = append(t.open, r)
	return r
}

// newRecord makes the record of a leak that is found now.
func (t *Tracker) newRecord(now time.Time, e Evaluation, signature string) *record {
	r := &record{
		leak: leak.Leak{
			ID:        leak.ID(t.service, signature),
			Service:   t.service,
			Signature: signature,
			Onset:     e.Verdict.Onset,
		},
		grewAt:     now,
		watched:    map[string]*watch{},
		signatures: map[string]bool{},
	}
	// A leak that returns continues under its ID, which may be from before its stack was known.
	if t.options.Remember > 0 {
		if i := slices.IndexFunc(t.resolved, func(l leak.Leak) bool { return l.Signature == signature }); i >= 0 {
			r.leak.ID = t.resolved[i].ID
		}
	}
	return r
}
