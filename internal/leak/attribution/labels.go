package attribution

import (
	"cmp"
	"slices"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// minLabelShare is the share of the growth that must have a label.
	minLabelShare = 0.5
	// maxLabels is how many labels are named.
	maxLabels = 3
)

// labelsOf returns the pprof labels that most of a stack's growth has, on all instances together, the
// largest share first.
func labelsOf(g *grownStack, histories []History) (out []leak.LabelShare) {
	grown := 0.0
	by := map[stack.Label]float64{}
	for i := range histories {
		if !g.grows[i] {
			continue
		}
		h := &histories[i]
		count := func(s *stack.Snapshot, sign float64) {
			st := s.Stacks[g.stack.Signature]
			if st == nil {
				return
			}
			grown += sign * float64(st.Count)
			for l, n := range st.ByLabel {
				by[l] += sign * float64(n)
			}
		}
		count(h.base(), -1)
		count(h.head(), 1)
	}
	if grown <= 0 {
		return nil
	}
	best := map[string]leak.LabelShare{} // of each key
	for l, n := range by {
		if share := min(1, n/grown); share >= minLabelShare && share > best[l.Key].Share {
			best[l.Key] = leak.LabelShare{Key: l.Key, Value: l.Value, Share: share}
		}
	}
	for _, x := range best {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b leak.LabelShare) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Key, b.Key))
	})
	return out[:min(len(out), maxLabels)]
}
