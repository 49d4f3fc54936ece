package scan

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/leak"
)

// Comparison has the alerts of a rule beside those of gorowatch.
type Comparison struct {
	Rule Rule
	// Services are those that either would have alerted on: first those that both found, then
	// those that only gorowatch found, then those that only the rule found.
	Services []Compared
	// Both, OnlyHere and OnlyRule count them. Recovered counts those of OnlyRule on which the
	// rule no longer fires although no process of the service restarted while it fired: nothing
	// had leaked.
	Both, OnlyHere, OnlyRule, Recovered int
}

// Compared is a service in a Comparison. A leaking service appears twice if the rule fired and
// resolved before the leak began.
type Compared struct {
	// Labels are those of the service, or of the series if it belongs to no service.
	Labels labels.Labels
	// Detected is when gorowatch would have alerted first, zero: never; State is the state at
	// the end.
	Detected time.Time
	State    leak.State
	// Fired is when the rule would have fired first, zero: never; Firings is how often, over
	// all Series.
	Fired   time.Time
	Firings int
	Series  []labels.Labels
	// Firing means that the rule fires at the end. Recovered means, for a service that only the
	// rule found, that it no longer fires and no process has restarted meanwhile.
	Firing, Recovered bool
}

// Lead returns by how much gorowatch was first, negative if the rule was; ok is false unless both
// have found it.
func (c Compared) Lead() (d time.Duration, ok bool) {
	if c.Detected.IsZero() || c.Fired.IsZero() {
		return 0, false
	}
	return c.Fired.Sub(c.Detected), true
}

// kind returns the part of a Comparison.
func (c Compared) kind() int {
	switch {
	case !c.Detected.IsZero() && !c.Fired.IsZero():
		return 0
	case !c.Detected.IsZero():
		return 1
	}
	return 2
}

// found is all leaks of a service.
type found struct {
	labels   labels.Labels
	detected time.Time
	state    leak.State
	spans    []firing // from the onset to the end of each
}

// about reports whether a firing overlaps a leak, in favour of the rule.
func (f *found) about(x firing) bool {
	return f != nil && slices.ContainsFunc(f.spans, func(s firing) bool { return x.from < s.to && x.to > s.from })
}

// compare puts a rule's alerts beside the leaks.
func compare(a *alerts, leaks []leak.Leak, c *curves) *Comparison {
	byService := map[string]*found{}
	for _, l := range leaks {
		f := byService[serviceKey(l.Service)]
		if f == nil {
			f = &found{labels: l.Service, detected: l.DetectedAt, state: l.Phase()}
			byService[serviceKey(l.Service)] = f
		}
		if l.DetectedAt.Before(f.detected) {
			f.detected = l.DetectedAt
		}
		span := firing{l.Onset.UnixMilli(), ongoing}
		switch {
		case l.State != leak.Firing:
			span.to = l.ResolvedAt.UnixMilli()
		case f.state != leak.Firing:
			f.state = l.Phase()
		}
		f.spans = append(f.spans, span)
	}

	type part struct {
		key   string
		about bool
	}
	parts := map[part]*Compared{}
	partOf := func(k string, about bool, ls labels.Labels) *Compared {
		p := part{k, about}
		if parts[p] == nil {
			parts[p] = &Compared{Labels: ls, Recovered: true}
		}
		return parts[p]
	}
	for k, f := range byService {
		x := partOf(k, true, f.labels)
		x.Detected, x.State = f.detected, f.state
	}
	for _, s := range a.series {
		for _, owner := range c.owners(s.labels, byService) {
			k := serviceKey(owner)
			for _, f := range s.firings {
				partOf(k, byService[k].about(f), owner).addFiring(f, s.labels, c.services[k])
			}
		}
	}

	out := &Comparison{Rule: a.rule}
	for _, x := range parts {
		x.Recovered = x.Recovered && !x.Firing && x.Detected.IsZero()
		slices.SortFunc(x.Series, labels.Compare)
		x.Series = slices.CompactFunc(x.Series, labels.Equal)
		out.Services = append(out.Services, *x)
		switch {
		case x.kind() == 0:
			out.Both++
		case x.kind() == 1:
			out.OnlyHere++
		case x.Recovered:
			out.Recovered++
			fallthrough
		default:
			out.OnlyRule++
		}
	}
	slices.SortFunc(out.Services, func(a, b Compared) int {
		left, _ := a.Lead()
		right, _ := b.Lead()
		return cmp.Or(cmp.Compare(a.kind(), b.kind()), cmp.Compare(right, left), a.Detected.Compare(b.Detected),
			cmp.Compare(b.Firings, a.Firings), labels.Compare(a.Labels, b.Labels))
	})
	return out
}

// addFiring counts a firing of a series; s is the service, if it is one.
func (c *Compared) addFiring(f firing, series labels.Labels, s *course) {
	at := time.UnixMilli(f.from).UTC()
	if c.Fired.IsZero() || at.Before(c.Fired) {
		c.Fired = at
	}
	c.Firings++
	c.Firing = c.Firing || f.to == ongoing
	c.Series = append(c.Series, series)
	if s != nil && s.restartsIn(f.from, min(f.to, math.MaxInt64/2)) > 0 {
		c.Recovered = false
	}
}

// owners returns the services of a series of the rule: the one that its group-by labels name,
// or, if several have these labels, those of them that leak. Without one, the series stands for
// itself.
func (c *curves) owners(series labels.Labels, leaking map[string]*found) []labels.Labels {
	group := labels.NewBuilder(series).Keep(c.groupBy...).Labels()
	if group.IsEmpty() {
		return []labels.Labels{series}
	}
	if s := c.services[serviceKey(group)]; s != nil {
		return []labels.Labels{s.labels}
	}
	var all, leaks []labels.Labels
	for _, k := range slices.Sorted(maps.Keys(c.services)) {
		s := c.services[k]
		if !agree(group, s.labels) {
			continue
		}
		all = append(all, s.labels)
		if leaking[k] != nil {
			leaks = append(leaks, s.labels)
		}
	}
	switch {
	case len(all) == 1:
		return all
	case len(leaks) > 0:
		return leaks
	}
	return []labels.Labels{series}
}

// agree reports whether a service has all the labels of a group.
func agree(group, service labels.Labels) bool {
	same := true
	group.Range(func(l labels.Label) { same = same && service.Get(l.Name) == l.Value })
	return same
}
