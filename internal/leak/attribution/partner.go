package attribution

import (
	"math"
	"slices"

	"github.com/gorowatch/gorowatch/leak"
)

// The conditions under which two stacks are a pair.
const (
	minEqual = 3 // profiles in a row with equal counts, not all the same
	minPair  = 3 // goroutines of each
)

// partnerOf finds the partner of a growing stack: a stack whose counts went up and down with it until
// some profile, and has not grown with it since. Of several it picks the one that was equal for the
// longest time; nil: there is none.
func partnerOf(g *grownStack, histories []History) *leak.Partner {
	var best *leak.Partner
	longest := 0
	for i, h := range histories {
		if !g.grows[i] {
			continue
		}
		shots := slices.Concat(h.before, h.Shots)
		own := counts(g.stack.Signature, shots)
		for signature, st := range shots[0].Snapshot.Stacks {
			if signature == g.stack.Signature || st.Count < minPair {
				continue
			}
			n, moved := equalUntil(own, counts(signature, shots))
			if n < minEqual || !moved || n == len(shots) {
				continue
			}
			head := int64(0)
			if now := h.head().Stacks[signature]; now != nil {
				head = now.Count
			}
			if float64(own[len(own)-1]-head) < g.series[i].delta()/2 {
				continue
			}
			if n > longest || n == longest && signature < best.Signature {
				longest = n
				best = &leak.Partner{Signature: signature, Key: st.Key, Both: own[n-1], At: shots[n-1].Ref.Time, Head: head}
			}
		}
	}
	return best
}

// equalUntil returns for how many profiles two stacks had equal counts, and whether these changed. The
// counts may differ by one goroutine, if that is at most a tenth.
func equalUntil(a, b []int64) (n int, moved bool) {
	for n < len(a) && a[n] >= minPair && math.Abs(float64(a[n]-b[n])) <= min(1, float64(a[n])/10) {
		moved = moved || a[n] != a[0]
		n++
	}
	return n, moved
}

// counts returns the number of goroutines that each profile has on a stack.
func counts(signature string, shots []Shot) []int64 {
	n := make([]int64, len(shots))
	for i, s := range shots {
		if st, ok := s.Snapshot.Stacks[signature]; ok {
			n[i] = st.Count
		}
	}
	return n
}
