package diff

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gorowatch/gorowatch/internal/human"
)

// row is a stack in a table for people.
type row struct {
	Stack
	first *Lockstep // the group whose first member it is
}

// rows returns the stacks of a table for people, the members of a group one below the other. A
// group is not cut, so there may be a few more than limit.
func (r *Report) rows(limit int) (rows []row, rest int) {
	type entry struct {
		growth  int64
		group   *Lockstep
		members []int
	}
	grouped := map[int]bool{}
	var entries []entry
	for i := range r.Locksteps {
		l := &r.Locksteps[i]
		entries = append(entries, entry{l.Growth(), l, l.Members})
		for _, m := range l.Members {
			grouped[m] = true
		}
	}
	for i, s := range r.Stacks {
		if !grouped[i] {
			entries = append(entries, entry{growth: s.Growth(), members: []int{i}})
		}
	}
	if len(r.Locksteps) > 0 {
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(b.growth, a.growth) })
	}
	for _, e := range entries {
		if limit > 0 && len(rows) >= limit {
			break
		}
		for n, m := range e.members {
			next := row{Stack: r.Stacks[m]}
			if n == 0 {
				next.first = e.group
			}
			rows = append(rows, next)
		}
	}
	return rows, len(r.Stacks) - len(rows)
}

// together returns the headline of a group: "+9,424 (1,200 → 10,624) 99 % 4 stacks in lockstep,
// 1:1:1:1".
func (r *Report) together(l *Lockstep) string {
	var share float64
	for _, m := range l.Members {
		share += r.Stacks[m].Share
	}
	return fmt.Sprintf("%s (%s → %s)  %s  %d stacks in lockstep, %s:", human.Change(l.Growth()), human.Count(l.Base), human.Count(l.Head), human.Percent(share), len(l.Members), l.RatioText())
}
