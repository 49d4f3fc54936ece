// Command goset compares what a cluster should run with what it runs. Where the
// two sets differ, TreeSet.Equal returns early, and its iterators stay.
package main

import (
	"github.com/gorowatch/gorowatch/test/museum/exhibit"
	"github.com/hashicorp/go-set"
)

type planner struct{ round, drifted int }

func treeOf(items ...int) *set.TreeSet[int, set.Compare[int]] {
	return set.TreeSetFrom[int, set.Compare[int]](items, set.Cmp[int])
}

func (p *planner) reconcile() {
	p.round++
	want := treeOf(1, 2, 3, 4, 5, 6, 7, 8, 9)
	have := treeOf(1, 2, 3, 100+p.round%7, 120, 130, 140, 150, 9000)
	want.Insert(9000)
	want.Remove(9)
	if !want.Equal(have) {
		p.drifted++
	}
}

func main() {
	exhibit.Main(func(e *exhibit.Exhibit) {
		p := &planner{}
		e.Often(p.reconcile)
	})
}
