package monitor

import (
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/procstart"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// maxShots bounds the profiles of one instance that are kept in memory and
// compared: the base, and fewer of the others the older they are.
const maxShots = 24

// service is what is known of a service.
type service struct {
	key    string
	labels labels.Labels
	block  time.Duration // of the trend
	hash   uint64        // spreads what happens now and then
	trend  *trend.Service
	// tracker has the service's leaks. They outlive its instances.
	tracker *lifecycle.Tracker
	// past is the one of the history that is read at the start; nil: there is none.
	past *lifecycle.Tracker
	// pastGrows reports whether the latest judgement of that history saw clear growth.
	pastGrows bool

	verdict   trend.Verdict
	watched   []trend.Instance
	instances map[string]*instance
	proving   map[string]*proof    // by leak
	presence  map[string]*presence // by instance of a leak that fires

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

	dry  int  // pulls in a row, of any instance, that brought nothing
	gone bool // forgotten
}

// maxDry is how many pulls in a row bring nothing before a service counts as one
// that has no profiles.
const maxDry = 4

// instance is an instance of a service and its profiles.
type instance struct {
	// name is the instance label, or all labels where that is not enough.
	name string
	// labels are those of now: they may change while the process goes on.
	labels labels.Labels
	last   int64   // time of the latest sample, Unix milliseconds
	start  float64 // of the process, Unix seconds; 0: unknown

	starts []float64 // of the last processes, this one's last, Unix seconds
	former []shot    // of the longest-lived of the earlier ones, oldest first
	looked bool      // the archive was asked for these

	load    loads
	shots   []shot // oldest first
	listed  bool   // the archive was asked for earlier profiles
	pulling bool

	version   string // of the process that began at versionOf
	versionOf time.Time
	versioned bool // it was asked for

	next   time.Time // no pull under suspicion before
	pulled int       // pulls since the suspicion began
	failed int       // of them, in a row, that brought nothing
	why    string    // the last error, in words
	reason collector.Reason

	rhythm time.Duration // from the sample before the latest to that; 0: there was none
	ended  bool          // its series have
	gone   bool          // forgotten
}

// shot is a profile; its snapshot is loaded when it is needed.
type shot struct {
	ref      leak.ProfileRef
	snapshot *stack.Snapshot
}

// serviceOf finds or makes the service of an instance.
func (m *Monitor) serviceOf(ls labels.Labels) *service {
	return m.service(labels.NewBuilder(ls).Keep(m.o.GroupBy...).Labels())
}

// service finds or makes the service with the given labels.
func (m *Monitor) service(group labels.Labels) *service {
	key := string(group.Bytes(nil))
	s, ok := m.services[key]
	if !ok {
		h := fnv.New64a()
		h.Write([]byte(key))
		s = &service{
			key: key, labels: group, hash: h.Sum64(), block: m.o.Trend.Base, instances: map[string]*instance{}, proving: map[string]*proof{},
			trend: trend.NewService(m.o.Trend), tracker: lifecycle.NewTracker(group, m.o.tracker()),
		}
		m.services[key] = s
	}
	return s
}

// instanceOf finds or makes the instance of a series that begins with first in a
// window. Two instances of a service with the same instance label differ in
// other labels, which then are part of the name; but where one process has ended
// under its labels and goes on under others, it is still the same instance.
func (s *service) instanceOf(ls labels.Labels, first collector.Sample) *instance {
	if in := s.known(ls); in != nil {
		return in
	}
	name := ls.Get("instance")
	namesake, taken := s.instances[name]
	if taken && namesake.goesOn(first) {
		namesake.labels = ls
		return namesake
	}
	if taken || name == "" {
		name = longName(ls)
	}
	in := &instance{name: name, labels: ls}
	s.instances[name] = in
	return in
}

// known is the instance with the given labels; nil: there is none.
func (s *service) known(ls labels.Labels) *instance {
	for _, name := range []string{ls.Get("instance"), longName(ls)} {
		if in, ok := s.instances[name]; ok && labels.Equal(in.labels, ls) {
			return in
		}
	}
	return nil
}

// longName is the name of an instance whose instance label is not enough.
func longName(ls labels.Labels) string {
	return labels.NewBuilder(ls).Del(labels.MetricName).Labels().String()
}

// goesOn tells whether a sample is of the process that was seen last, and comes
// after that.
func (in *instance) goesOn(x collector.Sample) bool {
	return x.T > in.last && procstart.Time(x.Start).Same(procstart.Time(in.start))
}

// saw notes the samples of a series in a window, of which there is one at least.
func (in *instance) saw(samples []collector.Sample) {
	n := len(samples)
	x, before := samples[n-1], in.last
	if n > 1 {
		before = samples[n-2].T
	}
	if before != 0 && x.T > before {
		most := maxRhythm
		if in.ended && in.rhythm > 0 { // an absence is not yet a slower rhythm
			most = min(2*in.rhythm, most)
		}
		in.rhythm = min(time.Duration(x.T-before)*time.Millisecond, most)
	}
	in.last = max(in.last, x.T)
	if !math.IsNaN(x.Start) {
		in.start = x.Start
	}
}

// observe takes a sample.
func (s *service) observe(in *instance, x collector.Sample) {
	s.trend.Observe(in.name, trend.Sample{T: x.T, Count: x.Count, Load: x.Load, Start: x.Start})
	in.begins(x.Start)
	in.load.add(time.UnixMilli(x.T), x.Load, s.block)
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
	s.watched = s.trend.Instances()
	o := lifecycle.Evaluation{Verdict: s.verdict, Instances: s.watched, Latest: s.latest, Versions: s.versions(versionLabel), Presence: s.presenceOf(now, interval)}
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
	if in := s.instances[name]; in != nil {
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
	for _, in := range s.instances {
		in.former, in.looked = nil, false
		for i := range in.shots {
			if in.shots[i].ref.Key != "" {
				in.shots[i].snapshot = nil
			}
		}
	}
}

// forget drops the instances that the trend does not know any more. It knows no
// others.
func (s *service) forget() {
	if len(s.instances) == len(s.watched) {
		return
	}
	known := make(map[string]bool, len(s.watched))
	for _, w := range s.watched {
		known[w.Name] = true
	}
	for name, in := range s.instances {
		if !known[name] {
			delete(s.instances, name)
			in.gone = true
		}
	}
}

const (
	// scrapeTime is how much later than the interval says a sample may come.
	scrapeTime = 10 * time.Second
	// maxRhythm is the longest time between samples that counts as a rhythm.
	maxRhythm = 5 * time.Minute
)

// end marks the instances that lack two samples up to a time: their pods are
// gone, or are not scraped any more. In either case nobody is there to be asked,
// and where the series go on, so does the instance. Samples may be further apart
// than evaluations.
func (s *service) end(upTo time.Time, interval time.Duration) {
	for _, w := range s.watched {
		if in, ok := s.instances[w.Name]; ok {
			in.ended = upTo.Sub(time.UnixMilli(in.last)) >= max(2*interval, interval+scrapeTime, 2*in.rhythm)
		}
	}
}

// here are the instances that are not gone, by name.
func (s *service) here() (out []*instance) {
	for _, w := range s.watched {
		if in, ok := s.instances[w.Name]; ok && !in.ended {
			out = append(out, in)
		}
	}
	return out
}

// suspicious tells whether profiles are worth their cost.
func (s *service) suspicious() bool { return s.verdict.Status.Grows() }

// suspects are the instances to profile, the fastest growing first.
func (s *service) suspects() []*instance {
	var out []*instance
	for _, it := range s.verdict.Instances {
		if in, ok := s.instances[it.Instance]; ok && !in.ended && len(out) < maxSuspects {
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
		h := attribution.History{Instance: in.name, Onset: onset, Leaked: leaked}
		taken := func(sh shot) attribution.Shot {
			return attribution.Shot{Ref: sh.ref, Snapshot: sh.snapshot, Load: in.load.at(sh.ref.Time, s.block)}
		}
		for _, sh := range in.shots {
			if sh.snapshot != nil && sh.ref.Time.After(s.started(in.name)) {
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
		for _, w := range s.watched {
			if in, ok := s.instances[w.Name]; ok {
				add(in, time.Time{}, 0)
			}
		}
		return out
	}
	for _, it := range s.verdict.Instances {
		if in, ok := s.instances[it.Instance]; ok {
			add(in, s.onset(it), max(it.Leaked, s.tracker.LeakedOn(in.name)))
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

// started is when the process of an instance began; zero if unknown.
func (s *service) started(name string) time.Time {
	for _, w := range s.watched {
		if w.Name == name {
			return w.Started
		}
	}
	return time.Time{}
}

func (s *service) count(name string) float64 {
	for _, w := range s.watched {
		if w.Name == name {
			return w.Count
		}
	}
	return 0
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
			if sh.snapshot != nil && sh.ref.Time.After(s.started(in.name)) {
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
	in, ok := s.instances[b.instance]
	if !ok {
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
	in.reason, in.why = b.reason, b.why
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
		in.former, in.looked = b.former, true
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
