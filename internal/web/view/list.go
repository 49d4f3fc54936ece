package view

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/web/query"
	"github.com/gorowatch/gorowatch/leak"
)

// LeakList is a list of leaks and the values that it can be narrowed to.
type LeakList struct {
	// Leaks match the whole query, in its order.
	Leaks []leak.Leak
	// Counts are the leaks that match all but the state, by query.StateOf.
	Counts map[string]int
	// Versions are those of all leaks.
	Versions []string
}

// ListLeaks returns the leaks that a request asks for.
func (r *Reader) ListLeaks(x query.Leaks) LeakList {
	list := LeakList{Counts: map[string]int{}}
	for _, l := range r.sortedLeaks() {
		if v := query.VersionOf(l); v != "" && !slices.Contains(list.Versions, v) {
			list.Versions = append(list.Versions, v)
		}
		var texts []string
		if x.HasWords() {
			texts = leakTexts(l)
		}
		if !x.Passes(l, texts...) {
			continue
		}
		state := query.StateOf(l)
		list.Counts[state]++
		if x.State == "" || x.State == state {
			list.Leaks = append(list.Leaks, l)
		}
	}
	slices.Sort(list.Versions)
	r.order(list.Leaks, x)
	return list
}

// order reorders leaks from the order of impact to that of a query.
func (r *Reader) order(leaks []leak.Leak, x query.Leaks) {
	compare := map[query.Order]func(a, b leak.Leak) int{
		query.ByNewest: func(a, b leak.Leak) int { return b.Onset.Compare(a.Onset) },
		query.ByGrowth: func(a, b leak.Leak) int { return cmp.Compare(growthNow(b), growthNow(a)) },
		query.ByLeaked: func(a, b leak.Leak) int { return cmp.Compare(b.Leaked, a.Leaked) },
		query.ByService: func(a, b leak.Leak) int {
			return cmp.Compare(alerting.ServiceName(a.Service), alerting.ServiceName(b.Service))
		},
	}[x.Order]
	if compare != nil {
		slices.SortStableFunc(leaks, compare)
	}
	if x.Reversed {
		slices.Reverse(leaks)
	}
}

// growthNow returns how fast a leak grows now, in goroutines per hour.
func growthNow(l leak.Leak) float64 {
	if l.State == leak.Resolved || l.Phase() == leak.Plateaued || math.IsNaN(l.Rate.Value) {
		return 0
	}
	return l.Rate.Value
}

// Leaks returns the leaks that pass a filter, in the order of impact.
func (r *Reader) Leaks(f query.Filter) []leak.Leak {
	return r.ListLeaks(query.Leaks{Filter: f}).Leaks
}

// FunctionGroup is the leaks in one function, such as those of all services that use a library
// with a bug. Leaks without a function are groups of one.
type FunctionGroup struct {
	Key    collector.Frame
	Leaks  []leak.Leak
	Growth float64 // goroutines per hour, of all
	Leaked float64
	// Onset is the earliest, newest the latest.
	Onset, newest time.Time
	impact        float64
}

// GroupByFunction joins leaks by the function in which they leak, in the order of a
// query: a group counts by the sum of its leaks.
func (r *Reader) GroupByFunction(leaks []leak.Leak, x query.Leaks) []FunctionGroup {
	var groups []FunctionGroup
	at := map[string]int{}
	o := r.o.Backend.RenderOptions()
	for _, l := range leaks {
		var key collector.Frame
		if len(l.Stacks) > 0 {
			key = l.Stacks[0].Key
		}
		i, ok := at[key.Func]
		if !ok || key.Func == "" {
			i = len(groups)
			groups = append(groups, FunctionGroup{Key: key, Onset: l.Onset})
			at[key.Func] = i
		}
		g := &groups[i]
		g.Leaks = append(g.Leaks, l)
		g.Growth += growthNow(l)
		g.Leaked += l.Leaked
		g.impact += impact(l, o)
		if l.Onset.Before(g.Onset) {
			g.Onset = l.Onset
		}
		if l.Onset.After(g.newest) {
			g.newest = l.Onset
		}
	}
	compare := map[query.Order]func(a, b FunctionGroup) int{
		query.ByImpact:  func(a, b FunctionGroup) int { return cmp.Compare(b.impact, a.impact) },
		query.ByNewest:  func(a, b FunctionGroup) int { return b.newest.Compare(a.newest) },
		query.ByGrowth:  func(a, b FunctionGroup) int { return cmp.Compare(b.Growth, a.Growth) },
		query.ByLeaked:  func(a, b FunctionGroup) int { return cmp.Compare(b.Leaked, a.Leaked) },
		query.ByService: func(a, b FunctionGroup) int { return cmp.Compare(a.Key.Func, b.Key.Func) },
	}[x.Order]
	if compare != nil {
		slices.SortStableFunc(groups, compare)
		if x.Reversed {
			slices.Reverse(groups)
		}
	}
	return groups
}
