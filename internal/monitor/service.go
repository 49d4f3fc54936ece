package monitor

import (
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/trend"
)

// service joins what the rooms have of one service: its instances, its profiles,
// and the judgement.
type service struct {
	fleet    *fleet.Service
	profiles *profiling.Service
	judgement
	memory memorySchedule
}

// judgement is what the counts and the profiles of a service mean.
type judgement struct {
	trend   *trend.Service
	verdict trend.Verdict
	// tracker has the service's leaks. They outlive its instances.
	tracker *lifecycle.Tracker
	// replayed is the tracker of the history that is read at the start; nil: there
	// is none.
	replayed *lifecycle.Tracker

	attribution attributionResult
	// newProfiles: there are profiles that the attribution does not have.
	newProfiles bool
	// reviewed: profiles were read from the archive for a review, and are not judged
	// yet.
	reviewed bool
}

// attributionResult is the last attribution, and the onset that it was made for.
type attributionResult struct {
	onset  time.Time
	growth []attribution.Attribution
	why    string // there is none
}

// memorySchedule is when the memory of a service may be asked for again.
type memorySchedule struct {
	next   time.Time
	asking bool
}

// service finds or makes the service of a service of the fleet.
func (m *Monitor) service(f *fleet.Service) *service {
	s, ok := m.services[f]
	if !ok {
		s = &service{fleet: f, profiles: profiling.NewService(f), judgement: judgement{
			trend: trend.NewService(m.o.Trend), tracker: lifecycle.NewTracker(f.Labels, m.o.tracker()),
		}}
		m.services[f] = s
	}
	return s
}

// observe passes a sample to the trend and to the fleet.
func (s *service) observe(in *fleet.Instance, x collector.Sample) {
	s.trend.Observe(in.Name, trend.Sample{T: x.T, Count: x.Count, Load: x.Load, Start: x.Start})
	s.fleet.Observe(in, x)
}

// judge judges the service and moves its leaks to their next states. pulling
// reports whether profiles are taken at all, versionLabel is the label with the
// version.
func (s *service) judge(now time.Time, interval time.Duration, pulling bool, versionLabel string) {
	s.inherit()
	s.trend.SetStacks(pulling && s.profiles.EmptyPulls() < profiling.MaxEmptyPulls)
	s.verdict = s.trend.Judge(now)
	if !s.growing() && s.tracker.Idle() && !s.reviewed {
		return
	}
	s.fleet.SetWatched(s.trend.Instances())
	e := lifecycle.Evaluation{
		Verdict: s.verdict, Instances: s.fleet.Watched(), Latest: s.profiles.Latest,
		Versions: s.fleet.Versions(versionLabel), Presence: s.fleet.Presence(now, interval),
	}
	if s.growing() || s.reviewed {
		e.Attributions, e.Why = s.attribute()
	}
	if s.growing() {
		suspects := s.suspects()
		e.ProfilesExpected = pulling && !s.profiles.Unavailable(suspects)
		e.Profiled = e.ProfilesExpected && s.profiles.Available(suspects)
		if !pulling {
			e.Why = "profiles are not pulled"
		} else if why := s.profiles.Failure(suspects); len(e.Attributions) == 0 && why != "" {
			e.Why = why
		}
	}
	s.tracker.Update(now, e)
	if s.reviewed && !s.growing() && s.tracker.Idle() {
		s.profiles.Release()
	}
	s.reviewed = false
}

// attribute attributes the growth to stacks, again only when there is another
// profile or another onset.
func (s *service) attribute() ([]attribution.Attribution, string) {
	a := &s.attribution
	if s.newProfiles || !s.verdict.Onset.Equal(a.onset) || s.reviewed {
		s.newProfiles, a.onset = false, s.verdict.Onset
		a.growth, a.why = attribution.Attribute(s.profiles.Histories(profiling.Need{Growing: s.growing(), Suspects: s.suspects()}))
	}
	return a.growth, a.why
}

// growing reports whether the counts grow, so that profiles are worth their cost.
func (s *service) growing() bool { return s.verdict.Status.Grows() }

// need is what decides which profiles of the service are worth their cost, apart
// from its leaks.
func (s *service) need() profiling.Need {
	n := profiling.Need{
		Growing: s.growing(), Onset: s.verdict.Onset, Firing: s.tracker.FiringInstances(),
		Instances: s.trend.Instances,
	}
	if n.Growing {
		n.Suspects = s.suspects()
	}
	return n
}

// suspects are the instances that grow. The onset of each is the verdict's, or that
// of a known leak if that began earlier.
func (s *service) suspects() []profiling.Suspect {
	out := make([]profiling.Suspect, len(s.verdict.Instances))
	known := s.tracker.EarliestOnset()
	for i, it := range s.verdict.Instances {
		onset := it.Onset
		if !known.IsZero() && known.Before(onset) {
			onset = known
		}
		out[i] = profiling.Suspect{Instance: it.Instance, Onset: onset, Leaked: max(it.Leaked, s.tracker.LeakedOn(it.Instance))}
	}
	return out
}

// addFindings passes findings to the tracker.
func (s *service) addFindings(list ...lifecycle.Finding) {
	s.tracker.Observe(lifecycle.Observation{Findings: list})
}

// forget drops the instances that the trend no longer knows, and their profiles.
func (s *service) forget() {
	s.fleet.Prune()
	s.profiles.Prune()
}
