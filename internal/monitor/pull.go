package monitor

import (
	"context"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

const (
	// firstBaseline bounds how long a service is watched without a baseline:
	// after a start, the first ones are spread over this time.
	firstBaseline = 5 * time.Minute
	// eager is how many profiles of a suspicious instance are taken at the
	// suspicion's interval; then the interval doubles.
	eager = 5
	// maxLoads bounds the archived profiles that are read for a pull. A review
	// reads as many as are kept.
	maxLoads = 12
	// reviewBlocks is the time between two reviews of a service, in blocks of
	// the trend: 6 hours. reviewBack is how far they look back: 7 days.
	reviewBlocks = 360
	reviewBack   = 7 * 1440
)

// brought is what a pull has brought: profiles, or the reason for none.
type brought struct {
	instance string
	shots    []shot
	review   bool   // of what is in the archive, nothing was pulled
	listed   bool   // the archive was asked for earlier profiles
	former   []shot // of an earlier process
	looked   bool   // the archive was asked for these
	reason   collector.Reason
	why      string
}

// take starts the pulls that a service needs now, beside the cycle.
func (m *Monitor) take(ctx context.Context, now time.Time, s *service) {
	pulls, proofs := m.plan(now, s)
	for _, p := range pulls {
		m.pulls.Go(func() { m.inbox.put(pullResult{s, p.run(ctx)}) })
	}
	for _, p := range proofs {
		m.pulls.Go(func() { m.inbox.put(p.run(ctx)) })
	}
}

// plan decides on the pulls of a service and notes when the next ones are due,
// which pages read.
func (m *Monitor) plan(now time.Time, s *service) ([]pull, []proofPull) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	return m.due(now, s), m.proofs(now, s)
}

// due are the pulls that a service needs now: of its suspects, or a baseline;
// and now and then a review.
func (m *Monitor) due(now time.Time, s *service) []pull {
	if m.o.Puller == nil {
		return nil
	}
	pulls := slices.Concat(m.dueOnRequest(now, s), m.dueSuspects(now, s), m.dueReview(now, s))
	if s.suspicious() {
		return pulls
	}
	for _, in := range s.profiles {
		in.pulled, in.failed = 0, 0
	}
	for _, in := range s.dueBaseline(now, m.o.BaselineInterval, m.o.BaselineInstances) {
		if !in.pulling {
			pulls = append(pulls, m.pull(now, s, in, false))
		}
	}
	return pulls
}

// dueSuspects are the pulls of a suspicious service.
func (m *Monitor) dueSuspects(now time.Time, s *service) (pulls []pull) {
	if m.o.Puller == nil || !s.suspicious() {
		return nil
	}
	for _, in := range s.suspects() {
		if !in.pulling && !now.Before(in.next) {
			in.next = now.Add(m.pause(in))
			in.pulled++
			pulls = append(pulls, m.pull(now, s, in, true))
		}
	}
	return pulls
}

