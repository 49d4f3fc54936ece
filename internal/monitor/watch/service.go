package watch

import (
	"cmp"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/callers"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/trend"
)

// Service is one service and everything known about it.
type Service struct {
	Fleet    *fleet.Service
	Profiles *profiling.Service
	// Leaks outlive the instances of the service.
	Leaks *lifecycle.Tracker

	// Callers are the searches for the callers of libraries that leak.
	Callers callers.Searches

	judgement
	memory memorySchedule
}

// judgement has what is concluded from the counts and the profiles of a service.
type judgement struct {
	trend   *trend.Service
	surges  surges
	verdict trend.Verdict
	// confidence is how sure it was recently, hour by hour, that the service leaks. The latest
	// value holds until the next judgement, if that comes within hold.
	confidence hourly.Ring
	hold       time.Duration
	// replayed has the leaks in the history that is read at the start; nil: there are none.
	replayed *lifecycle.Tracker
	// replayGrows reports whether the latest judgement of that history saw clear growth.
	replayGrows bool

	attribution attributionResult
	// newProfiles means that there are profiles which the attribution does not take into account.
	newProfiles bool
	// reviewed means that profiles were read from the archive for a review, and are not judged
	// yet.
	reviewed bool
}

// attributionResult is the last attribution, and the onset for which it was made.
type attributionResult struct {
	onset  time.Time
	growth []attribution.Attribution
	why    string // why there is none
}

// New makes the state of a service of the fleet.
func New(f *fleet.Service, t trend.Options, l lifecycle.Options) *Service {
	return &Service{
		Fleet: f, Profiles: profiling.NewService(f), Leaks: lifecycle.NewTracker(f.Labels, l),
		judgement: judgement{trend: trend.NewService(t), surges: surges{block: cmp.Or(t.Base, time.Minute)}},
	}
}

// Observe passes a sample to the trend and to the fleet.
func (s *Service) Observe(in *fleet.Instance, x collector.Sample) {
	s.trend.Observe(in.Name, trend.Sample{T: x.T, Count: x.Count, Load: x.Load, Creates: x.Creates, Start: x.Start})
	s.surges.observe(in.Name, x)
	s.Fleet.Observe(in, x)
}

// JudgeOptions are the inputs of a judgement besides the service.
type JudgeOptions struct {
	// Interval is the time between two evaluations.
	Interval time.Duration
	// Pulling reports whether profiles are taken at all.
	Pulling bool
	// VersionLabel is the label of the instances with the version; empty: none.
	VersionLabel string
}

// Judge judges the service and moves its leaks to their next states.
func (s *Service) Judge(now time.Time, o JudgeOptions) {
	s.inherit()
	s.judge(now, o)
	s.keepConfidence(now, s.verdict, s.Leaks, 2*o.Interval)
}

func (s *Service) judge(now time.Time, o JudgeOptions) {
	judged := s.trend.Judge(now)
	s.verdict = s.surges.raise(judged)
	if !s.Growing() && s.Leaks.Idle() && !s.reviewed {
		return
	}
	s.Fleet.SetWatched(s.trend.Instances())
	e := lifecycle.Evaluation{
		Verdict: s.verdict, Instances: s.Fleet.Watched(), Latest: s.Profiles.Latest,
		Versions: s.Fleet.Versions(o.VersionLabel), VersionBefore: s.Fleet.VersionBefore, Presence: s.Fleet.Presence(now, o.Interval), Work: s.work,
	}
	if s.Growing() || s.reviewed {
		e.Attributions, e.Why = s.attribute()
	}
	if s.Growing() {
		suspects := s.suspects()
		e.ProfilesExpected = o.Pulling && !s.Profiles.Unavailable(suspects)
		e.Profiled = e.ProfilesExpected && s.Profiles.Available(suspects)
		if !o.Pulling {
			e.Why = "profiles are not pulled"
		} else if why := s.Profiles.Failure(suspects); len(e.Attributions) == 0 && why != "" {
			e.Why = why
		}
	}
	if len(e.Attributions) == 0 {
		e.Verdict = judged // a surge without a stack does not count as growth of a leak
	}
	s.Leaks.Update(now, e)
	if s.reviewed && !s.Growing() && s.Leaks.Idle() {
		s.Profiles.Release()
	}
	s.reviewed = false
}

// attribute attributes the growth to stacks. It does so again only if there is a new profile, or
// another onset.
func (s *Service) attribute() ([]attribution.Attribution, string) {
	a := &s.attribution
	if s.newProfiles || !s.verdict.Onset.Equal(a.onset) || s.reviewed {
		s.newProfiles, a.onset = false, s.verdict.Onset
		a.growth, a.why = attribution.Attribute(s.Profiles.Histories(profiling.Need{Growing: s.Growing(), Suspects: s.suspects()}))
	}
	return a.growth, a.why
}

// Growing reports whether the counts grow, so that profiles are worth their cost.
func (s *Service) Growing() bool { return s.verdict.Status.Grows() }

// Need returns what decides which profiles of the service are worth their cost, without its leaks and
// its targets without series, which the caller adds.
func (s *Service) Need() profiling.Need {
	n := profiling.Need{
		Growing: s.Growing(), Suspected: s.Leaks.IsSuspected(), Onset: s.verdict.Onset, Firing: s.Leaks.FiringInstances(),
		Instances: s.trend.Instances,
	}
	if n.Growing {
		n.Suspects = s.suspects()
	}
	return n
}

// suspects returns the instances that grow. The onset of each is that of the verdict, or that of a
// known leak if it began earlier.
func (s *Service) suspects() []profiling.Suspect {
	out := make([]profiling.Suspect, len(s.verdict.Instances))
	known := s.Leaks.EarliestOnset()
	for i, it := range s.verdict.Instances {
		onset := it.Onset
		if !known.IsZero() && known.Before(onset) {
			onset = known
		}
		out[i] = profiling.Suspect{Instance: it.Instance, Onset: onset, Leaked: max(it.Leaked, s.Leaks.LeakedOn(it.Instance))}
	}
	return out
}

// AddFindings passes findings to the tracker.
func (s *Service) AddFindings(list ...lifecycle.Finding) {
	s.Leaks.Observe(lifecycle.Observation{Findings: list})
}

// AddPull adds the result of a pull.
func (s *Service) AddPull(r profiling.PullResult) {
	u := s.Profiles.Apply(r)
	s.newProfiles = s.newProfiles || u.Added
	if u.Review {
		s.reviewed = u.Added
	}
}

// Refresh keeps the instances that the trend knows now, and drops the others with their profiles.
func (s *Service) Refresh() {
	s.Fleet.SetWatched(s.trend.Instances())
	s.surges.keep(s.Fleet.Watched())
	s.Fleet.Prune()
	s.Profiles.Prune()
}

// Watched reports whether the service has instances; otherwise only its leaks are left.
func (s *Service) Watched() bool { return len(s.Fleet.Watched()) > 0 }

// Verdict returns the latest verdict.
func (s *Service) Verdict() trend.Verdict { return s.verdict }

// Floors returns the recent floors, from since on as far as they are known.
func (s *Service) Floors(since time.Time) trend.Floors { return s.trend.Floors(since) }

// Explain lists the assessments behind the latest verdict, by instance and scale.
func (s *Service) Explain() []trend.Assessment { return s.trend.Explain() }
