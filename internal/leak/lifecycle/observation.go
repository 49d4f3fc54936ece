package lifecycle

import (
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
)

// Observation is evidence that arrives between two evaluations. All fields are optional.
type Observation struct {
	// Restored are leaks of an earlier run.
	Restored []leak.Leak
	// Findings are about single leaks.
	Findings []Finding
	// Memory is how the memory of the service's instances grows, by instance. Nil: the source was
	// not asked. An instance that is not in it has no known limit.
	Memory map[string]leak.Memory
}

// Finding is what a dump, or another special profile, has shown of one open leak. All fields but
// Leak are optional.
type Finding struct {
	// Leak is the leak's ID. Findings about leaks that are no longer open are ignored.
	Leak string
	// Evidence is the step of evidence that was reached. It never lowers that of the leak.
	Evidence leak.Evidence
	// Missing says in plain words why the leak has no higher evidence than it has. It is called
	// once, when the finding is applied; nil: nothing new.
	Missing func(have leak.Evidence) string
	// Stayed is how long all of the compared goroutines have stayed.
	Stayed time.Duration
	// Compared reports that two dumps were compared. Only then do the next three count.
	Compared bool
	// Leaving reports that the goroutines of the stack end after a while, as leaked ones never do.
	Leaving bool
	// AtWork reports that the goroutines stay, but that messages or arriving data wake them now
	// and then.
	AtWork bool
	// Passing reports that the goroutines wait as idle workers do, and that most of them ended
	// between the dumps while others took their place.
	Passing bool
	// Stacks is what a dump shows of the leak's stacks.
	Stacks []StackFinding
	// Dump is the dump in the archive; nil: there is none.
	Dump *leak.ProfileRef
}

// StackFinding is what a dump, or a heap profile, shows of a stack and goroutine profiles do not.
type StackFinding struct {
	Signature string
	// Wait is the longest time that one of its goroutines had been blocked when the dump was
	// taken, at At; zero At: there is no dump.
	Wait      time.Duration
	At        time.Time
	Reason    string          // the wait reason in the dump
	CreatedBy collector.Frame // the go statement
	// Callers are calls of the user's code that may have started its goroutines.
	Callers []leak.Caller
}

// Observe adds evidence. Leaks shows it at once, but only the next Update may change the state of a
// leak by it.
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

// take applies a finding. It copies the slices that it changes, because callers may hold them.
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
			s.Reason = "" // it says no more than the operation
		}
	}
	s.Callers = attribution.CloserCallers(s.Callers, f.Callers)
}

// nearest is the memory of the instance that will reach its limit first; nil if no instance has a
// known limit.
func nearest(memory map[string]leak.Memory, instances []string) (first *leak.Memory) {
	for _, name := range instances {
		if m, ok := memory[name]; ok && (first == nil || hoursLeft(m) < hoursLeft(*first)) {
			first = &m
		}
	}
	return first
}

// hoursLeft is the time until the limit is reached; infinite if the memory does not grow.
func hoursLeft(m leak.Memory) float64 {
	switch {
	case m.Used >= m.Limit:
		return 0
	case m.PerHour <= 0:
		return math.Inf(1)
	}
	return (m.Limit - m.Used) / m.PerHour
}