// dueReview is the review of an instance, in turns, whether or not the service
// is suspicious: a leak can be lost in counts that go up and down, when its
// stack, which has next to nothing to do with these, grows in plain sight. What
// has been told of is looked after more often, on its instances. A review asks
// no target for anything.
func (m *Monitor) dueReview(now time.Time, s *service) []pull {
	if m.o.Puller == nil || m.o.Archive == nil || s.fleet.Empty() {
		return nil
	}
	every, names := reviewBlocks*s.block, s.tracker.FiringInstances()
	told := len(names) > 0
	if told {
		every /= 6
	}
	if s.review.IsZero() {
		s.review = now.Add(time.Duration(s.hash % uint64(every)))
	}
	if now.Before(s.review) {
		return nil
	}
	s.review = now.Add(every)
	if len(names) == 0 {
		for _, w := range s.trend.Instances() {
			names = append(names, w.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	name := names[s.reviews%len(names)]
	s.reviews++
	in := s.instance(name)
	if in == nil || in.pulling {
		return nil
	}
	p := m.pull(now, s, in, false)
	p.review, p.list, p.onset = true, true, now.Add(-reviewBack*s.block)
	if latest := in.latest(); told && latest.After(p.onset) {
		p.onset = latest // what is known of it needs no second reading
	}
	p.wanted = in.missing(p.onset)
	return []pull{p}
}

// pause is the time until the pull after the next: the suspicion's interval at
// first, then twice as long each time, up to the baseline's.
func (m *Monitor) pause(in *instance) time.Duration {
	d := m.o.SuspicionInterval
	for range max(in.pulled-eager, in.failed, 0) {
		if d >= m.o.BaselineInterval {
			break
		}
		d *= 2
	}
	return max(m.o.SuspicionInterval, min(d, m.o.BaselineInterval))
}

// dueBaseline is the instances whose baseline is due: n of the service, taking
// turns. After the first, each service has a place in the interval by its hash,
// which no restart moves.
func (s *service) dueBaseline(now time.Time, interval time.Duration, n int) []*instance {
	if s.baseline.IsZero() {
		s.baseline = now.Add(time.Duration(s.hash % uint64(min(interval, firstBaseline))))
	}
	if now.Before(s.baseline) {
		return nil
	}
	here := s.here()
	if len(here) == 0 {
		return nil
	}
	s.baseline = now.Truncate(interval).Add(time.Duration(s.hash % uint64(interval)))
	if !s.baseline.After(now) {
		s.baseline = s.baseline.Add(interval)
	}
	var out []*instance
	for range min(n, len(here)) {
		out = append(out, here[s.turn%len(here)])
		s.turn++
	}
	return out
}

// nextPull is the earliest time of the next profile of the i-th of all the
// service's instances that are not gone, zero where nothing is known of it.
func (m *Monitor) nextPull(s *service, name string, i, all int) time.Time {
	in := s.profiles[name]
	switch {
	case m.o.Puller == nil:
		return time.Time{}
	case in != nil && (s.suspicious() && in.pulled > 0 || s.request.of(name) != nil):
		return in.next
	case s.suspicious(), s.baseline.IsZero():
		return time.Time{} // baselines wait until nothing is suspected
	}
	n := min(m.o.BaselineInstances, all)
	turns := (i - s.turn%all + all) % all
	return s.baseline.Add(time.Duration(turns/n) * m.o.BaselineInterval)
}

// pull prepares a pull; what it needs of the service is read now.
func (m *Monitor) pull(now time.Time, s *service, in *instance, suspicious bool) pull {
	in.pulling = true
	p := pull{
		puller: m.o.Puller, archive: m.o.Archive, monitor: m, now: now, service: s, instance: in,
		labels: in.Labels, count: s.fleet.Count(in.Name), started: s.fleet.Started(in.Name),
	}
	if suspicious {
		if in.lookedFor != in.Processes() {
			p.former = in.LongestEarlier()
		}
		p.onset = s.onsetOf(in.Name)
		p.wanted = in.missing(p.onset)
		p.list = !in.listed
	}
	return p
}

// onsetOf is when an instance began to grow.
func (s *service) onsetOf(name string) time.Time {
	for _, it := range s.verdict.Instances {
		if it.Instance == name {
			return s.onset(it)
		}
	}
	return s.verdict.Onset
}

// missing is the profiles of the instance without a snapshot that an
// attribution needs: the base, and what came after it.
func (in *instance) missing(onset time.Time) []shot {
	var out []shot
	for _, sh := range attribution.FromBase(in.shots, func(sh shot) time.Time { return sh.ref.Time }, onset) {
		if sh.snapshot == nil {
			out = append(out, sh)
		}
	}
	return out
}

// latest is when the last profile was taken that is in memory, zero if there are
// none or too few to compare.
func (in *instance) latest() (t time.Time) {
	n := 0
	for _, sh := range in.shots {
		if sh.snapshot != nil {
			n++
			t = sh.ref.Time
		}
	}
	if n < eager {
		return time.Time{}
	}
	return t
}

// pull is one pull. It reads what does not change of its service and instance:
// keys and names.
type pull struct {
	puller   Puller
	archive  Archive // may be nil
	monitor  *Monitor
	now      time.Time
	service  *service
	instance *instance
	labels   labels.Labels
	count    float64
	started  time.Time
	onset    time.Time
	review   bool           // of what is there, without a pull
	former   fleet.Lifetime // of an earlier process, of which profiles are wanted
	wanted   []shot         // to load from the archive
	list     bool           // ask the archive for earlier ones first
	request  bool           // it is for a request alone
}

func (p pull) run(ctx context.Context) brought {
	m := p.monitor
	b := brought{instance: p.instance.Name, review: p.review}
	if p.review {
		return p.fromArchive(ctx, b)
	}
	profile, err := p.puller.Pull(ctx, p.now, p.labels, p.count)
	if err != nil {
		b.reason, b.why = collector.ReasonOf(err), err.Error()
		m.logger.Debug("No profile", "service", p.service.fleet.Labels, "instance", p.instance.Name, "reason", b.reason, "err", err)
		return b
	}
	sh := shot{ref: leak.ProfileRef{Instance: p.instance.Name, Time: p.now, Total: profile.Total}}
	if p.archive == nil {
		sh.snapshot = p.service.builder.snapshot(profile)
		b.shots = append(b.shots, sh)
		return b
	}
	ref, err := p.archive.SaveProfile(ctx, p.service.fleet.Labels, p.instance.Name, p.now, profile)
	m.archiveState(err)
	if err == nil {
		sh.ref = ref
	}
	if err != nil || !p.onset.IsZero() { // else a baseline: read again when it is needed
		sh.snapshot = p.service.builder.snapshot(profile)
	}
	b.shots = append(b.shots, sh)
	return p.fromArchive(ctx, b)
}

// fromArchive adds profiles of before, of this process and of an earlier one. The
// archive is asked once for what it has.
func (p pull) fromArchive(ctx context.Context, b brought) brought {
	var refs []leak.ProfileRef
	if p.list || p.former.Known() {
		var err error
		if refs, err = p.archive.Profiles(ctx, p.service.fleet.Labels, p.instance.Name); err != nil {
			p.monitor.logger.Warn("Cannot list earlier profiles", "instance", p.instance.Name, "err", err)
			p.list, p.former = false, fleet.Lifetime{}
		}
	}
	return p.ofFormer(ctx, p.earlier(ctx, b, refs), refs)
}

// earlier adds profiles of before, of those that the archive has, so that the
// comparison reaches back to before the onset, over restarts of gorowatch too.
func (p pull) earlier(ctx context.Context, b brought, refs []leak.ProfileRef) brought {
	if p.list {
		b.listed = !p.request
		refs = slices.DeleteFunc(slices.Clone(refs), func(ref leak.ProfileRef) bool {
			return !ref.Time.After(p.started) || !ref.Time.Before(p.now)
		})
		for _, ref := range attribution.FromBase(refs, func(ref leak.ProfileRef) time.Time { return ref.Time }, p.onset) {
			known := slices.ContainsFunc(p.wanted, func(sh shot) bool { return sh.ref.Key == ref.Key })
			if !known {
				p.wanted = append(p.wanted, shot{ref: ref})
			}
		}
		slices.SortFunc(p.wanted, func(a, b shot) int { return a.ref.Time.Compare(b.ref.Time) })
	}
	most := maxLoads
	if p.review {
		most = maxShots
	}
	p.wanted = spread(p.wanted, most)
	b.shots = append(b.shots, p.load(ctx, p.wanted)...)
	return b
}

// load reads profiles from the archive, those that can be read.
func (p pull) load(ctx context.Context, wanted []shot) (shots []shot) {
	for _, sh := range wanted {
		profile, err := p.archive.LoadProfile(ctx, sh.ref.Key)
		if err != nil {
			p.monitor.logger.Warn("Cannot read an earlier profile", "key", sh.ref.Key, "err", err)
			continue
		}
		sh.snapshot, sh.ref.Total = p.service.builder.snapshot(profile), profile.Total
		shots = append(shots, sh)
	}
	return shots
}

// spread picks n of the profiles: the first, the last, and between them fewer
// the older they are, as instance.add keeps them.
func spread(shots []shot, n int) []shot {
	if len(shots) <= n {
		return shots
	}
	last := shots[len(shots)-1].ref.Time
	whole := last.Sub(shots[0].ref.Time).Seconds()
	var out []shot
	for _, sh := range shots {
		left := float64(n-1-len(out)) / float64(n-1)
		if last.Sub(sh.ref.Time).Seconds() <= whole*left*left && len(out) < n {
			out = append(out, sh)
		}
	}
	return out
}
