package promapi

import (
	"hash/maphash"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/answer"
	"github.com/gorowatch/gorowatch/collector/promapi/points"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// vector has the series of one expression from window to window: their labels are read and
// joined once, and afterwards recognised by their text.
//
// It is used by one goroutine at a time.
type vector struct {
	seed maphash.Seed
	// byText and byLabels index the series by their labels, as written and in order. One series
	// may have several texts.
	byText   map[key]*series
	byLabels map[key]*series
	// list are the metrics of the answers; an instance may have several
	list signals.List
	// bare is the rank of the metric of the series without a name; negated that of those
	// without a name and with negative values, unless it is the same
	bare, negated int8
	// sets are the distinct sets of label names, usually one. Sorted, those with more labels
	// come first, because they are more specific
	sets     []*nameSet
	byNames  map[key]*nameSet
	unsorted bool
	// version changes when a series comes or goes.
	version int32

	// limit bounds the number of series; the replicas of an instance count as one
	limit int
	// replicas, if set, finds the series of one instance: instances has them. replicated means
	// that there are such series
	replicas   *collector.Replicas
	instances  map[key]int
	replicated bool
	// ignored stands for the series that keep, if set, excludes. named means that the labels of
	// the others are kept
	ignored *series
	// unusable stands for series with labels that cannot be used; problem is the first such
	// problem
	unusable *series
	problem  string
	keep     func(labels.Labels) bool
	named    bool
	// completed means that the pods of instances without one are queried. fresh are new series
	completed bool
	fresh     []*series

	// chunk numbers the answers; read are the series of the latest one, points theirs.
	// duplicates, excess and bad count its series that were left out: as duplicates, beyond the
	// limit, and because of their labels
	chunk                   int32
	read                    []*series
	points                  []points.Point
	several                 bool // series of an instance
	instant                 bool // each series has one point
	duplicates, excess, bad int
	part                    part
}

// key is a hash of what it was made of. With a secret seed, the chance that two of 100,000
// series have the same is one in billions.
type key uint64

// maxReplicas is how many series an instance may have on average.
const maxReplicas = 4

type nameSet struct {
	id    key
	names []string
	n     int // series that have them
}

// series is one series of an expression.
type series struct {
	set *nameSet
	of  *instance // of counts alone
	// rank is the place of the metric in the list. head is the series of the instance that
	// byLabels has, next the one after it, of another metric
	rank       int8
	used       int8   // of the head: the rank of the metric in the latest answer
	runs       *[]run // of the head, if its points are of several metrics
	head, next *series
	uptime     *uptime // of starts, if it has one
	chosen     int32   // of the head: the answer in which one series was chosen
	nameless   bool
	negative   bool  // of the negated metric, in the latest answer
	chunk      int32 // latest answer that had it
	lo, hi     int32 // its points in that
}

// instance is what a series of counts has besides: its labels without the name, those that it
// is shown with, and those by which its container is found; the load and the start that belong
// to it, nil: none, as of their versions; and its place in the current window.
type instance struct {
	labels                labels.Labels
	shown, container      labels.Labels
	identity              key // of the labels without the replica's
	load, start           *series
	loadsSeen, startsSeen int32
	window, place         int32
	unit                  signals.LoadUnit
}

func newVector(limit int, list signals.List) *vector {
	return &vector{
		list: list, seed: maphash.MakeSeed(), byText: map[key]*series{}, byLabels: map[key]*series{}, byNames: map[key]*nameSet{}, limit: limit, ignored: &series{}, unusable: &series{},
	}
}

func (v *vector) key(b []byte) key {
	return key(maphash.Bytes(v.seed, b))
}

// begin prepares for an answer. instant: each series has one point.
func (v *vector) begin(instant bool) {
	v.chunk++
	v.read, v.points, v.duplicates, v.excess, v.bad, v.several = v.read[:0], v.points[:0], 0, 0, 0, false
	v.instant = instant
	v.BeginPart()
}

// part is how much there was when a part of an answer began.
type part struct{ read, points, duplicates, excess, bad int }

// BeginPart prepares for a part of an answer. Series of an earlier part are skipped.
func (v *vector) BeginPart() {
	v.part = part{len(v.read), len(v.points), v.duplicates, v.excess, v.bad}
}

// UndoPart discards the part, so that it can be read again.
func (v *vector) UndoPart() {
	p := v.part
	for _, s := range v.read[p.read:] {
		s.chunk--
	}
	v.read, v.points, v.duplicates, v.excess, v.bad = v.read[:p.read], v.points[:p.points], p.duplicates, p.excess, p.bad
}

// Take receives a series of an answer, with its labels as written.
func (v *vector) Take(text []byte) *[]points.Point {
	v.End()
	id := v.key(text) + key(v.bare) // a series without a name is of another metric if bare changes
	s, ok := v.byText[id]
	if !ok {
		if !v.room(text) {
			v.excess++
			return nil
		}
		s = v.learn(text)
		v.byText[id] = s
	}
	switch {
	case s == v.ignored:
		return nil
	case s == v.unusable:
		v.bad++
		return nil
	case s.chunk == v.chunk:
		if int(s.lo) >= v.part.points {
			v.duplicates++
		}
		return nil
	}
	s.chunk, s.lo = v.chunk, int32(len(v.points))
	s.hi = s.lo
	if s.head.next != nil {
		v.several = true
		if v.instant && s.outranked() {
			return nil
		}
	}
	v.read = append(v.read, s)
	return &v.points
}

// room reports whether one more series fits the limit.
func (v *vector) room(text []byte) bool {
	switch {
	case v.replicas == nil:
		return len(v.byLabels) < v.limit
	case len(v.byLabels) >= maxReplicas*v.limit:
		return false
	case len(v.instances) < v.limit:
		return true
	}
	_, ls := answer.Labels(text)
	return (v.replicated || v.replicas.Replicated(ls)) && v.instances[v.identity(v.replicas.Identity(ls))] > 0
}

// End marks the end of the points of the latest series.
func (v *vector) End() {
	if n := len(v.read); n > 0 && v.read[n-1].hi == v.read[n-1].lo {
		v.read[n-1].hi = int32(len(v.points))
	}
}

// learn finds or makes the series of a new text of labels.
func (v *vector) learn(text []byte) *series {
	metric, ls := answer.Labels(text)
	if problem := collector.LabelsProblem(ls); problem != "" {
		if v.problem == "" {
			v.problem = problem
		}
		return v.unusable
	}
	id := v.identity(ls)
	rank, nameless := v.bare, metric == ""
	if !nameless {
		rank = int8(v.list.Rank(metric))
	}
	if s, ok := v.byLabels[id]; ok {
		a := s.alternative(rank)
		a.nameless = a.nameless || nameless
		return a
	}
	if v.keep != nil && !v.keep(ls) {
		return v.ignored
	}
	s := &series{set: v.setOf(ls), rank: rank, used: rank, nameless: nameless}
	s.head = s
	s.set.n++
	if v.named {
		s.of = &instance{labels: ls, shown: ls, container: ls}
	}
	if v.completed && !ls.Has("pod") && ls.Has("job") && ls.Has("instance") {
		v.fresh = append(v.fresh, s)
	}
	if v.replicas != nil {
		v.replicated = v.replicated || v.replicas.Replicated(ls)
		s.of.identity = v.identity(v.replicas.Identity(ls))
		v.instances[s.of.identity]++
	}
	v.byLabels[id] = s
	v.version++
	return s
}

// identity names labels.
func (v *vector) identity(ls labels.Labels) key {
	var b []byte
	ls.Range(func(l labels.Label) {
		b = append(append(append(append(b, l.Name...), 0xff), l.Value...), 0xff)
	})
	return v.key(b)
}

// remembered is for how many answers a series stays known that is in none of them.
const remembered = 60

// forget drops series that are gone, and the memory of a long answer.
func (v *vector) forget() {
	if v.bad == 0 {
		v.problem = ""
	}
	if cap(v.points) > 4*len(v.points)+1024 {
		v.points = nil
	}
	oldest := v.chunk - remembered
	switch {
	case v.excess > 0, len(v.byText) > 2*len(v.read)+1024:
		oldest = v.chunk // there is no room, or the labels change all the time
	case v.chunk%remembered != 0:
		return
	}
	for id, s := range v.byText {
		if s == v.ignored || s == v.unusable || s.chunk < oldest {
			delete(v.byText, id) // ignored series are checked again
		}
	}
	for id, s := range v.byLabels {
		if s.newest() < oldest {
			v.drop(id, s)
		}
	}
	v.sets = slices.DeleteFunc(v.sets, func(s *nameSet) bool {
		if s.n == 0 {
			delete(v.byNames, s.id)
		}
		return s.n == 0
	})
}

// drop forgets the series of an instance.
func (v *vector) drop(id key, s *series) {
	delete(v.byLabels, id)
	s.set.n--
	if v.replicas != nil {
		if v.instances[s.of.identity]--; v.instances[s.of.identity] <= 0 {
			delete(v.instances, s.of.identity)
		}
	}
	v.version++
}
