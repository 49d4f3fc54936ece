package view

import (
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// MaxStacks bounds the stacks in a list.
const MaxStacks = 50

// Snapshots returns the two profiles by signature. A missing profile gives an empty one.
func (p Pair) Snapshots() (base, head *stack.Snapshot) {
	base = &stack.Snapshot{}
	if p.Base != nil {
		base = snapshotOf(p.Base)
	}
	return base, snapshotOf(p.Head)
}

// Change is the change of a stack, with the pprof labels that its goroutines share.
// Leaks never hold these labels, so they are beside the growth, not in it.
type Change struct {
	leak.StackGrowth
	Labels map[string]string
	// Shares are the values of labels that most of the change has.
	Shares []leak.LabelShare
}

// Changes returns the stacks that changed, the most grown first, and how many more
// there are.
func Changes(base, head *stack.Snapshot) (changes []Change, more int) {
	deltas := stack.Diff(base, head)
	var grown int64
	for _, d := range deltas {
		grown += max(d.Growth(), 0)
	}
	program := stack.ProgramOf(head, base)
	shown := deltas[:min(len(deltas), MaxStacks)]
	for _, d := range shown {
		s := leak.StackGrowth{
			Signature: d.Signature, Op: d.Op, Frames: d.Calls(), Key: d.Key, CreatedBy: d.CreatedBy,
			Base: d.Base, Head: d.Head, Wait: d.Wait, Program: program,
		}
		if d.Growth() > 0 {
			s.Share = float64(d.Growth()) / float64(grown)
		}
		changes = append(changes, Change{s, d.Labels, labelShares(base, head, d)})
	}
	return changes, len(deltas) - len(shown)
}
