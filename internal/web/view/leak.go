package view

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// LeaksOf returns the leaks of a service, in the order of lists.
func (r *Reader) LeaksOf(service labels.Labels) []leak.Leak {
	return slices.DeleteFunc(r.sortedLeaks(), func(l leak.Leak) bool { return !labels.Equal(l.Service, service) })
}

// FiringLeaks are the leaks that fire, by service.
type FiringLeaks map[string][]leak.Leak

// Of returns those of a service, in the order of lists.
func (f FiringLeaks) Of(service labels.Labels) []leak.Leak { return f[string(service.Bytes(nil))] }

// FiringLeaks returns the leaks that fire.
func (r *Reader) FiringLeaks() FiringLeaks {
	firing := FiringLeaks{}
	for _, l := range r.sortedLeaks() {
		if l.State == leak.Firing {
			k := string(l.Service.Bytes(nil))
			firing[k] = append(firing[k], l)
		}
	}
	return firing
}

func (r *Reader) sortedLeaks() []leak.Leak {
	return sortLeaks(r.o.Backend.Leaks(), r.o.Backend.RenderOptions())
}

// sortLeaks returns the leaks in the order of lists: open ones first, those with the most
// impact at the top; then resolved ones, the latest first.
func sortLeaks(leaks []leak.Leak, o alerting.RenderOptions) []leak.Leak {
	rank := map[leak.State]int{leak.Suspected: 1, leak.Ignored: 2, leak.Resolved: 3}
	weight := make(map[string]float64, len(leaks))
	for _, l := range leaks {
		weight[l.ID] = impact(l, o)
	}
	leaks = slices.Clone(leaks)
	slices.SortFunc(leaks, func(a, b leak.Leak) int {
		c := cmp.Compare(rank[a.State], rank[b.State])
		if c == 0 && a.State == leak.Resolved {
			c = b.ResolvedAt.Compare(a.ResolvedAt)
		}
		return cmp.Or(c, cmp.Compare(weight[b.ID], weight[a.ID]), cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(b.Leaked, a.Leaked), cmp.Compare(a.ID, b.ID))
	})
	return leaks
}

// impact orders leaks: by their growth, the number of instances, and the time left until one of
// these reaches a limit.
func impact(l leak.Leak, o alerting.RenderOptions) float64 {
	left := alerting.HoursLeft(l, o)
	if math.IsNaN(left) || !(l.Rate.Value > 0) {
		return 0
	}
	return l.Rate.Value * float64(max(len(l.Instances), 1)) / max(left, 0.1)
}

// ChartSpan returns the time that the chart of a leak shows at first. It begins before
// the onset, to show what was normal.
func ChartSpan(l leak.Leak, now time.Time) (from, to time.Time) {
	to = now
	if !l.ResolvedAt.IsZero() && to.Sub(l.ResolvedAt) > time.Hour {
		to = l.ResolvedAt.Add(time.Hour)
	}
	from = l.Onset
	if from.IsZero() || from.After(to) {
		from = to
	}
	return from.Add(-max(to.Sub(from)/3, 5*time.Minute)), to
}
