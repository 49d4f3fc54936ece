package collector

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

const (
	// staleFor is how long a series may show the process before a restart: its
	// latest sample stands for this long.
	staleFor = 5 * time.Minute
	// settled is how long after a restart each replica has seen it.
	settled = 15 * time.Minute
	// rememberedWindows is how many windows long a replica is known that is in
	// none.
	rememberedWindows = 60
)

// Replicas makes one series of the series of one instance that several replicas
// of a Prometheus have scraped. It takes the samples of one replica at a time
// and goes on with another when that one stops, so that counts, loads and starts
// of two replicas are never mixed.
//
// It remembers from window to window which replica that is. It is used by one
// goroutine at a time. Nil merges nothing.
type Replicas struct {
	names   []string
	window  int64
	members map[uint64]*replica         // by the hash of their labels
	merged  map[string]*replicaInstance // by the labels that are left
}

// replica is one replica's series of an instance.
type replica struct {
	labels labels.Labels
	of     *replicaInstance
	window int64 // the latest that had it
}

// replicaInstance is an instance that has replicas.
type replicaInstance struct {
	labels  labels.Labels
	window  int64         // the latest that had it
	current labels.Labels // the replica that samples are taken of
	chosen  bool
	last    int64   // time of the latest sample, 0: there is none
	rhythm  int64   // between two samples of a replica, ms; 0: not known yet
	start   float64 // latest that is known
	parts   []Series
}

// NewReplicas makes a Replicas for labels with these names; without names it is
// nil.
func NewReplicas(names []string) *Replicas {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" })
	if len(names) == 0 {
		return nil
	}
	return &Replicas{names: names, members: map[uint64]*replica{}, merged: map[string]*replicaInstance{}}
}

// Identity is the labels of an instance without those of the replica. Labels
// without an instance and a pod are left as they are: nothing else there says
// that two series are of the same process.
func (r *Replicas) Identity(ls labels.Labels) labels.Labels {
	if !r.Replicated(ls) {
		return ls
	}
	return labels.NewBuilder(ls).Del(r.names...).Labels()
}

// Replicated reports whether a series is that of one replica of several.
func (r *Replicas) Replicated(ls labels.Labels) bool {
	return r != nil && slices.ContainsFunc(r.names, ls.Has) && (ls.Get("instance") != "" || ls.Get("pod") != "")
}

// Merge merges the series of a window that begins at from. The warnings name
// instances that look like several processes.
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
	var apart []*replicaInstance
	for _, in := range order {
		slices.SortFunc(in.parts, func(a, b Series) int { return labels.Compare(a.Labels, b.Labels) })
		if in.severalProcesses() {
			apart = append(apart, in)
		}
		if in.last > from.UnixMilli() {
			*in = replicaInstance{labels: in.labels, window: in.window, parts: in.parts} // it is read again
		}
		if samples := in.merge(); len(samples) > 0 {
			merged = append(merged, Series{Labels: in.labels, Samples: samples})
		}
		in.parts = nil
	}
	r.forget(replicated)
	if len(apart) > 0 {
		warnings = append(warnings, fmt.Sprintf(
			"%d instances are merged because their series differ only in a replica label, but their processes started at different times, e.g. %s: if the label is no replica of Prometheus, remove it from prometheus.replica_labels",
			len(apart), apart[0].labels))
	}
	return merged, warnings
}

// member finds or makes what is known of a replica's series.
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

// forget lets go of replicas and instances that have been in no window for long,
// or at once when the labels change all the time.
func (r *Replicas) forget(replicated int) {
	oldest := r.window - rememberedWindows
	switch {
	case len(r.members) > 2*replicated+1024:
		oldest = r.window
	case r.window%rememberedWindows != 0:
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

// severalProcesses reports whether two replicas know different processes long
// after the younger one has begun.
func (in *replicaInstance) severalProcesses() bool {
	var first Sample
	for i, p := range in.parts {
		x := p.Samples[len(p.Samples)-1]
		if i == 0 {
			first = x
			continue
		}
		a, b := procstart.Time(first.Start), procstart.Time(x.Start)
		if a.Differs(b) && float64(min(first.T, x.T))/1000-max(first.Start, x.Start) > settled.Seconds() {
			return true
		}
	}
	return false
}

// merge is the samples of one replica after another, in time order.
func (in *replicaInstance) merge() []Sample {
	at := in.at()
	if len(in.parts) == 1 && at == 0 && in.parts[0].Samples[0].T > in.last {
		for _, x := range in.parts[0].Samples {
			in.take(x, true)
		}
		return in.parts[0].Samples
	}
	var out []Sample
	for {
		next, ok := in.next(at, in.last+1, math.MaxInt64)
		if ok && (in.last == 0 || in.rhythm == 0 || next.T-in.last < in.rhythm+in.rhythm/2) {
			out = append(out, next)
			in.take(next, true)
			continue
		}
		// The current replica has a gap, or ends.
		until := int64(math.MaxInt64)
		if ok {
			until = next.T
		}
		other, instead := in.other(at, until)
		switch {
		case instead >= 0:
			at, in.current = instead, in.parts[instead].Labels
			out = append(out, other)
			in.take(other, false)
		case ok:
			out = append(out, next)
			in.take(next, true)
		default:
			return out
		}
	}
}

// at is the place of the current replica among the parts, -1: it is not there.
// Where there is none yet, it is the one that begins first, which does not depend
// on how long a window is.
func (in *replicaInstance) at() int {
	if in.chosen {
		return slices.IndexFunc(in.parts, func(p Series) bool { return labels.Equal(p.Labels, in.current) })
	}
	best := 0
	for i, p := range in.parts {
		if p.Samples[0].T < in.parts[best].Samples[0].T {
			best = i
		}
	}
	in.chosen, in.current = true, in.parts[best].Labels
	return best
}

// next is the first sample of a replica from from, included, to until, excluded.
// What is before from is not looked at again.
func (in *replicaInstance) next(at int, from, until int64) (Sample, bool) {
	if at < 0 {
		return Sample{}, false
	}
	p := &in.parts[at]
	for len(p.Samples) > 0 && p.Samples[0].T < from {
		p.Samples = p.Samples[1:]
	}
	if len(p.Samples) == 0 || p.Samples[0].T >= until {
		return Sample{}, false
	}
	return p.Samples[0], true
}

// other is the earliest sample before until of any other replica that is due,
// and its place; -1: there is none. One that still shows the process before a
// restart is not taken, but for what may be late.
func (in *replicaInstance) other(at int, until int64) (best Sample, place int) {
	place = -1
	for i := range in.parts {
		if i == at {
			continue
		}
		for from := max(in.last+1, in.last+in.rhythm); ; {
			x, ok := in.next(i, from, until)
			if !ok {
				break
			}
			if x.T-in.last <= staleFor.Milliseconds() && procstart.Time(in.start).After(procstart.Time(x.Start)) {
				from = x.T + 1
				continue
			}
			if place < 0 || x.T < best.T {
				best, place = x, i
			}
			break
		}
	}
	return best, place
}

// take notes a sample; same tells whether the one before is of the same replica.
func (in *replicaInstance) take(x Sample, same bool) {
	if d := x.T - in.last; same && in.last != 0 {
		if in.rhythm > 0 {
			d = min(d, 2*in.rhythm) // an absence is no slower rhythm
		}
		in.rhythm = d
	}
	in.last = x.T
	if procstart.Time(x.Start).Known() {
		in.start = x.Start
	}
}

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
