package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
)

// Observation is evidence that arrives between two evaluations, beside the counts
// and the attributions that an Evaluation brings. All of it is optional.
type Observation struct {
	// Restored are leaks of an earlier run.
	Restored []leak.Leak
	// Findings are about single leaks.
	Findings []Finding
	// Memory is how the memory of the service's instances grows, by instance. Nil:
	// the source was not asked. Instances that are not in it have no known limit.
	Memory map[string]leak.Memory
}

// Finding is what a dump or a proof has shown of one open leak. All but Leak is
// optional.
type Finding struct {
	// Leak is the leak's ID. A leak that is no longer open is left alone.
	Leak string
	// Evidence is the step that the leak has reached. Evidence is never lowered.
	Evidence leak.Evidence
	// Missing says in plain words why the step after the one that the leak has by
	// now is missing. It is called while the finding is taken; nil: nothing new.
	Missing func(have leak.Evidence) string
	// Stayed is for how long all goroutines that were compared have stayed.
	Stayed time.Duration
	// Compared reports that two dumps were compared, Leaving that the goroutines of the
	// stack leave again, as leaked ones never do.
	Compared, Leaving bool
	// AtWork reports that they stay and wake up now and then, by messages or by what they
	// read. Passing reports that they wait as idle workers do, and that most have ended
	// between the dumps: others have come in their place.
	AtWork, Passing bool
	// Stacks is what a dump shows of the leak's stacks.
	Stacks []StackFinding
	// Dump is one that was archived.
	Dump *leak.ProfileRef
}

// StackFinding is what only a dump, or a profile of another kind, shows of a stack.
type StackFinding struct {
	Signature string
	// Wait is the longest time one of its goroutines had been blocked at the time At of
	// the dump; zero At: there is no dump.
	Wait      time.Duration
	At        time.Time
	Reason    string          // the wait reason as the dump has it
	CreatedBy collector.Frame // the go statement
	// Callers are calls of the user's code that may have started its goroutines.
	Callers []leak.Caller
}

// Observe takes evidence. It shows in Leaks at once; the leaks move to another
// state with the next Update.
func (t *Tracker) Observe(o Observation) {
	for _, l := range o.Restored {
		t.restore(l)
	}
	for _, f := range o.Findings {
		for _, r := range t.open {
			if r.leak.ID == f.Leak {
				r.take(f)
			}
		}
	}
	if o.Memory != nil {
		for _, r := range t.open {
			r.leak.Memory = nearest(o.Memory, r.leak.Instances)
		}
	}
}

// take applies a finding. Slices that were handed out with the leak are copied.
func (r *record) take(f Finding) {
	l := &r.leak
	if f.Dump != nil {
		dumps := append(slices.Clone(l.Dumps), *f.Dump)
		l.Dumps = dumps[max(len(dumps)-leak.MaxDumps, 0):]
	}
	if len(f.Stacks) > 0 {
		l.Stacks = slices.Clone(l.Stacks)
		for _, found := range f.Stacks {
			for i := range l.Stacks {
				if l.Stacks[i].Signature == found.Signature {
					found.addTo(&l.Stacks[i])
				}
			}
		}
	}
	r.longestStay = max(r.longestStay, f.Stayed)
	if f.Compared {
		r.leaving, r.atWork, r.passing = f.Leaving, f.AtWork, f.Passing
	}
	if f.Evidence.Above(l.Evidence) {
		l.Evidence, l.Missing = f.Evidence, ""
	}
	if f.Missing != nil {
		l.Missing = f.Missing(l.Evidence)
	}
}

// addTo adds what was found to a stack.
func (f StackFinding) addTo(s *leak.StackGrowth) {
	if !f.At.IsZero() {
		s.Wait, s.WaitAt, s.CreatedBy = f.Wait, f.At, f.CreatedBy
		if s.Reason = f.Reason; s.Reason == s.Op {
			s.Reason = "" // it says no more
		}
	}
	s.Callers = attribution.CloserCallers(s.Callers, f.Callers)
}

// nearest is the memory of the instance that reaches its limit first; nil if no
// instance has a known limit.
func nearest(memory map[string]leak.Memory, instances []string) (first *leak.Memory) {
	for _, name := range instances {
		if m, ok := memory[name]; ok && (first == nil || hoursLeft(m) < hoursLeft(*first)) {
			first = &m
		}
	}
	return first
}

// hoursLeft is the time until the limit is reached; infinite where nothing grows.
func hoursLeft(m leak.Memory) float64 {
	switch {
	case m.Used >= m.Limit:
		return 0
	case m.PerHour <= 0:
		return math.Inf(1)
	}
	return (m.Limit - m.Used) / m.PerHour
}
