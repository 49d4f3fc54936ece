package trend

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/trend/internal/lives"
	"github.com/gorowatch/gorowatch/trend/internal/odds"
)

// Options of a Service. The zero value is usable.
type Options struct {
	// Base is the length of the shortest block, default 1 minute. Blocks of the other scales are
	// 5, 15, 60 and 240 times as long, and all other times scale with Base as well: with a base
	// of a second it decides sixty times as fast, on data that must be sixty times as dense.
	Base time.Duration
	// MinConfidence is the confidence from which growth is Leaking, 0 to 1; default
	// DefaultMinConfidence.
	MinConfidence float64
	// Forget is how long an instance is remembered after its last sample,
	// default 60 base blocks.
	Forget time.Duration
}

// Service is the trend's state of one service. It is not safe for concurrent use.
type Service struct {
	opt       Options
	base      int64 // ms
	instances map[string]*instance
	ordered   []*instance  // by name, so that sums do not depend on a map's order
	pool      *pool        // nil: it has never had two instances
	lives     []lives.Life // of processes that have ended, the latest last
	livesAt   int64        // the hour (60 base blocks) in which lives were last judged
	fromLives *Verdict     // of that judgement; nil: they show no growth
	open      *openLeak    // nil: no leak is open
	growsFrom int64        // onset of growth that lasted to the end of the last processes, ms; 0: none did
	former    float32      // goroutines of the last ended process once it had levelled off
	first     int64        // time of the first sample of any instance, ms
	swings    *odds.Habits // rises that fell back
	starts    *odds.Habits // what its processes did after their start
	changed   bool         // there are samples that verdict does not take into account
	verdict   Verdict
}

type instance struct {
	name string
	seg  *segment
}

// Instance is the latest state of one instance.
type Instance struct {
	Name      string
	Count     float64   // goroutines in the latest sample
	Floor     float64   // smallest count of the last minute or two (base blocks)
	Load      float64   // in the latest sample, NaN: unknown
	Started   time.Time // start of the process, zero: unknown
	FirstSeen time.Time // first sample since the start of the process
	LastSeen  time.Time
}

// DefaultMinConfidence is the confidence from which growth is a leak.
const DefaultMinConfidence = 0.95

// below is a confidence that is just too low for Leaking.
func (s *Service) below() float64 { return 0.99 * s.opt.MinConfidence }

// absurd is a count that no process has. Samples above it are dropped.
const absurd = 1e9

// NewService makes the state of a service that has no samples yet.
func NewService(o Options) *Service {
	if o.Base <= 0 {
		o.Base = time.Minute
	}
	o.Base = max(o.Base, time.Millisecond)
	if !(o.MinConfidence > 0 && o.MinConfidence < 1) {
		o.MinConfidence = DefaultMinConfidence
	}
	if o.Forget <= 0 {
		o.Forget = 60 * o.Base
	}
	return &Service{opt: o, base: o.Base.Milliseconds(), instances: map[string]*instance{}, verdict: Verdict{Status: Quiet, Gate: GateTooLittle}}
}

// Observe takes one sample of an instance, in amortised O(1). It drops samples that are not later
// than the ones before, and samples that cannot be a goroutine count.
func (s *Service) Observe(name string, x Sample) {
	if !(x.Count >= 0 && x.Count <= absurd) || x.T <= 0 {
		return
	}
	if !(x.Load >= 0 && x.Load <= math.MaxFloat32) {
		x.Load = math.NaN()
	}
	if !(x.Start > 0 && finite(x.Start)) {
		x.Start = math.NaN()
	}
	in := s.instances[name]
	switch {
	case in == nil:
		in = &instance{name: name, seg: newSegment(x)}
		if earlier := s.longestLived(); earlier != nil {
			in.seg.inherit(earlier)
			in.seg.former = s.former
		}
		s.instances[name] = in
		at, _ := slices.BinarySearchFunc(s.ordered, name, func(i *instance, n string) int { return cmp.Compare(i.name, n) })
		s.ordered = slices.Insert(s.ordered, at, in)
	case x.T <= in.seg.last:
		return
	case procstart.Time(in.seg.start).Differs(procstart.Time(x.Start)):
		old := in.seg
		s.retire(old)
		in.seg = newSegment(x)
		in.seg.inherit(old)
		in.seg.former = s.former
	case math.IsNaN(in.seg.start):
		in.seg.start = x.Start
	}
	if s.first == 0 {
		s.first = x.T
	}
	in.seg.add(s.base, x)
	s.learn(in.seg)
	s.changed = true
}

// learn remembers the healthy rises of a process, once they have ended.
func (s *Service) learn(g *segment) {
	if g.completed.take(swingScale) {
		r := &g.rings[swingScale]
		if b := r.at(r.len() - 1); b.valid() {
			if blocks, ratio, ended := g.swings.Add(r.last, b.floor, b.load); ended {
				s.swings = s.swings.Occasion()
				s.swings.Note(blocks*float64(scales[swingScale].mult)/60, ratio)
			}
		}
	}
	if g.completed.take(startScale) {
		s.learnStart(g, false)
	}
}

// learnStart remembers what a process did after its start, once it has levelled off or ended.
func (s *Service) learnStart(g *segment, ended bool) {
	if g.reported {
		return
	}
	w, ok := g.afterStart(s.base)
	settled := w.levelled && w.hours > 0
	if !ok || !settled && !ended {
		return
	}
	g.reported = true
	s.starts = s.starts.Occasion()
	switch {
	case !w.levelled:
		s.starts.NoteUnfinished()
	case w.hours > 0:
		s.starts.Note(w.hours, w.ratio)
	}
}

// longestLived returns the process whose blocks a new pod inherits: the one with the most hourly
// blocks, and of several the one with the latest sample.
func (s *Service) longestLived() (best *segment) {
	for _, in := range s.ordered {
		g := in.seg
		if best == nil || cmp.Or(cmp.Compare(g.rings[inherited].len(), best.rings[inherited].len()), cmp.Compare(g.last, best.last), cmp.Compare(g.count, best.count)) > 0 {
			best = g
		}
	}
	return best
}

// Judge returns the verdict from the samples so far. now is the time of the evaluation: instances
// without samples for Options.Forget are forgotten. Frequent calls are cheap, because nothing is
// computed again unless it has changed.
func (s *Service) Judge(now time.Time) Verdict {
	gone := now.UnixMilli() - s.opt.Forget.Milliseconds()
	s.ordered = slices.DeleteFunc(s.ordered, func(in *instance) bool {
		if in.seg.last >= gone {
			return false
		}
		s.retire(in.seg)
		delete(s.instances, in.name)
		s.changed = true
		return true
	})
	if s.changed {
		s.changed = false
		s.verdict = s.judge()
	}
	var floor float64
	if s.open != nil || s.verdict.Status == Leaking {
		for _, in := range s.ordered {
			floor += in.seg.floorNow()
		}
	}
	v := s.verdict
	v.floor = floor
	v, s.open = s.open.follow(now, s.opt.Base, v, floor)
	return v
}

// Instances lists the instances that are not forgotten, by name.
func (s *Service) Instances() []Instance {
	out := make([]Instance, 0, len(s.instances))
	for _, in := range s.ordered {
		g := in.seg
		i := Instance{
			Name: in.name, Count: float64(g.count), Floor: g.floorNow(), Load: float64(g.load),
			FirstSeen: msTime(g.first), LastSeen: msTime(g.last),
		}
		if finite(g.start) {
			i.Started = msTime(int64(g.start * 1000))
		}
		out = append(out, i)
	}
	return out
}
