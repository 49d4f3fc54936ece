package profiling

import (
	"hash/fnv"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// MaxEmptyPulls is how many failed pulls in a row make a service count as one without profiles.
const MaxEmptyPulls = 4

// Service has the profiles of one service that are in memory, and when the next ones are due. A Planner
// plans them.
type Service struct {
	fleet *fleet.Service
	hash  uint64 // spreads the services over an interval
	// instances are those with a planned profile, by name.
	instances map[string]*instanceProfiles
	snapshots snapshotBuilder

	baseline schedule
	review   schedule
	request  *request          // the latest one; nil: it has ended
	proofs   map[string]*proof // by leak

	emptyPulls int // in a row, of any instance
}

// schedule is when something is due next, and which instance has the turn.
type schedule struct {
	next time.Time // zero: not planned yet
	turn int
}

// instanceProfiles is the profiles of an instance.
type instanceProfiles struct {
	*fleet.Instance

	profiles []storedProfile // of this process and earlier ones, oldest first
	listed   bool            // the archive was asked for profiles of earlier runs

	// earlier are profiles of the longest-lived of the earlier processes, oldest first.
	// earlierChecked is the number of processes of the instance when the archive was asked for
	// them; 0: it was not.
	earlier        []storedProfile
	earlierChecked int

	pulling   bool
	suspicion suspicion
	nextTotal time.Time // when an instance without series is counted next
	lastError string    // of the latest pull; empty: it succeeded
}

// storedProfile is a profile in memory or in the archive; snapshot is nil if it is not in memory.
type storedProfile struct {
	ref      leak.ProfileRef
	snapshot *stack.Snapshot
}

// taken returns when the profile was taken.
func (p storedProfile) taken() time.Time { return p.ref.Time }

// NewService makes the Service for a service of the fleet.
func NewService(f *fleet.Service) *Service {
	h := fnv.New64a()
	h.Write(f.Labels.Bytes(nil))
	return &Service{fleet: f, hash: h.Sum64(), instances: map[string]*instanceProfiles{}, proofs: map[string]*proof{}}
}

// instance returns the entry of an instance, or makes it; nil: the fleet has no such instance.
func (s *Service) instance(name string) *instanceProfiles {
	known := s.fleet.Instance(name)
	if known == nil {
		return nil
	}
	in := s.instances[name]
	if in == nil || in.Instance != known {
		in = &instanceProfiles{Instance: known}
		s.instances[name] = in
	}
	return in
}

// Prune forgets the profiles of instances that the fleet has forgotten.
func (s *Service) Prune() {
	for name, in := range s.instances {
		if s.fleet.Instance(name) != in.Instance {
			delete(s.instances, name)
		}
	}
}

// Release drops the snapshots of archived profiles from memory. They can be read again.
func (s *Service) Release() {
	s.snapshots.reset()
	for _, in := range s.instances {
		in.earlier, in.earlierChecked = nil, 0
		in.release()
	}
}

// release drops the snapshots that are in the archive.
func (in *instanceProfiles) release() {
	for i := range in.profiles {
		if in.profiles[i].ref.Key != "" {
			in.profiles[i].snapshot = nil
		}
	}
}

// ForgetArchive drops the profiles that are only in the archive, because the archive was
// replaced.
func (s *Service) ForgetArchive() {
	for _, in := range s.instances {
		in.listed = false
		in.dropUnloaded()
	}
}

// EmptyPulls returns how many pulls in a row, of any instance, returned no profile.
func (s *Service) EmptyPulls() int { return s.emptyPulls }

// Update says what a pull has changed.
type Update struct {
	// Added means that there are profiles that were not in memory before.
	Added bool
	// Review means that the profiles were read from the archive for a review. It may find
	// growth that the counts do not show.
	Review bool
}

// Apply adds the result of a pull.
func (s *Service) Apply(r PullResult) Update {
	in := s.instance(r.instance)
	if in == nil {
		return Update{}
	}
	in.pulling = false
	u := Update{Added: len(r.profiles) > 0, Review: r.review}
	if r.review {
		in.add(r.profiles)
		return u
	}
	in.lastError = r.err
	defer s.updateCapture(in)
	if r.reason != "" {
		if !r.reason.Deferred() && r.reason != collector.ReasonCanceled {
			in.suspicion.failures++
			s.emptyPulls++
		}
		return u
	}
	in.suspicion.failures, s.emptyPulls = 0, 0
	if r.pushed {
		in.suspicion.pulls++
	}
	in.listed = in.listed || r.listed
	if r.earlierChecked {
		in.earlier, in.earlierChecked = r.earlier, in.Processes()
	}
	in.add(r.profiles)
	return u
}
