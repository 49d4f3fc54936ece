package query

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/leak"
)

// Expected is the state of leaks that a rule ignores, for people.
const Expected = "expected"

// LeakStates are the states that a list of leaks can be narrowed to, the most important first.
var LeakStates = []string{string(leak.Firing), string(leak.Plateaued), string(leak.Suspected), Expected, string(leak.Resolved)}

// StateOf returns the state of a leak for people, one of LeakStates.
func StateOf(l leak.Leak) string {
	if l.State == leak.Ignored {
		return Expected
	}
	return string(l.Phase())
}

// VersionOf returns the version of a leak as lists show it: one inert line.
func VersionOf(l leak.Leak) string { return human.Line(l.Version, 60) }

// Evidences are the steps of evidence, lowest first.
var Evidences = []string{string(leak.Growth), string(leak.Stack), string(leak.Aged), string(leak.Proven)}

// Order is what a list of leaks is ordered by.
type Order string

// The orders. All but ByService begin with the largest.
const (
	ByImpact  Order = "impact"
	ByNewest  Order = "newest"
	ByGrowth  Order = "growth"
	ByLeaked  Order = "leaked"
	ByService Order = "service"
)

// Orders are all of them, the default first.
var Orders = []Order{ByImpact, ByNewest, ByGrowth, ByLeaked, ByService}

// Leaks is a request for a list of leaks.
type Leaks struct {
	Filter
	// State is one of LeakStates, Evidence one of Evidences, Version that of the
	// service. Empty: all.
	State, Evidence, Version string
	// Order is the order of the list, Reversed whether it is reversed.
	Order    Order
	Reversed bool
	// ByFunction groups the leaks in the same function.
	ByFunction bool
}

// NewLeaks reads state, evidence, version, sort, order and group, and the filter. An unknown
// value is a problem of the filter.
func NewLeaks(q url.Values) Leaks {
	x := Leaks{Filter: NewFilter(q), State: q.Get("state"), Evidence: q.Get("evidence"), Version: q.Get("version"), Order: Order(q.Get("sort"))}
	if x.State == string(leak.Ignored) {
		x.State = Expected
	}
	if x.Order == "" {
		x.Order = ByImpact
	}
	orders := make([]string, len(Orders))
	for i, o := range Orders {
		orders[i] = string(o)
	}
	x.check("state", &x.State, LeakStates)
	x.check("evidence", &x.Evidence, Evidences)
	order := string(x.Order)
	x.check("sort", &order, orders)
	direction, group := q.Get("order"), q.Get("group")
	x.check("order", &direction, []string{"asc", "desc"})
	x.check("group", &group, []string{"function"})
	x.ByFunction = group != ""
	x.Reversed = direction != "" && (direction == "asc") != (x.Order == ByService)
	if len(x.Version) > MaxLength {
		x.Version, x.Problem = "", fmt.Sprintf("version: expected at most %d bytes", MaxLength)
	}
	return x
}

// check refuses a value that is not in a list.
func (x *Leaks) check(name string, value *string, all []string) { OneOf(&x.Filter, name, value, all) }

// OneOf refuses a value that is not in a list, as a problem of the filter: a list that is
// narrowed to something that does not exist looks like an all-clear.
func OneOf(f *Filter, name string, value *string, all []string) {
	if *value == "" || slices.Contains(all, *value) {
		return
	}
	f.Problem = fmt.Sprintf("%s: %s is not known, expected %s", name, human.Line(strconv.Quote(*value), 60), orList(all))
	*value = ""
}

// orList writes words as "a, b or c".
func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// Passes reports whether a leak with these texts passes all but the state.
func (x Leaks) Passes(l leak.Leak, texts ...string) bool {
	return (x.Evidence == "" || string(l.Evidence) == x.Evidence) &&
		(x.Version == "" || VersionOf(l) == x.Version) &&
		x.Filter.Passes(l.Service, texts...)
}
