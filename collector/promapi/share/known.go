package share

import (
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	// remembered is for how many lists a group stays known that is in none of them.
	remembered = 60
	// mostFresh is how many new values may be looked up one by one.
	mostFresh = 500
)

// Known has the groups that are known between two lists of all of them. A list costs a server
// as much as a part of the reading itself; the values of a label cost it next to nothing. So at
// each evaluation, groups with a value that no known group has are looked up. Now and then all
// are listed, to find those whose labels all have values of other groups.
//
// The zero value is empty.
type Known struct {
	// Every is the number of evaluations from one list to the next.
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

// List adds a list of all groups. Those of earlier lists stay for a while.
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

// Groups returns the known groups.
func (k *Known) Groups() []Group {
	out := make([]Group, 0, len(k.groups))
	for _, g := range k.groups {
		out = append(out, g.Group)
	}
	slices.SortFunc(out, func(a, b Group) int { return labels.Compare(a.Labels, b.Labels) })
	return out
}

// Due begins an evaluation and reports whether all groups have to be listed.
func (k *Known) Due() bool {
	k.age++
	return k.lists == 0 || k.age >= k.Every
}

// Fresh returns the matchers of the groups with a label value that no known group has, each of
// at most length bytes in a URL. ok is false if it is better to list all.
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
