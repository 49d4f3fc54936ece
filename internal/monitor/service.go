package monitor

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/trend"
)

// maxShots bounds the profiles of one instance that are kept in memory and
// compared: the base and the latest.
const maxShots = 12

// service is what is known of a service.
type service struct {
	key    string
	labels labels.Labels
	hash   uint64 // spreads what happens now and then
	trend  *trend.Service
	// tracker has the service's leaks. They outlive its instances.
	tracker *leak.Tracker

	verdict   trend.Verdict
	watched   []trend.Instance
	instances map[string]*instance
	proving   map[string]*proof // by leak

	request *request // the last one, nil if it is met
	// weighed is when its memory may be asked for again; weighing: it is.
	weighed  time.Time
	weighing bool

	baseline time.Time // when the next one is due, zero: not known yet
	turn     int       // of the instances that baselines are taken of

	gone bool // forgotten
}

// instance is an instance of a service and its profiles.
type instance struct {
	// name is the instance label, or all labels where that is not enough.
	name   string
	labels labels.Labels
	seen   time.Time

	shots   []shot // oldest first
	listed  bool   // the archive was asked for earlier profiles
	pulling bool

	next   time.Time // no pull under suspicion before
	pulled int       // pulls since the suspicion began
	failed int       // of them, in a row, that brought nothing
	why    string    // the last error, in words
	reason collector.Reason

	gone bool // forgotten
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
			key: key, labels: group, hash: h.Sum64(), instances: map[string]*instance{}, proving: map[string]*proof{},
			trend: trend.NewService(m.o.Trend), tracker: leak.NewTracker(group, m.o.tracker()),
		}
		m.services[key] = s
	}
	return s
}

// instanceOf finds or makes an instance. Two instances of a service with the
// same instance label differ in other labels, which then are part of the name.
func (s *service) instanceOf(ls labels.Labels) *instance {
	name := ls.Get("instance")
	if in, ok := s.instances[name]; ok && labels.Equal(in.labels, ls) {
		return in
	}
	if _, taken := s.instances[name]; taken || name == "" {
		name = labels.NewBuilder(ls).Del(labels.MetricName).Labels().String()
	}
	in, ok := s.instances[name]
	if !ok {
		in = &instance{name: name, labels: ls}
		s.instances[name] = in
	}
	return in
}

// judge judges the service and moves its leaks on. pulling tells whether
// profiles are pulled at all.
func (s *service) judge(now time.Time, pulling bool) {
	s.verdict = s.trend.Judge(now)
	if !s.suspicious() && s.tracker.Idle() {
		return
	}
	s.watched = s.trend.Instances()
	o := leak.Observation{Verdict: s.verdict, Instances: s.watched}
	if s.suspicious() {
		o.Attributions, o.Why = leak.Attribute(s.histories())
		o.ProfilesExpected = pulling && !s.hopeless()
		if !pulling {
			o.Why = "profiles are not pulled"
		} else if why := s.failure(); len(o.Attributions) == 0 && why != "" {
			o.Why = why
		}
	}
	s.tracker.Update(now, o)
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

// suspicious tells whether profiles are worth their cost.
func (s *service) suspicious() bool { return s.verdict.Status.Grows() }

// suspects are the instances to profile, the fastest growing first.
func (s *service) suspects() []*instance {
	var out []*instance
	for _, it := range s.verdict.Instances {
		if in, ok := s.instances[it.Instance]; ok && len(out) < maxSuspects {
			out = append(out, in)
		}
	}
	return out
}

// maxSuspects is how many instances of a suspicious service are profiled: more
// tell nothing new.
const maxSuspects = 2

// histories are the profiles of the suspects since their processes began.
func (s *service) histories() []leak.History {
	var out []leak.History
	for _, it := range s.verdict.Instances {
		in, ok := s.instances[it.Instance]
		if !ok {
			continue
		}
		h := leak.History{Instance: in.name, Onset: s.onset(it), Leaked: max(it.Leaked, s.tracker.Leaked(in.name))}
		for _, sh := range in.shots {
			if sh.snapshot != nil && sh.ref.Time.After(s.started(in.name)) {
				h.Shots = append(h.Shots, leak.Shot{Ref: sh.ref, Snapshot: sh.snapshot})
			}
		}
		if len(h.Shots) > 0 {
			out = append(out, h)
		}
	}
	return out
}

// onset is when an instance began to grow: as the verdict has it, or earlier if
// a leak is known that began earlier.
func (s *service) onset(it trend.InstanceTrend) time.Time {
	if known := s.tracker.Onset(); !known.IsZero() && known.Before(it.Onset) {
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

// receive takes what a pull brought.
func (s *service) receive(b brought) {
	in, ok := s.instances[b.instance]
	if !ok {
		return
	}
	in.pulling = false
	in.reason, in.why = b.reason, b.why
	defer s.capture(in)
	if b.reason != "" {
		if b.reason != collector.ReasonBudget && b.reason != collector.ReasonCanceled {
			in.failed++
		}
		return
	}
	in.failed = 0
	in.listed = in.listed || b.listed
	for _, sh := range b.shots {
		in.add(sh)
	}
}

// add puts a profile in its place, and drops what is too many: of those
// between the first and the latest the second, which tells least.
func (in *instance) add(sh shot) {
	i, have := slices.BinarySearchFunc(in.shots, sh, func(a, b shot) int { return a.ref.Time.Compare(b.ref.Time) })
	if have {
		in.shots[i] = sh
		return
	}
	in.shots = slices.Insert(in.shots, i, sh)
	if len(in.shots) > maxShots {
		in.shots = slices.Delete(in.shots, 1, 2)
	}
}
