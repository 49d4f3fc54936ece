package alerting

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// projection is when a limit is reached.
type projection struct {
	limit string  // in words
	hours float64 // from now; ≤ 0: it is
	known bool    // that this is a limit, and not only a large number
}

// projections are those of a leak that goes on, the soonest first.
//
// They are about an instance, the mean of those that leak or the one that is
// worst off: what ends a service is one process that is full, not the sum over
// all.
func projections(l leak.Leak, o RenderOptions) (ps []projection) {
	if l.State == leak.Resolved {
		return nil
	}
	n := max(float64(len(l.Instances)), 1)
	have, perHour := l.Leaked/n, l.Rate.Value/n
	if l.Head != nil && slices.Contains(l.Instances, l.Head.Instance) { // else its process has ended
		have = max(have, float64(l.Head.Total))
	}
	limit := o.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	if perHour > 0 || have >= limit {
		words := human.Number(limit) + " goroutines"
		if n > 1 {
			words += " per instance"
		}
		ps = append(ps, projection{words, hours(limit-have, perHour), o.Limit > 0})
	}
	if m := l.Memory; m != nil && m.PerHour > 0 && m.Limit > 0 {
		ps = append(ps, projection{"memory limit of " + human.Bytes(m.Limit), hours(m.Limit-m.Used, m.PerHour), true})
	}
	if at, leaked, times := l.DiesAt(); times > 0 && perHour > 0 {
		end := projection{
			limit: "a restart at about " + human.Number(at) + " goroutines, as " + human.Plural(int64(times), "time", "times") + " before,",
			hours: max(hours(leaked-l.Leaked/n, perHour), shortestTime),
		}
		// What comes later than that, no process has reached. A limit that is known may
		// be what ended them.
		ps = slices.DeleteFunc(ps, func(p projection) bool {
			end.known = end.known || p.known && p.hours > end.hours
			return p.hours > end.hours
		})
		ps = append(ps, end)
	}
	ps = slices.DeleteFunc(ps, func(p projection) bool { return math.IsNaN(p.hours) })
	slices.SortStableFunc(ps, func(a, b projection) int { return cmp.Compare(a.hours, b.hours) })
	return ps
}

// shortestTime is the time until an end that is overdue, in hours.
const shortestTime = 0.25

// hours is how long it takes to fill what is left.
func hours(left, perHour float64) float64 {
	if left <= 0 {
		return 0
	}
	return left / perHour
}

// words are "100,000 goroutines in about 19 days".
func (p projection) words() string {
	if p.hours <= 0 {
		return "over " + p.limit + " already"
	}
	return p.limit + " in about " + strings.TrimPrefix(human.Hours(p.hours), "over ")
}

// Projection says when an instance reaches its limits: "100,000 goroutines in
// about 19 days".
func Projection(l leak.Leak, o RenderOptions) string {
	var words []string
	for _, p := range projections(l, o) {
		words = append(words, p.words())
	}
	if len(words) == 0 {
		return "does not grow now"
	}
	return strings.Join(words, ", ")
}

// timeToLimit is how many hours a leak has until the first known limit, 0 if it
// is past that; infinite without one.
func timeToLimit(l leak.Leak, o RenderOptions) float64 {
	for _, p := range projections(l, o) {
		if p.known {
			return max(p.hours, 0)
		}
	}
	return math.Inf(1)
}

// calm is by how much a projection has to exceed what is critical before that
// is over: estimates waver, and an alert must not.
const calm = 1.5

// critical tells whether a leak is to be called critical, given whether it is.
func (o RenderOptions) critical(l leak.Leak, is bool) bool {
	if o.CriticalWithin <= 0 || l.State != leak.Firing {
		return false
	}
	within := o.CriticalWithin
	if is {
		within = time.Duration(calm * float64(within))
	}
	return timeToLimit(l, o) <= within.Hours()
}

// HoursLeft is how long a leak takes until the first limit, in hours: 0 or less
// if it is over it, NaN if nothing grows.
func HoursLeft(l leak.Leak, o RenderOptions) float64 {
	if ps := projections(l, o); len(ps) > 0 {
		return ps[0].hours
	}
	return math.NaN()
}
