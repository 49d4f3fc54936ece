package collector

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/procstart"
)

// replicaInstance is an instance that has replicas.
type replicaInstance struct {
	labels     labels.Labels
	window     int64         // the latest window that had it
	current    labels.Labels // the replica whose samples are used
	hasCurrent bool
	last       int64   // time of the latest sample, 0: there is none
	interval   int64   // between two samples of a replica, ms; 0: not known yet
	start      float64 // latest known start
	parts      []Series
}

// hasSeveralProcesses reports whether two replicas show different processes long after
// the younger one has started.
func (in *replicaInstance) hasSeveralProcesses() bool {
	var first Sample
	for i, p := range in.parts {
		x := p.Samples[len(p.Samples)-1]
		if i == 0 {
			first = x
			continue
		}
		a, b := procstart.Time(first.Start), procstart.Time(x.Start)
		if a.Differs(b) && float64(min(first.T, x.T))/1000-max(first.Start, x.Start) > restartMargin.Seconds() {
			return true
		}
	}
	return false
}

// merge returns the samples of one replica after another, in time order.
func (in *replicaInstance) merge() []Sample {
	at := in.currentPart()
	if len(in.parts) == 1 && at == 0 && in.parts[0].Samples[0].T > in.last {
		for _, x := range in.parts[0].Samples {
			in.record(x, true)
		}
		return in.parts[0].Samples
	}
	var out []Sample
	for {
		next, ok := in.next(at, in.last+1, math.MaxInt64)
		if ok && (in.last == 0 || in.interval == 0 || next.T-in.last < in.interval+in.interval/2) {
			out = append(out, next)
			in.record(next, true)
			continue
		}
		// The current replica has a gap, or ends.
		until := int64(math.MaxInt64)
		if ok {
			until = next.T
		}
		other, place := in.otherReplica(at, until)
		switch {
		case place >= 0:
			at, in.current = place, in.parts[place].Labels
			out = append(out, other)
			in.record(other, false)
		case ok:
			out = append(out, next)
			in.record(next, true)
		default:
			return out
		}
	}
}

// currentPart returns the index of the part of the current replica, -1 if it has none. If
// no replica is current yet, the one that begins first becomes it: that does not depend on
// the length of the window.
func (in *replicaInstance) currentPart() int {
	if in.hasCurrent {
		return slices.IndexFunc(in.parts, func(p Series) bool { return labels.Equal(p.Labels, in.current) })
	}
	best := 0
	for i, p := range in.parts {
		if p.Samples[0].T < in.parts[best].Samples[0].T {
			best = i
		}
	}
	in.hasCurrent, in.current = true, in.parts[best].Labels
	return best
}

// next returns the first sample of a part in [from, until). It drops the samples before
// from.
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

// otherReplica returns the earliest sample before until of any other replica that is due,
// and the index of its part, -1 if there is none. It leaves out samples that still show
// the process before a restart, as long as they may be stale.
func (in *replicaInstance) otherReplica(at int, until int64) (best Sample, place int) {
	place = -1
	for i := range in.parts {
		if i == at {
			continue
		}
		for from := max(in.last+1, in.last+in.interval); ; {
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

// record records a merged sample. same means that the sample before is of the same replica.
func (in *replicaInstance) record(x Sample, same bool) {
	if d := x.T - in.last; same && in.last != 0 {
		if in.interval > 0 {
			d = min(d, 2*in.interval) // a gap is not a longer interval
		}
		in.interval = d
	}
	in.last = x.T
	if procstart.Time(x.Start).Known() {
		in.start = x.Start
	}
}
