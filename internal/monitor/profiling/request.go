package profiling

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/trend"
)

const (
	// RequestPulls is how many profiles a request takes of an instance, at the suspicion interval.
	RequestPulls = 4
	// requestInstances is how many instances a request profiles if it names none.
	requestInstances = 2
)

// request is a request for profiles of a service that another system found suspicious.
type request struct {
	at       time.Time
	until    time.Time
	captures []*Capture // one for each instance
}

// capture returns the capture of an instance; nil: it was not requested.
func (r *request) capture(instance string) *Capture {
	if r == nil {
		return nil
	}
	for _, c := range r.captures {
		if c.Instance == instance {
			return c
		}
	}
	return nil
}

// open reports whether profiles are taken for the request at the time now.
func (r *request) open(now time.Time) bool { return r != nil && now.Before(r.until) }

// Requested reports whether a request is open at the time now.
func (s *Service) Requested(now time.Time) bool { return s.request.open(now) }

// Request opens a request for the instance with the given instance label. If that is empty or unknown,
// the request is for the instances with the most goroutines. why is for people. The captures are
// filled as profiles arrive.
func (p *Planner) Request(now time.Time, s *Service, instance, why string) []*Capture {
	s.request = &request{at: now, until: now.Add(RequestPulls * p.SuspicionInterval)}
	for n, in := range s.busiest(instance) {
		s.request.captures = append(s.request.captures, &Capture{Capture: ondemand.Capture{
			ID: s.captureID(now, n, in.Name), Service: s.fleet.Labels, Instance: in.Name, Why: why, At: now,
		}})
		in.suspicion.next = now
	}
	return s.request.captures
}

// captureID names the n-th capture of a request. IDs sort by time.
func (s *Service) captureID(at time.Time, n int, instance string) string {
	h := fnv.New32a()
	_, _ = h.Write(s.fleet.Labels.Bytes(nil))
	_, _ = h.Write([]byte(instance))
	return fmt.Sprintf("%s-%d-%08x", at.UTC().Format("20060102T150405.000Z"), n, h.Sum32())
}

// busiest returns the instances to profile on request: the one with the given instance
// label, or those with the most goroutines.
func (s *Service) busiest(name string) (out []*instanceProfiles) {
	watched := slices.Clone(s.fleet.Watched())
	slices.SortFunc(watched, func(a, b trend.Instance) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	for _, w := range watched {
		in := s.instance(w.Name)
		switch {
		case in == nil || in.Ended():
		case name != "" && in.Labels.Get("instance") == name:
			return []*instanceProfiles{in}
		case len(out) < requestInstances:
			out = append(out, in)
		}
	}
	return out
}

// planRequest plans the due pulls of a request, and ends it when its time is over.
func (p *Planner) planRequest(now time.Time, s *Service, n *Need, plan *Plan) {
	if !s.request.open(now) {
		s.endRequest(n.Growing)
		return
	}
	for _, c := range s.request.captures {
		in := s.instance(c.Instance)
		switch {
		case in == nil || in.Ended() || in.pulling:
		case p.isPushed(now, in):
			plan.Wants = append(plan.Wants, p.want(p.requestedPull(now, s, in, c, n), in, p.pushPause(in)))
		case !now.Before(in.suspicion.next):
			in.suspicion.next = now.Add(p.SuspicionInterval)
			plan.Pulls = append(plan.Pulls, p.requestedPull(now, s, in, c, n))
		}
	}
}

// requestedPull prepares a pull for the capture of an instance.
func (p *Planner) requestedPull(now time.Time, s *Service, in *instanceProfiles, c *Capture, n *Need) Pull {
	if n.Growing {
		return p.pull(now, s, in, n)
	}
	// Without growth, profiles are compared with the last one before the request. Older ones are not
	// read, so forRequest keeps the archive from counting as listed.
	pull := p.pull(now, s, in, nil)
	pull.onset, pull.forRequest = s.request.at, true
	pull.load, pull.list = in.unloaded(pull.onset), len(c.Profiles) == 0
	return pull
}

// endRequest releases the request's profiles in memory, unless a suspicion needs them.
func (s *Service) endRequest(growing bool) {
	if s.request == nil || growing {
		return
	}
	for _, c := range s.request.captures {
		if in := s.instances[c.Instance]; in != nil {
			in.release()
		}
	}
	s.request = nil
}
