package monitor

import (
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// maxShots bounds the profiles of one instance that are kept in memory and
// compared: the base, and fewer of the others the older they are.
const maxShots = 24

// service is what is known of a service.
type service struct {
	fleet *fleet.Service
	block time.Duration // of the trend
	hash  uint64        // spreads what happens now and then
	trend *trend.Service
	// tracker has the service's leaks. They outlive its instances.
	tracker *lifecycle.Tracker
	// past is the one of the history that is read at the start; nil: there is none.
	past *lifecycle.Tracker

	verdict  trend.Verdict
	profiles map[string]*instance // by name, of those that a profile was planned of
	proving  map[string]*proof    // by leak

	request *request // the last one, nil if it is met
	// weighed is when its memory may be asked for again; weighing: it is.
	weighed  time.Time
	weighing bool

	review  time.Time // when the next one is due, zero: not known yet
	reviews int       // instances reviewed so far; they take turns
	fresh   bool      // one has been reviewed and is to be judged
	changed bool      // there are other profiles than at the last attribution
	builder builder
	// attributed is the last attribution, and for which onset.
	attributed struct {
		onset  time.Time
		growth []attribution.Attribution
		why    string
	}
	baseline time.Time // when the next one is due, zero: not known yet
	turn     int       // of the instances that baselines are taken of

	dry int // pulls in a row, of any instance, that brought nothing
}

// maxDry is how many pulls in a row bring nothing before a service counts as one
// that has no profiles.
const maxDry = 4

// instance is the profiles of an instance.
type instance struct {
	*fleet.Instance

	former []shot // of the longest-lived of the earlier processes, oldest first
	// lookedFor is the number of processes of the instance when the archive was
	// asked for former; 0: it was not.
	lookedFor int

	shots   []shot // oldest first
	listed  bool   // the archive was asked for earlier profiles
	pulling bool

	next   time.Time // no pull under suspicion before
	pulled int       // pulls since the suspicion began
	failed int       // of them, in a row, that brought nothing
	why    string    // the last error, in words
}

// shot is a profile; its snapshot is loaded when it is needed.
type shot struct {
	ref      leak.ProfileRef
	snapshot *stack.Snapshot
}

// service finds or makes the service of a service of the fleet.
func (m *Monitor) service(f *fleet.Service) *service {
	s, ok := m.services[f]
	if !ok {
		h := fnv.New64a()
		h.Write(f.Labels.Bytes(nil))
		s = &service{
			fleet: f, hash: h.Sum64(), block: m.o.Trend.Base, profiles: map[string]*instance{}, proving: map[string]*proof{},
			trend: trend.NewService(m.o.Trend), tracker: lifecycle.NewTracker(f.Labels, m.o.tracker()),
		}
		m.services[f] = s
	}
	return s
}

// observe takes a sample.
func (s *service) observe(in *fleet.Instance, x collector.Sample) {
	s.trend.Observe(in.Name, trend.Sample{T: x.T, Count: x.Count, Load: x.Load, Start: x.Start})
	s.fleet.Observe(in, x)
}

// instance returns the profiles of an instance; nil: there is no such instance.
func (s *service) instance(name string) *instance {
	known := s.fleet.Instance(name)
	if known == nil {
		return nil
	}
	in := s.profiles[name]
	if in == nil || in.Instance != known {
		in = &instance{Instance: known}
		s.profiles[name] = in
	}
	return in
}

// judge judges the service and moves its leaks on. pulling tells whether
// profiles are pulled at all, versionLabel is the label with the version.
func (s *service) judge(now time.Time, interval time.Duration, pulling bool, versionLabel string) {
	s.inherit()
	s.trend.SetStacks(pulling && s.dry < maxDry)
	s.verdict = s.trend.Judge(now)
	if !s.suspicious() && s.tracker.Idle() && !s.fresh {
		return
	}
	s.fleet.SetWatched(s.trend.Instances())
	o := lifecycle.Evaluation{
		Verdict: s.verdict, Instances: s.fleet.Watched(), Latest: s.latest,
		Versions: s.fleet.Versions(versionLabel), Presence: s.fleet.Presence(now, interval),
	}
	if s.suspicious() || s.fresh {
		o.Attributions, o.Why = s.attribute()
	}
	if s.suspicious() {
		o.ProfilesExpected = pulling && !s.hopeless()
		o.Profiled = o.ProfilesExpected && s.profiled()
		if !pulling {
			o.Why = "profiles are not pulled"
		} else if why := s.failure(); len(o.Attributions) == 0 && why != "" {
			o.Why = why
		}
	}
	s.tracker.Update(now, o)
	if s.fresh && !s.suspicious() && s.tracker.Idle() {
		s.release()
	}
	s.fresh = false
}

// latest is the newest profile of an instance that is in memory.
func (s *service) latest(name string) (*stack.Snapshot, time.Time) {
	if in := s.profiles[name]; in != nil {
		for _, sh := range slices.Backward(in.shots) {
			if sh.snapshot != nil {
				return sh.snapshot, sh.ref.Time
			}
		}
	}
	return nil, time.Time{}
}

// attribute attributes the growth to stacks, again only when there is a further
// profile or the onset is another.
func (s *service) attribute() ([]attribution.Attribution, string) {
	if !s.changed && s.verdict.Onset.Equal(s.attributed.onset) && !s.fresh {
		return s.attributed.growth, s.attributed.why
	}
	s.changed, s.attributed.onset = false, s.verdict.Onset
	s.attributed.growth, s.attributed.why = attribution.Attribute(s.histories())
	return s.attributed.growth, s.attributed.why
}

// builder makes the snapshots of a service, which have most of their frames in
// common. Pulls call it side by side.
type builder struct {
	mtx   sync.Mutex
	build *stack.Builder // nil: nothing was built yet
}

// snapshot is stack.Of a profile.
func (b *builder) snapshot(p *collector.Profile) *stack.Snapshot {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	if b.build == nil {
		b.build = stack.NewBuilder()
	}
	for i := range p.Records {
		_ = b.build.Add(p.Format, &p.Records[i]) // which never fails
	}
	return b.build.Snapshot(p)
}

// forget lets go of what the snapshots had in common.
func (b *builder) forget() {
	b.mtx.Lock()
	defer b.mtx.Unlock()
	b.build = nil
}

// release lets the snapshots of archived profiles go, which can be read again.
func (s *service) release() {
	s.builder.forget()
	for _, in := range s.profiles {
		in.former, in.lookedFor = nil, 0
		for i := range in.shots {
			if in.shots[i].ref.Key != "" {
				in.shots[i].snapshot = nil
			}
		}
	}
}

// forget drops the instances that the trend no longer knows, and their profiles.
func (s *service) forget() {
	s.fleet.Prune()
	for name, in := range s.profiles {
		if s.fleet.Instance(name) != in.Instance {
			delete(s.profiles, name)
		}
	}
}

// here are the instances that are not gone, by name.
func (s *service) here() (out []*instance) {
	for _, in := range s.fleet.Present() {
		out = append(out, s.instance(in.Name))
	}
	return out
}

// suspicious tells whether profiles are worth their cost.
func (s *service) suspicious() bool { return s.verdict.Status.Grows() }

// suspects are the instances to profile, the fastest growing first.
func (s *service) suspects() []*instance {
	var out []*instance
	for _, it := range s.verdict.Instances {
		if in := s.instance(it.Instance); in != nil && !in.Ended() && len(out) < maxSuspects {
			out = append(out, in)
		}
	}
	return out
}

// maxSuspects is how many instances of a suspicious service are profiled: enough
// to tell whether one leaks or all do.
const maxSuspects = 3

// histories are the profiles since their processes began, of the suspects or,
// where the counts say nothing, of those reviewed.
func (s *service) histories() []attribution.History {
	var out []attribution.History
	add := func(in *instance, onset time.Time, leaked float64) {
		h := attribution.History{Instance: in.Name, Onset: onset, Leaked: leaked}
		taken := func(sh shot) attribution.Shot {
			return attribution.Shot{Ref: sh.ref, Snapshot: sh.snapshot, Load: s.fleet.LoadAt(in.Instance, sh.ref.Time)}
		}
		for _, sh := range in.shots {
			if sh.snapshot != nil && sh.ref.Time.After(s.fleet.Started(in.Name)) {
				h.Shots = append(h.Shots, taken(sh))
			}
		}
		for _, sh := range in.former {
			h.Earlier = append(h.Earlier, taken(sh))
		}
		if len(h.Shots) > 0 {
			out = append(out, h)
		}
	}
	if !s.suspicious() {
		for _, w := range s.fleet.Watched() {
			if in, ok := s.profiles[w.Name]; ok {
				add(in, time.Time{}, 0)
			}
		}
		return out
	}
	for _, it := range s.verdict.Instances {
		if in, ok := s.profiles[it.Instance]; ok {
			add(in, s.onset(it), max(it.Leaked, s.tracker.LeakedOn(in.Name)))
		}
	}
	return out
}

// onset is when an instance began to grow: as the verdict has it, or earlier if
// a leak is known that began earlier.
func (s *service) onset(it trend.InstanceTrend) time.Time {
	if known := s.tracker.EarliestOnset(); !known.IsZero() && known.Before(it.Onset) {
		return known
	}
	return it.Onset
}

// failure is why the suspects have no profiles, in words; empty if they have.
func (s *service) failure() string {
	for _, in := range s.suspects() {
		if in.failed > 0 && in.why != "" {
			return in.why
		}
	}
	return ""
}

// hopeless tells that waiting for profiles is in vain: each suspect was asked
// more than once and gave none.
func (s *service) hopeless() bool {
	suspects := s.suspects()
	for _, in := range suspects {
		if in.failed < 2 {
			return false
		}
	}
	return len(suspects) > 0
}

// profiled tells whether profiles of a suspect come: there are several of the
// present process.
func (s *service) profiled() bool {
	return slices.ContainsFunc(s.suspects(), func(in *instance) bool {
		n := 0
		for _, sh := range in.shots {
			if sh.snapshot != nil && sh.ref.Time.After(s.fleet.Started(in.Name)) {
				n++
			}
		}
		return n > 1
	})
}

// moved forgets where profiles are: they stayed behind in another archive.
func (in *instance) moved() {
	in.listed = false
	in.shots = slices.DeleteFunc(in.shots, func(sh shot) bool { return sh.snapshot == nil })
}

// receive takes what a pull brought.
func (s *service) receive(b brought) {
	in := s.instance(b.instance)
	if in == nil {
		return
	}
	in.pulling = false
	s.changed = s.changed || len(b.shots) > 0
	if b.review {
		s.fresh = len(b.shots) > 0
		for _, sh := range b.shots {
			in.add(sh)
		}
		return
	}
	in.why = b.why
	defer s.capture(in)
	if b.reason != "" {
		if !b.reason.Deferred() && b.reason != collector.ReasonCanceled {
			in.failed++
			s.dry++
		}
		return
	}
	in.failed, s.dry = 0, 0
	in.listed = in.listed || b.listed
	if b.looked {
		in.former, in.lookedFor = b.former, in.Processes()
	}
	for _, sh := range b.shots {
		in.add(sh)
	}
}

// add puts a profile in its place, and drops what is too many: of those between
// the first and the latest the one that is closest to its neighbours for its
// age, so that those left are dense lately and reach back to the base.
func (in *instance) add(sh shot) {
	i, have := slices.BinarySearchFunc(in.shots, sh, func(a, b shot) int { return a.ref.Time.Compare(b.ref.Time) })
	if have {
		in.shots[i] = sh
		return
	}
	in.shots = slices.Insert(in.shots, i, sh)
	if n := len(in.shots); n > maxShots {
		now, drop, closest := in.shots[n-1].ref.Time, 1, math.Inf(1)
		for i := 1; i < n-1; i++ {
			gap := in.shots[i+1].ref.Time.Sub(in.shots[i-1].ref.Time).Seconds()
			if x := gap * gap / now.Sub(in.shots[i].ref.Time).Seconds(); x < closest {
				drop, closest = i, x
			}
		}
		in.shots = slices.Delete(in.shots, drop, drop+1)
	}
}
