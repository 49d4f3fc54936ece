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

// projection says when an instance reaches a limit.
type projection struct {
	limit string  // in words
	hours float64 // from now; ≤ 0: it is reached
	known bool    // a real limit, not only a large number
}

// projections returns the projections of a leak that is not resolved, the soonest
// first.
//
// They are about one instance, the mean of those that leak or the worst one: a
// service fails when one process is full, whatever the sum over all.
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
	if at, leaked, times := l.RestartSize(); times > 0 && perHour > 0 {
		end := projection{
			limit: "a restart at about " + human.Number(at) + " goroutines, as " + human.Plural(int64(times), "time", "times") + " before,",
			hours: max(hours(leaked-l.Leaked/n, perHour), shortestTime),
		}
		// No process has lived beyond the earlier ends. A known limit may have caused them.
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

// shortestTime is the projected time, in hours, until an end that is overdue.
const shortestTime = 0.25

// hours returns how long it takes to fill what is left.
func hours(left, perHour float64) float64 {
	if left <= 0 {
		return 0
	}
	return left / perHour
}

// words says the projection for people: "100,000 goroutines in about 19 days".
func (p projection) words() string {
	if p.hours <= 0 {
		return "over " + p.limit + " already"
	}
	return p.limit + " in about " + strings.TrimPrefix(human.Hours(p.hours), "over ")
}

// Projection says when an instance reaches its limits: "100,000 goroutines in about
// 19 days".
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

// timeToLimit returns how many hours a leak has until the first known limit: 0 if
// it is reached, infinite if no limit is known.
func timeToLimit(l leak.Leak, o RenderOptions) float64 {
	for _, p := range projections(l, o) {
		if p.known {
			return max(p.hours, 0)
		}
	}
	return math.Inf(1)
}

// criticalHysteresis is by which factor the time to the limit must exceed
// CriticalWithin before a critical alert resolves. Estimates vary, and an alert
// must not flap with them.
const criticalHysteresis = 1.5

// IsCritical reports whether a leak is critical, given whether it was until now.
func (o RenderOptions) IsCritical(l leak.Leak, was bool) bool {
	if o.CriticalWithin <= 0 || l.State != leak.Firing {
		return false
	}
	within := o.CriticalWithin
	if was {
		within = time.Duration(criticalHysteresis * float64(within))
	}
	return timeToLimit(l, o) <= within.Hours()
}

// HoursLeft returns how many hours a leak takes to reach the first limit: 0 or less
// if it is reached, NaN if nothing grows.
func HoursLeft(l leak.Leak, o RenderOptions) float64 {
	if ps := projections(l, o); len(ps) > 0 {
		return ps[0].hours
	}
	return math.NaN()
}
