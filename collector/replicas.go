package collector

import (
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

const (
	// staleFor is how long a series may show the process before a restart, because Prometheus
	// uses its latest sample for this long.
	staleFor = 5 * time.Minute
	// restartMargin is how long after a restart every replica must have seen it.
	restartMargin = 15 * time.Minute
	// maxMissedWindows is after how many windows without samples a replica is forgotten.
	maxMissedWindows = 60
)

// Replicas merges the series of an instance that several replicas of a Prometheus have
// scraped. It uses the samples of one replica at a time and changes to another when that
// one stops, so that it never mixes counts, loads and starts of two replicas.
//
// It remembers the replica from window to window. It is for one goroutine at a time. Nil
// merges nothing.
type Replicas struct {
	names   []string
	window  int64
	members map[uint64]*replica         // by the hash of their labels
	merged  map[string]*replicaInstance // by the labels without those of the replica
}

// replica is one replica's series of an instance.
type replica struct {
	labels labels.Labels
	of     *replicaInstance
	window int64 // the last window that had it
}

// NewReplicas makes a Replicas for the labels with these names. It is nil without names.
func NewReplicas(names []string) *Replicas {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return nil
	}
	return &Replicas{names: names, members: map[uint64]*replica{}, merged: map[string]*replicaInstance{}}
}

// Identity returns the labels of an instance without those of the replica. It does not change
// labels without instance and pod, because nothing else shows that two series belong to the
// same process.
func (r *Replicas) Identity(ls labels.Labels) labels.Labels {
	if !r.Replicated(ls) {
		return ls
	}
	return labels.NewBuilder(ls).Del(r.names...).Labels()
}

// Replicated reports whether a series belongs to one replica of several.
func (r *Replicas) Replicated(ls labels.Labels) bool {
	return r != nil && slices.ContainsFunc(r.names, ls.Has) && (ls.Get("instance") != "" || ls.Get("pod") != "")
}

// Merge merges the series of a window that begins at from. The warnings name instances
// that are probably several processes.
func (r *Replicas) Merge(all []Series, from time.Time) (merged []Series, warnings []string) {
	if r == nil {
		return all, nil
	}
	r.window++
	replicated := 0
	for _, s := range all {
		if len(s.Samples) > 0 && r.Replicated(s.Labels) {
			r.member(s.Labels)
			replicated++
		}
	}
	if len(r.merged) == 0 {
		return all, nil
	}
	var order []*replicaInstance
	var key []byte
	merged = make([]Series, 0, len(all))
	for _, s := range all {
		if len(s.Samples) == 0 {
			continue
		}
		var in *replicaInstance
		if r.Replicated(s.Labels) {
			in = r.member(s.Labels).of
		} else {
			key = s.Labels.Bytes(key[:0])
			in = r.merged[string(key)]
		}
		switch {
		case in == nil:
			merged = append(merged, s)
			continue
		case len(in.parts) == 0:
			order = append(order, in)
		}
		in.window = r.window
		in.parts = append(in.parts, s)
	}
	var suspects []*replicaInstance
	for _, in := range order {
		slices.SortFunc(in.parts, func(a, b Series) int { return labels.Compare(a.Labels, b.Labels) })
		if in.hasSeveralProcesses() {
			suspects = append(suspects, in)
		}
		if in.last > from.UnixMilli() {
			*in = replicaInstance{labels: in.labels, window: in.window, parts: in.parts} // the window is read again
		}
		if samples := in.merge(); len(samples) > 0 {
			merged = append(merged, Series{Labels: in.labels, Samples: samples})
		}
		in.parts = nil
	}
	r.forgetOld(replicated)
	if len(suspects) > 0 {
		warnings = append(warnings, fmt.Sprintf(
			"%d instances are merged because their series differ only in a replica label, but their processes started at different times, e.g. %s: if the label is no replica of Prometheus, remove it from prometheus.replica_labels",
			len(suspects), suspects[0].labels))
	}
	return merged, warnings
}

// member returns the replica of a series, and makes it if it is new.
func (r *Replicas) member(ls labels.Labels) *replica {
	hash := ls.Hash()
	m := r.members[hash]
	if m == nil || !labels.Equal(m.labels, ls) {
		identity := r.Identity(ls)
		key := string(identity.Bytes(nil))
		in := r.merged[key]
		if in == nil {
			in = &replicaInstance{labels: identity}
			r.merged[key] = in
		}
		m = &replica{labels: ls, of: in}
		r.members[hash] = m
	}
	m.window = r.window
	return m
}

// forgetOld forgets replicas and instances without samples for many windows, or for one
// window when the labels change all the time.
func (r *Replicas) forgetOld(replicated int) {
	oldest := r.window - maxMissedWindows
	switch {
	case len(r.members) > 2*replicated+1024:
		oldest = r.window
	case r.window%maxMissedWindows != 0:
		return
	}
	for hash, m := range r.members {
		if m.window < oldest {
			delete(r.members, hash)
		}
	}
	for key, in := range r.merged {
		if in.window < oldest {
			delete(r.merged, key)
		}
	}
}
