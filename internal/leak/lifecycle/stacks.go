package lifecycle

import (
	"maps"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
)

// minLead is the growth that the identifying stack must have to be listed first, as a share of the
// growth of the leading stack.
const minLead = 0.5

// maxSignatures bounds the signatures in the document of a leak.
const maxSignatures = 100

// setStacks gives a leak its stacks. The stack that identifies a firing leak stays the same, so that
// its ID does not change when another stack outgrows it. It is listed first unless its share of the
// growth is small.
func (r *record) setStacks(service labels.Labels, a attribution.Attribution) {
	if r.leak.Signature == "" {
		r.leak.Signature = a.Lead()
	}
	a.Stacks = slices.Clone(a.Stacks) // the caller passes the same ones again
	for i := range a.Stacks {         // keep what only dumps have shown
		r.signatures[a.Stacks[i].Signature] = true
		for _, have := range r.leak.Stacks {
			if have.Signature == a.Stacks[i].Signature {
				keepFindings(&a.Stacks[i], have)
			}
		}
	}
	if len(r.signatures) > len(r.leak.Signatures) && len(r.signatures) <= maxSignatures {
		r.leak.Signatures = slices.Sorted(maps.Keys(r.signatures))
	}
	r.leak.Stacks = a.Stacks
	i := slices.IndexFunc(a.Stacks, func(s leak.StackGrowth) bool { return s.Signature == r.leak.Signature })
	small := i < 0 || float64(a.Stacks[i].Delta()) < minLead*float64(a.Stacks[0].Delta())
	switch {
	case small && r.leak.State == leak.Suspected && r.leak.ID == leak.ID(service, r.leak.Signature):
		r.leak.Signature, r.leak.ID = a.Lead(), leak.ID(service, a.Lead())
	case i > 0 && !small:
		r.leak.Stacks = slices.Concat(a.Stacks[i:i+1], a.Stacks[:i], a.Stacks[i+1:])
	}
	r.leak.Share, r.profiledInstances = a.Share, a.Instances
	r.leak.Base, r.leak.Head = &a.Base, &a.Head
	if leak.Stack.Above(r.leak.Evidence) {
		r.leak.Evidence, r.leak.Missing = leak.Stack, ""
	}
}

// countStanding counts the goroutines on the leak's stacks in the newest profile of each instance.
func (r *record) countStanding(e Evaluation) {
	if e.Latest == nil || len(r.signatures) == 0 {
		return
	}
	for name, w := range r.watched {
		latest, taken := e.Latest(name)
		if latest == nil || !taken.After(w.seen) || taken.Before(w.started) {
			continue
		}
		w.seen, w.standing = taken, 0
		for signature := range r.signatures {
			if st := latest.Stacks[signature]; st != nil {
				w.standing += st.Count
			}
		}
		w.mostStanding = max(w.mostStanding, w.standing)
	}
}

// keepFindings adds to a stack what earlier dumps and heap profiles have shown of it.
func keepFindings(s *leak.StackGrowth, have leak.StackGrowth) {
	if s.CreatedBy.Func == "" {
		s.Wait, s.WaitAt, s.Reason, s.CreatedBy = have.Wait, have.WaitAt, have.Reason, have.CreatedBy
	}
	s.Callers = attribution.CloserCallers(have.Callers, s.Callers)
}
