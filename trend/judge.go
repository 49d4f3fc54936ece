package trend

import (
	"cmp"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/trend/internal/lives"
	"github.com/gorowatch/gorowatch/trend/internal/odds"
)

// finding is the assessment of one scale of an instance, or of the pool.
type finding struct {
	status     Status
	gate       Gate
	z          float64
	slope      Interval // goroutines per block
	onset      int64    // ms
	level      float64  // floor at the present load without the growth
	grown      float64
	b          float64 // goroutines per unit of load
	confidence float64
	n          int     // valid blocks
	blocks     int     // since the onset
	passed     int     // evaluations in a row that no gate stopped
	wait       float64 // base blocks, see Verdict.Wait
	earlier    bool    // the growth began before the view did

	// weighed reports whether odds.Weigh was asked, about rise and known.
	weighed bool
	rise    odds.Rise
	known   odds.Expectation
}

// judge judges each instance, then the sum of all of them, and then the series of processes that
// came and went. The later steps may change the verdict of the earlier ones.
func (s *Service) judge() Verdict {
	v := Verdict{Status: Quiet, Gate: GateTooLittle}
	for _, in := range s.ordered {
		g := in.seg
		for k := range nScales {
			if g.fresh.take(k) {
				g.found[k].update(s.judgeScale(source{one: g}, k), s.below())
			}
		}
		best := decide(&g.found, s.base)
		if best < 0 {
			if wait := s.blocks(float64(enough - int(g.found[0].n))); v.Status == Quiet && v.Gate == GateTooLittle && (v.Wait == 0 || wait < v.Wait) {
				v.Wait = wait
			}
			continue
		}
		f := g.found[best].finding()
		if f.status == Quiet {
			if v.Status == Quiet {
				v.Gate, v.Wait = f.gate, 0
			}
			continue
		}
		v.Instances = append(v.Instances, s.trend(in, &f, best))
		if f.status.rank() > v.Status.rank() || f.status == v.Status && f.confidence > v.Confidence {
			v.take(&f, s.length(best), s.blocks(f.wait))
		}
	}
	if v.Status == Leaking {
		v.Instances = slices.DeleteFunc(v.Instances, func(it InstanceTrend) bool {
			return it.scale < v.Scale/4
		})
	}
	for _, it := range v.Instances {
		v.Rate = v.Rate.Plus(it.Rate)
		v.Leaked += it.Leaked
		if v.Onset.IsZero() || it.Onset.Before(v.Onset) {
			v.Onset = it.Onset
		}
	}
	s.judgePool(&v)
	s.addLives(&v)
	if v.Status == Leaking && s.growsFrom > 0 && s.growsFrom < v.Onset.UnixMilli() {
		v.Onset = msTime(s.growsFrom) // it began in an earlier process
	}
	slices.SortFunc(v.Instances, func(a, b InstanceTrend) int {
		return cmp.Or(cmp.Compare(b.Rate.Value, a.Rate.Value), cmp.Compare(a.Instance, b.Instance))
	})
	return v
}

// blocks returns the length of n base blocks.
func (s *Service) blocks(n float64) time.Duration {
	return time.Duration(n * float64(s.base) * float64(time.Millisecond))
}

// length returns the length of a block of scale k.
func (s *Service) length(k int) time.Duration {
	return time.Duration(s.base*int64(scales[k].mult)) * time.Millisecond
}

func (s *Service) trend(in *instance, f *finding, k int) InstanceTrend {
	g := in.seg
	return InstanceTrend{
		Created: 3600 * g.created(k, f.onset, s.base), Instance: in.name, Onset: msTime(f.onset), Count: float64(g.count), Floor: g.floorNow(),
		Rate: f.slope.hourly(s.length(k)), Leaked: max(0, f.grown), scale: s.length(k), confidence: f.confidence,
	}
}

