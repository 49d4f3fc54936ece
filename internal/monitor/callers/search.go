package callers

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/leak"
)

// maxPulls is how many heap profiles are pulled for a leak. A heap profile samples one
// allocation in 512 kB, so rare calls show up later.
const maxPulls = 18

// pauseAfter returns the pause after a number of pulls. It doubles after the first two pulls, and five
// times more after the eighth: people look at a leak in its first hours, but samples add up over days.
func pauseAfter(pulls int, first time.Duration) time.Duration {
	return first << (min(pulls, 2) + min(max(pulls-8, 0), 5))
}

// deferred is how long to wait after a pull that was postponed to spare the target.
const deferred = 20 * time.Second

// Source takes heap profiles of instances.
type Source interface {
	Heap(ctx context.Context, now time.Time, instance labels.Labels) (*collector.Profile, error)
}

// Searches are the searches for the callers of a service's leaks, by the leak's ID. The zero
// value is ready.
type Searches struct{ byLeak map[string]*search }

// search is the search of one leak.
type search struct {
	next    time.Time
	pulls   int
	pulling bool
}

// Pull is a heap profile to be pulled. It may run in the background.
type Pull struct {
	source   Source
	now      time.Time
	instance labels.Labels
	leak     leak.Leak
	search   *search
}

// Result is the outcome of a Pull.
type Result struct {
	leak    leak.Leak
	search  *search
	callers []leak.Caller
	refused bool // the target has no heap profile, or must not be asked for it
	// again is when to try again, if the pull was postponed; zero: it was not.
	again time.Time
}

// Plan plans the heap profiles that are due. pause is the time between the first two of a leak; later
// pauses are longer. find returns the labels of an instance if it can be pulled. Every second profile
// is of another instance of the leak, because each instance samples other allocations.
func (s *Searches) Plan(now time.Time, source Source, leaks []leak.Leak, pause time.Duration, find func(instance string) (labels.Labels, bool)) (pulls []Pull) {
	wanted := map[string]bool{}
	for _, l := range leaks {
		if !isWanted(l) {
			continue
		}
		wanted[l.ID] = true
		at := s.byLeak[l.ID]
		if at == nil {
			at = &search{}
			if s.byLeak == nil {
				s.byLeak = map[string]*search{}
			}
			s.byLeak[l.ID] = at
		}
		if at.pulling || at.pulls >= maxPulls || now.Before(at.next) {
			continue
		}
		instance, ok := find(instanceFor(l, at.pulls))
		if !ok {
			instance, ok = find(l.Head.Instance)
		}
		if !ok {
			continue
		}
		at.pulling, at.next = true, now.Add(pauseAfter(at.pulls, pause))
		at.pulls++
		pulls = append(pulls, Pull{source: source, now: now, instance: instance, leak: l, search: at})
	}
	for id := range s.byLeak {
		if !wanted[id] {
			delete(s.byLeak, id)
		}
	}
	return pulls
}

// instanceFor returns the instance to pull next: alternately that of the latest profile, and one of the
// others.
func instanceFor(l leak.Leak, pulls int) string {
	others := slices.DeleteFunc(slices.Clone(l.Instances), func(name string) bool { return name == l.Head.Instance })
	if pulls%2 == 0 || len(others) == 0 {
		return l.Head.Instance
	}
	return others[pulls/2%len(others)]
}

// isWanted reports whether to search for the callers of a leak: it is open, its goroutines are in a
// library, and there is not a single caller that certainly starts them.
func isWanted(l leak.Leak) bool {
	open := l.State == leak.Firing || l.State == leak.Suspected
	if !open || l.Head == nil || len(l.Stacks) == 0 {
		return false
	}
	s := l.Stacks[0]
	if len(s.Callers) == 1 && s.Callers[0].Link == leak.LinkStarter {
		return false
	}
	return attribution.HasUnknownCaller(s)
}

// Run pulls the profile and searches it.
func (p Pull) Run(ctx context.Context) Result {
	r := Result{leak: p.leak, search: p.search}
	profile, err := p.source.Heap(ctx, p.now, p.instance)
	switch collector.ReasonOf(err) {
	case collector.ReasonNotFound, collector.ReasonNoConsent:
		r.refused = true
	default:
		if err != nil && collector.ReasonOf(err).Deferred() {
			r.again = p.now.Add(deferred)
		}
	}
	if err == nil {
		r.callers = attribution.CallersInHeap(p.leak.Stacks[0], profile)
	}
	return r
}

// Apply records the result, and returns what was found.
func (r Result) Apply() lifecycle.Finding {
	r.search.pulling = false
	switch {
	case r.refused:
		r.search.pulls = maxPulls
	case !r.again.IsZero():
		r.search.pulls--
		r.search.next = r.again
	}
	f := lifecycle.Finding{Leak: r.leak.ID}
	if len(r.callers) > 0 {
		f.Stacks = []lifecycle.StackFinding{{Signature: r.leak.Stacks[0].Signature, Callers: r.callers}}
	}
	return f
}
