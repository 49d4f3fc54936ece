package profiling

import (
	"time"
)

const (
	// reviewBlocks is the time between two reviews of a service, in blocks of the trend: 6 hours.
	reviewBlocks = 360
	// reviewWindow is how far a review looks back, in blocks: 7 days.
	reviewWindow = 7 * 1440
)

// planReview plans the review of an instance, in turns, whether or not the service is suspicious: counts
// that go up and down can hide a leak whose stack grows steadily. While a leak fires, its instances are
// reviewed, and more often. A review reads the archive and pulls nothing.
func (p *Planner) planReview(now time.Time, s *Service, n *Need) []Pull {
	if p.Archive == nil || s.fleet.Empty() {
		return nil
	}
	every, names := reviewBlocks*p.Block, n.Firing
	firing := len(names) > 0
	if firing {
		every /= 6
	}
	r := &s.review
	if r.next.IsZero() {
		r.next = now.Add(time.Duration(s.hash % uint64(every)))
	}
	if now.Before(r.next) {
		return nil
	}
	r.next = now.Add(every)
	if !firing {
		for _, w := range n.Instances() {
			names = append(names, w.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	name := names[r.turn%len(names)]
	r.turn++
	in := s.instance(name)
	if in == nil || in.pulling {
		return nil
	}
	pull := p.pull(now, s, in, nil)
	pull.review, pull.list, pull.onset = true, true, now.Add(-reviewWindow*p.Block)
	if latest := in.latestLoaded(); firing && latest.After(pull.onset) {
		pull.onset = latest // what is in memory need not be read again
	}
	pull.load = in.unloaded(pull.onset)
	return []Pull{pull}
}