// take makes a finding the verdict on the whole service.
func (v *Verdict) take(f *finding, scale, wait time.Duration) {
	v.Status, v.Gate, v.Confidence, v.Z, v.Scale, v.Wait = f.status, f.gate, f.confidence, f.z, scale, wait
}

// judgePool judges the sum of all instances, which may show growth that none shows alone.
func (s *Service) judgePool(v *Verdict) {
	if len(s.instances) < 2 {
		return
	}
	if s.pool == nil {
		s.pool = &pool{}
	}
	p := s.pool
	p.gather(s.ordered, s.base)
	if len(p.members) < 2 {
		return
	}
	for k := 1; k < nScales; k++ {
		last, ok := p.newest(k)
		if !ok {
			p.judged[k], p.found[k] = 0, compactFinding{} // a member has just restarted
		} else if last != p.judged[k] {
			p.judged[k] = last
			p.found[k].update(s.judgeScale(source{all: p}, k), s.below())
		}
	}
	best := decide(&p.found, s.base)
	if best < 0 {
		return
	}
	f := p.found[best].finding()
	if v.Status == Leaking && f.status == Provisional && s.poolBends(v) {
		v.Status, v.Gate, v.Confidence, v.Wait = Provisional, f.gate, f.confidence, s.blocks(f.wait)
		return
	}
	if f.status.rank() < v.Status.rank() || f.status == v.Status && f.confidence <= v.Confidence || f.status == Quiet {
		return
	}
	v.take(&f, s.length(best), s.blocks(f.wait))
	v.Rate, v.Onset, v.Leaked = f.slope.hourly(s.length(best)), msTime(f.onset), f.grown
	v.Instances = nil
	for _, in := range s.ordered {
		if own := in.seg.found[best].finding(); slices.Contains(p.members, in.seg) && own.z > likely/2 && own.grown > 0 {
			v.Instances = append(v.Instances, s.trend(in, &own, best))
		}
	}
}

// poolBends reports whether the sum of the instances shows that the growth slows down, and shows it
// better than the verdict on one of them does: most instances grow, and its blocks are at least as
// long, or all of the growth is in view.
func (s *Service) poolBends(v *Verdict) bool {
	for k := range s.pool.found {
		f := &s.pool.found[k]
		sees := s.length(k) >= v.Scale || !msTime(f.onset).After(v.Onset.Add(v.Scale))
		if f.status == Provisional.rank() && f.blocks >= enough && sees &&
			s.pool.alike(k) {
			return true
		}
	}
	return false
}

// addLives looks, once an hour, for growth that only the processes of the service together show:
// those that are running and those that have ended.
func (s *Service) addLives(v *Verdict) {
	var hour int64
	for _, in := range s.ordered {
		hour = max(hour, in.seg.last/(60*s.base))
	}
	if hour != s.livesAt {
		s.livesAt = hour
		s.fromLives = nil
		if x := s.judgeLives(); x.Answer == lives.Grows {
			f := Verdict{Status: Leaking, Onset: msTime(x.Onset), Scale: s.length(3), Z: x.Z, Confidence: 1 - (1-s.opt.MinConfidence)*lives.Clear/x.Z}
			hourly := Interval{x.Slope, x.Slope - x.Half, x.Slope + x.Half}.hourly(s.opt.Base)
			for _, in := range s.ordered {
				g := in.seg
				i := InstanceTrend{Instance: in.name, Rate: hourly, Onset: msTime(max(x.Onset, g.first)), Count: float64(g.count), Floor: g.floorNow()}
				i.Leaked = x.Slope * float64(g.last-max(x.Onset, g.first)) / float64(s.base)
				f.Instances = append(f.Instances, i)
				f.Leaked += i.Leaked
			}
			n := float64(len(f.Instances))
			f.Rate = Interval{hourly.Value * n, hourly.Low * n, hourly.High * n}
			s.fromLives = &f
		}
	}
	if s.fromLives != nil && s.fromLives.Status.rank() > v.Status.rank() {
		*v = *s.fromLives
		v.Instances = slices.Clone(v.Instances)
	}
}
