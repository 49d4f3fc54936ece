package view

import (
	"cmp"
	"slices"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// minLabelShare is the part of a change from which a value of a label is shown.
	minLabelShare = 0.1
	// maxLabelShares is how many values a stack shows.
	maxLabelShares = 6
)

// labelShares are the pprof labels of the goroutines that came or went, the largest share
// of the change first, and those that all goroutines of the stack have.
func labelShares(base, head *stack.Snapshot, d stack.Delta) (out []leak.LabelShare) {
	by := map[stack.Label]int64{}
	count := func(s *stack.Snapshot, sign int64) {
		if st := s.Stacks[d.Signature]; st != nil {
			for l, n := range st.ByLabel {
				by[l] += sign * n
			}
		}
	}
	count(base, -1)
	count(head, 1)
	counted := map[string]bool{}
	for l, n := range by {
		counted[l.Key] = true
		if share := min(1, float64(n)/float64(d.Growth())); share >= minLabelShare {
			out = append(out, leak.LabelShare{Key: l.Key, Value: l.Value, Share: share})
		}
	}
	for key, value := range d.Labels {
		if !counted[key] {
			out = append(out, leak.LabelShare{Key: key, Value: value, Share: 1})
		}
	}
	slices.SortFunc(out, func(a, b leak.LabelShare) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value))
	})
	return out[:min(len(out), maxLabelShares)]
}

// snapshotOf is a profile by signature, with its goroutines counted by their labels. Who
// may see the page may download the profile, so nothing is hidden.
func snapshotOf(p *collector.Profile) *stack.Snapshot {
	b := stack.NewBuilder()
	b.CountLabels(func(_, value string) string { return value })
	for i := range p.Records {
		_ = b.Add(p.Format, &p.Records[i])
	}
	return b.Snapshot(p)
}
