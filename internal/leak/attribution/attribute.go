package attribution

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// The conditions under which growth is attributed to stacks.
const (
	minShots    = 3   // profiles over time
	MinGrowth   = 5   // goroutines, from base to head; fewer may be chance
	maxFallBack = 0.2 // the share of the growth that may fall back in between
	minShare    = 0.5 // the share of the growth that all grown stacks together must explain
	minSteady   = 0.6 // Kendall's tau of the counts over time; with three profiles it must be 1

	// maxOver is how many times as much as the floor stacks may grow: requests in flight come and
	// go, and do not raise the floor. minRest is the share of the floor's growth that the leaks
	// found so far must leave over for another leak.
	maxOver = 2.0
	minRest = 0.2
)

// Attribute finds the stacks to which the growth of a service belongs, from the profiles of its
// growing instances. Stacks that grow together are one Attribution. User code comes before libraries,
// and then what explains the growth best. If there is none, why says in plain words what is missing.
func Attribute(histories []History) (as []Attribution, why string) {
	var full []History
	var total, leaked float64
	shots := 0
	for _, h := range histories {
		whole := h.Shots
		h.Shots = FromBase(h.Shots, func(s Shot) time.Time { return s.Ref.Time }, h.Onset)
		h.before = whole[:len(whole)-len(h.Shots)]
		shots = max(shots, len(h.Shots))
		if len(h.Shots) < minShots {
			continue
		}
		full = append(full, h)
		total += max(0, float64(h.head().Total-h.base().Total))
		leaked += h.Leaked
	}
	grown := growingStacks(full)
	switch {
	case len(histories) == 0 || shots == 0:
		return nil, "no profile could be pulled"
	case shots < minShots:
		return nil, fmt.Sprintf("%d of the %d profiles needed", shots, minShots)
	case len(grown) == 0 && total < MinGrowth:
		return nil, "the profiles do not show the growth of the counts"
	case len(grown) == 0:
		return nil, "no stack grows steadily in the profiles"
	}
	slices.SortFunc(grown, func(a, b *grownStack) int {
		return cmp.Or(compareBools(b.stack.UserCode, a.stack.UserCode), cmp.Compare(b.weight(leaked), a.weight(leaked)), cmp.Compare(a.stack.Signature, b.stack.Signature))
	})
	// What has to be explained is the growth of the floor. The profiles contain requests in flight
	// too.
	if leaked >= MinGrowth {
		total = min(total, leaked)
	}
	limit := func(rest float64) float64 {
		if leaked == 0 {
			return math.Inf(1)
		}
		return maxOver*rest + MinGrowth
	}
	var explained float64
	var over [][]*grownStack // groups that grew by more than the floor: they come and go
	for _, group := range groupByShape(grown, limit(leaked)) {
		var d float64
		for _, g := range group {
			d += g.delta()
		}
		rest := leaked - explained
		if d > limit(rest) {
			over = append(over, group)
		}
		if d > limit(rest) || (len(as) > 0 && (rest < max(MinGrowth, minRest*leaked) || !group[0].stack.UserCode)) {
			continue
		}
		explained += d
		as = append(as, describe(group, full, max(total, MinGrowth)))
	}
	comesAndGoes := func(a Attribution) bool { return a.Lasting == 0 }
	switch {
	case len(as) == 0:
		// The growth of the floor is an estimate, sometimes from many processes. A stack that has
		// shown for long that it does not come and go proves it wrong.
		for _, group := range over {
			if a := describe(group, full, max(total, MinGrowth)); !comesAndGoes(a) {
				return []Attribution{a}, ""
			}
		}
		return nil, "the stacks that grow in the profiles grow by more than the floor of the counts: they come and go"
	case leaked == 0 || explained >= minShare*total:
		return as, ""
	}
	// Most of the growth is unexplained. Only stacks that have shown for long that they do not come
	// and go count.
	as = slices.DeleteFunc(as, comesAndGoes)
	if len(as) == 0 {
		return nil, fmt.Sprintf("the stacks that grow steadily explain only %.0f %% of the growth", 100*explained/total)
	}
	return as, ""
}

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// FromBase cuts off the profiles before the base, which is the last one before the onset, or else the
// first one. list is in time order, and taken returns when a profile was taken.
func FromBase[T any](list []T, taken func(T) time.Time, onset time.Time) []T {
	base := 0
	for i, p := range list {
		if !taken(p).After(onset) {
			base = i
		}
	}
	return list[base:]
}
