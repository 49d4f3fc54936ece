package share

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	// remembered is how many lists long a group is known that is in none.
	remembered = 60
	// mostFresh is how many values may be looked for one by one.
	mostFresh = 500
)

// Known is the groups that are known from one list of all of them to the next. A list costs a
// server as much as a part of the reading itself; the values of a label cost it next to
// nothing. So the groups that have a value which no known group has are looked for at each
// evaluation, and all are listed now and then, for those whose labels all have values that
// other groups have.
//
// The zero value knows none.
type Known struct {
	// Every is how many evaluations there are from one list to the next.
	Every int

	groups map[string]*known
	lists  int // so far
	age    int // of the latest list, in evaluations
	values map[string]map[string]bool
}

type known struct {
	Group
	list int // the latest that has it
}

// List adds a list of all groups. Those of earlier ones are kept for a while.
func (k *Known) List(list []Group) {
	k.lists++
	k.age = 0
	k.Add(list)
	oldest := k.lists - remembered
	if len(k.groups) > 2*len(list)+1024 {
		oldest = k.lists // they change all the time
	}
	for id, g := range k.groups {
		if g.list < oldest {
			delete(k.groups, id)
		}
	}
	k.values = map[string]map[string]bool{}
	for _, g := range k.groups {
		k.addValues(g.Labels)
	}
}

// Add adds some groups.
func (k *Known) Add(some []Group) {
	if k.groups == nil {
		k.groups, k.values = map[string]*known{}, map[string]map[string]bool{}
	}
	for _, g := range some {
		k.groups[string(g.Labels.Bytes(nil))] = &known{Group: g, list: k.lists}
		k.addValues(g.Labels)
	}
}

func (k *Known) addValues(ls labels.Labels) {
	ls.Range(func(l labels.Label) {
		if k.values[l.Name] == nil {
			k.values[l.Name] = map[string]bool{}
		}
		k.values[l.Name][l.Value] = true
	})
}

// Groups returns the groups that are known.
func (k *Known) Groups() []Group {
	out := make([]Group, 0, len(k.groups))
	for _, g := range k.groups {
		out = append(out, g.Group)
	}
	slices.SortFunc(out, func(a, b Group) int { return labels.Compare(a.Labels, b.Labels) })
	return out
}

// Due begins an evaluation and reports whether all groups are to be listed.
func (k *Known) Due() bool {
	k.age++
	return k.lists == 0 || k.age >= k.Every
}

// Fresh returns the matchers of the groups that have a value of a label which no known group
// has, each of at most length bytes in a URL. ok is false if it is better to list all.
func (k *Known) Fresh(values map[string][]string, length int) (matchers []string, ok bool) {
	for name, all := range values {
		var fresh []Group
		for _, v := range all {
			if v != "" && !k.values[name][v] {
				fresh = append(fresh, Group{Labels: labels.FromStrings(name, v), Own: true})
			}
		}
		if len(fresh) > mostFresh {
			return nil, false
		}
		matchers = append(matchers, Matchers([]string{name}, fresh, length)...)
	}
	return matchers, true
}
