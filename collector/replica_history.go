package collector

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
)

// MergeHistory merges the replicas of each instance for a chart, one replica at a
// time. It changes the slices of the histories.
func (r *Replicas) MergeHistory(all []InstanceHistory) []InstanceHistory {
	if !slices.ContainsFunc(all, func(h InstanceHistory) bool { return r.Replicated(h.Labels) }) {
		return all
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b InstanceHistory) int { return labels.Compare(a.Labels, b.Labels) })
	var order []string
	parts := map[string][]InstanceHistory{}
	for _, h := range all {
		identity := r.Identity(h.Labels)
		key := string(identity.Bytes(nil))
		if parts[key] == nil {
			order = append(order, key)
		}
		h.Labels = identity
		parts[key] = append(parts[key], h)
	}
	out := make([]InstanceHistory, 0, len(order))
	for _, key := range order {
		same := parts[key]
		merged, current := same[0], 0
		for i := range merged.Min {
			for k := 0; math.IsNaN(same[current].Min[i]) && k < len(same); k++ {
				if !math.IsNaN(same[k].Min[i]) {
					current = k
				}
			}
			from := same[current]
			merged.Min[i], merged.Max[i], merged.Load[i], merged.Start[i] = from.Min[i], from.Max[i], from.Load[i], from.Start[i]
		}
		out = append(out, merged)
	}
	return out
}
