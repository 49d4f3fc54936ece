package monitor

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

const (
	// requestPulls is how many profiles of an instance a request is worth, at
	// the suspicion's interval.
	requestPulls = 4
	// requestInstances is of how many instances, where none is named.
	requestInstances = 2
	// maxCaptured bounds the stacks that a capture shows.
	maxCaptured = 5
)

// Request asks for profiles of a service now, because somebody else has seen
// something.
type Request struct {
	// Service is one that Services lists.
	Service labels.Labels
	// Instance is the instance label of the one to look at. Empty, or unknown:
	// those with the most goroutines.
	Instance string
	// Why is for people: the name of an alert.
	Why string
}

// capture is what a request has brought so far.
type capture struct {
	leak.Capture
	saved bool // as it is
}

// errUnknownService answers a request for what is not watched.
var errUnknownService = errors.New("no such service is watched")

// request is one that is being met.
type request struct {
	at       time.Time
	until    time.Time
	captures []*capture // one an instance
}

func (r *request) of(instance string) *capture {
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

// Request makes a service suspicious: profiles of it are taken at once, beside
// the cycles, and then for a while, within the budget of each target. While
// that lasts, further requests for it change nothing. It is called by the
// caller of Cycle.
func (m *Monitor) Request(ctx context.Context, now time.Time, r Request) error {
	s := m.requested(now, r)
	if s == nil {
		return errUnknownService
	}
	m.take(ctx, now, s)
	return nil
}

// requested opens a request, unless one is open.
func (m *Monitor) requested(now time.Time, r Request) *service {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	s := m.lookup(r.Service)
	if s == nil || len(s.fleet.Watched()) == 0 {
		return nil
	}
	if s.request.open(now) {
		return s
	}
	s.request = &request{at: now, until: now.Add(requestPulls * m.o.SuspicionInterval)}
	for n, in := range s.worst(r.Instance) {
		c := &capture{Capture: leak.Capture{ID: captureID(now, s, n, in), Service: s.fleet.Labels, Instance: in.Name, Why: r.Why, At: now}}
		s.request.captures = append(s.request.captures, c)
		m.captures = append(m.captures, c)
		in.next = now
	}
	m.boundCaptures()
	m.logger.Info("Profiles are taken on request", "service", s.fleet.Labels, "why", r.Why)
	return s
}

// open tells whether profiles are taken for the request at the time now.
func (r *request) open(now time.Time) bool { return r != nil && now.Before(r.until) }

// worst are the instances to look at: the named one, or those with the most
// goroutines.
func (s *service) worst(name string) (out []*instance) {
	watched := slices.Clone(s.fleet.Watched())
	slices.SortFunc(watched, func(a, b trend.Instance) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	for _, w := range watched {
		in := s.instance(w.Name)
		switch {
		case in == nil || in.Ended():
		case name != "" && in.Labels.Get("instance") == name:
			return []*instance{in}
		case len(out) < requestInstances:
			out = append(out, in)
		}
	}
	return out
}

// dueOnRequest are the pulls of a request that are due.
func (m *Monitor) dueOnRequest(now time.Time, s *service) (pulls []pull) {
	if !s.request.open(now) {
		s.endRequest()
		return nil
	}
	for _, c := range s.request.captures {
		if in := s.instance(c.Instance); in != nil && !in.Ended() && !in.pulling && !now.Before(in.next) {
			in.next = now.Add(m.o.SuspicionInterval)
			p := m.pull(now, s, in, s.suspicious())
			if !s.suspicious() {
				// The profile before the request is what the others are compared
				// to. To list it is not to have listed what a suspicion needs.
				p.onset, p.request = s.request.at, true
				p.wanted, p.list = in.missing(p.onset), len(c.Profiles) == 0
			}
			pulls = append(pulls, p)
		}
	}
	return pulls
}

// endRequest lets go of what a request has kept in memory.
func (s *service) endRequest() {
	if s.request == nil || s.suspicious() {
		return
	}
	for _, c := range s.request.captures {
		if in := s.profiles[c.Instance]; in != nil {
			for i := range in.shots {
				if in.shots[i].ref.Key != "" { // it can be read again
					in.shots[i].snapshot = nil
				}
			}
		}
	}
	s.request = nil
}

// capture brings the capture of a request up to date with the profiles of the
// instance.
func (s *service) capture(in *instance) {
	c := s.request.of(in.Name)
	if c == nil {
		return
	}
	if len(in.shots) == 0 || in.shots[len(in.shots)-1].ref.Time.Before(s.request.at) {
		if c.Error != in.why {
			c.Error, c.saved = in.why, false
		}
		return
	}
	shots := attribution.FromBase(in.shots, func(sh shot) time.Time { return sh.ref.Time }, s.request.at.Add(-1))
	shots = slices.DeleteFunc(slices.Clone(shots), func(sh shot) bool {
		return sh.snapshot == nil || !sh.ref.Time.After(s.fleet.Started(in.Name))
	})
	if len(shots) == 0 {
		return
	}
	c.Error, c.saved = "", false
	c.Profiles = nil
	for _, sh := range shots {
		c.Profiles = append(c.Profiles, sh.ref)
	}
	var base *stack.Snapshot
	if len(shots) > 1 {
		base = shots[0].snapshot
	}
	c.Stacks = nil
	for _, d := range stack.Diff(base, shots[len(shots)-1].snapshot) {
		if d.Growth() <= 0 || len(c.Stacks) == maxCaptured {
			break
		}
		c.Stacks = append(c.Stacks, leak.StackGrowth{
			Signature: d.Signature, Op: d.Op, Frames: d.Calls(), Key: d.Key, CreatedBy: d.CreatedBy, Base: d.Base, Head: d.Head, Wait: d.Wait,
		})
	}
}
