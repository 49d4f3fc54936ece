package attribution

import (
	"slices"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// The conditions under which a stack may hold what the goroutines of a leak wait for.
const (
	maxHolders = 3  // goroutines that it may have
	minWaiting = 10 // times as many goroutines must wait
	// minHeld is how many profiles in a row, up to the last, must have it.
	minHeld = 3
	// firstWaiters is the share of the growth that may come before it appears.
	firstWaiters = 0.15
)

// holderOf finds the stack whose few goroutines probably hold what those of a growing stack wait for.
// They are in code of the same type or package, do not wait for the same thing themselves, and have
// been there unchanged for as long as the others have been waiting; nil: none is known.
func holderOf(g *grownStack, histories []History) *leak.Holder {
	holders := stack.NewHolders(g.stack)
	if holders == nil {
		return nil
	}
	var best *leak.Holder
	most := 0
	for i, h := range histories {
		if !g.grows[i] {
			continue
		}
		shots := slices.Concat(h.before, h.Shots)
		waiting := counts(g.stack.Signature, shots)
		last := len(shots) - 1
		for signature, st := range h.head().Stacks {
			if signature == g.stack.Signature || st.Count > maxHolders || st.Count*minWaiting > waiting[last] {
				continue
			}
			first := unchangedSince(counts(signature, shots))
			if last-first+1 < minHeld {
				continue
			}
			came := float64(waiting[last] - waiting[0])
			began := first > 0 && float64(waiting[first-1]-waiting[0]) <= firstWaiters*came
			if first > 0 && !began {
				continue // it appeared after others had waited for long
			}
			rank := holders.Rank(st, began)
			if rank == 0 || rank < most || rank == most && signature > best.Signature {
				continue
			}
			most = rank
			best = &leak.Holder{Signature: signature, Op: st.Op, Key: st.Key, Frames: st.Calls(), Count: st.Count}
			if first > 0 {
				best.Since = shots[first].Ref.Time
			}
		}
	}
	return best
}

// unchangedSince returns the index from which on all counts are the same as the last one.
func unchangedSince(n []int64) int {
	i := len(n) - 1
	for i > 0 && n[i-1] == n[len(n)-1] {
		i--
	}
	return i
}
