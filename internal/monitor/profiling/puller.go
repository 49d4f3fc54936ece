package profiling

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/backoff"
)

// What is taken of a target at most: of its CPU and of its network, as a share
// in the long run.
const (
	defaultShare           = 0.001     // of a core
	defaultTargetBandwidth = 100 << 10 // bytes a second
	defaultBandwidth       = 10 << 20  // of all targets together
)

// What may be taken at once, after a long rest.
const (
	burstShare      = 1.0              // seconds of CPU
	targetBurstTime = 10 * time.Minute // of a target's bandwidth
	burstTime       = time.Minute      // of the bandwidth of all
)

// How a target is left alone that is slow or fails.
const (
	slowAnswer   = time.Second // an answer that took longer is slow
	slowRest     = 100         // times as long the target then rests
	firstBackOff = 30 * time.Second
	maxBackOff   = time.Hour
	maxPatience  = 24 * time.Hour     // with a Retry-After
	maxDebt      = 7 * 24 * time.Hour // how long a pull is paid off at most
	asideTime    = 24 * time.Hour     // of what the decoder cannot take
)

// maxErrorBytes bounds the error that is kept of a target, which may quote what
// the target calls itself or has sent.
const maxErrorBytes = 1024

// want is a kind of profile and what it costs the target, in seconds of CPU:
// in any case, for each goroutine, and where they are many.
type want struct {
	kind         collector.ProfileKind
	debug        int
	flat         float64
	perGoroutine float64
	perSquare    float64 // for each pair of goroutines
}

var (
	wantProfile = want{kind: collector.KindGoroutine, perGoroutine: 10e-6}
	// A dump stops the target's world while it is written.
	wantDump = want{kind: collector.KindGoroutine, debug: 2, perGoroutine: 80e-6}
	// The profile of unreachable goroutines takes a garbage collection that looks
	// at all of them again and again.
	wantLeaked = want{kind: collector.KindGoroutineLeak, flat: 0.05, perGoroutine: 10e-6, perSquare: 0.4e-9}
)

// least is the number of goroutines that a profile costs at least the price of:
// docs/costs.md.
const least = 300

// cost of a profile of so many goroutines. A small one is not free, and
// neither is an unknown one. A number that no program has is not known.
func (w want) cost(goroutines float64) float64 {
	if !(goroutines > least) || goroutines > collector.MaxGoroutines {
		goroutines = least
	}
	return w.flat + w.perGoroutine*goroutines + w.perSquare*goroutines*goroutines
}

// Options are the options of a Puller. Finder and Fetcher are required.
type Options struct {
	Finder  collector.TargetFinder
	Fetcher collector.ProfileFetcher
	// Concurrency is the number of pulls at a time, 4 by default. Of one
	// instance it is one, always.
	Concurrency int
	// CPU is the share of a core that profiles may cost a target in the long
	// run, by estimate; default 0.001.
	CPU float64
	// TargetBandwidth is how many bytes a second each target may send in the
	// long run, Bandwidth how many all may together; default 100 KiB and 10 MiB.
	TargetBandwidth, Bandwidth float64
	Registerer                 prometheus.Registerer
}

// Puller pulls profiles of instances. It bounds what that costs each of them
// and keeps, for the targets page, how the last pull went.
type Puller struct {
	metrics *pullMetrics

	mtx     sync.Mutex
	o       Options
	slots   chan struct{}
	targets map[uint64]*pulled // by the hash of the instance's labels
	bytes   allowance          // of all targets
}

// pulled is what is known of an instance's profiles.
type pulled struct {
	status TargetStatus
	cpu    allowance // seconds
	bytes  allowance
	busy   bool // is being pulled
	failed int  // in a row
	// rest is until when it is left alone, and why.
	rest       time.Time
	restReason collector.Reason
	restWhy    string
	aside      map[asideKey]aside
}

// asideKey is a kind of profile and how it is written.
type asideKey struct {
	kind  collector.ProfileKind
	debug int
}

// aside is why a kind of an instance's profiles is not asked for: the last one
// was more than the decoder takes. So would the next be, unless the instance has
// changed: it has less than half of the goroutines that it had.
type aside struct {
	until      time.Time
	goroutines float64
	why        string
}

// allowance is what may be taken: it fills up with time, and is below zero
// after somebody took more than was there.
type allowance struct {
	left float64
	at   time.Time // zero: it is full
}

// fill lets the time until now pass.
func (a *allowance) fill(now time.Time, rate, burst float64) {
	switch rest := now.Sub(a.at).Seconds(); {
	case a.at.IsZero():
		a.left, a.at = burst, now
	case rest > 0:
		a.left, a.at = min(burst, a.left+rest*rate), now
	}
}

// TargetStatus is how the last pull of an instance went. One that was skipped
// leaves what is known of the pull before.
type TargetStatus struct {
	Labels labels.Labels
	// URL of the profile, redacted; empty when no target is known.
	URL      string
	LastPull time.Time
	Duration time.Duration
	Bytes    int
	// Goroutines in the last profile.
	Goroutines int64
	// Reason and Error are empty when the last pull went well.
	Reason collector.Reason
	Error  string
	// Skipped says why the last profile that was wanted was not pulled; empty
	// when it was.
	Skipped string
	// Cost is the estimate of what all pulls have cost the target, in
	// seconds of CPU.
	Cost float64
}

// New makes a Puller.
func New(o Options) (*Puller, error) {
	p := &Puller{targets: map[uint64]*pulled{}}
	if err := p.Apply(o); err != nil {
		return nil, err
	}
	p.metrics = newPullMetrics(o.Registerer)
	return p, nil
}

// Apply replaces the options, but for the Registerer: what is known of the
// targets stays.
func (p *Puller) Apply(o Options) error {
	if o.Finder == nil || o.Fetcher == nil {
		return errors.New("profiling: Finder and Fetcher are required")
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 4
	}
	if o.CPU <= 0 {
		o.CPU = defaultShare
	}
	if o.TargetBandwidth <= 0 {
		o.TargetBandwidth = defaultTargetBandwidth
	}
	if o.Bandwidth <= 0 {
		o.Bandwidth = defaultBandwidth
	}
	p.mtx.Lock()
	defer p.mtx.Unlock()
	p.o = o
	if cap(p.slots) != o.Concurrency { // else what is under way counts on
		p.slots = make(chan struct{}, o.Concurrency)
	}
	return nil
}

func (p *Puller) options() (Options, chan struct{}) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return p.o, p.slots
}

// Pull takes a goroutine profile of an instance. goroutines is the best
// estimate of how many it has. Errors have a Reason.
func (p *Puller) Pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, wantProfile)
}

// Dump takes a dump of all goroutines with their ids and ages (debug=2). It
// stops the target's world: the caller sees to it that they are few.
func (p *Puller) Dump(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, wantDump)
}

// Leaked takes the profile of the goroutines that the target's garbage
// collector finds unreachable. An error of collector.ReasonNotFound: the target has no
// such profile; of collector.ReasonNoConsent: it is not to be asked.
func (p *Puller) Leaked(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, wantLeaked)
}

func (p *Puller) pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64, w want) (*collector.Profile, error) {
	o, slots := p.options()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		p.metrics.pulls.WithLabelValues(string(collector.ReasonCanceled)).Inc()
		return nil, &collector.Error{Reason: collector.ReasonCanceled, Err: ctx.Err()}
	}

	cost := w.cost(goroutines)
	if err := p.spend(instance, now, cost, goroutines, w); err != nil {
		p.metrics.pulls.WithLabelValues(string(collector.ReasonOf(err))).Inc()
		return nil, err
	}
	status := TargetStatus{Labels: instance, LastPull: now}
	target, err := o.Finder.Find(ctx, now, instance)
	if err == nil && w.kind == collector.KindGoroutineLeak && target.NoLeakProfile {
		err = collector.Errorf(collector.ReasonNoConsent, "goroutineleak is off for this target in the configuration")
	}
	var profile *collector.Profile
	var spent float64 // nothing, unless the target is asked
	if err == nil {
		spent = cost
		status.URL = shortened(collector.RedactURL(target.URL))
		began := time.Now()
		profile, err = o.Fetcher.Fetch(ctx, target.Client, target.URL, w.kind, w.debug)
		status.Duration = time.Since(began)
		p.metrics.duration.Observe(status.Duration.Seconds())
	}
	if err != nil {
		err = shortError(err)
		status.Reason, status.Error = collector.ReasonOf(err), err.Error()
		p.metrics.pulls.WithLabelValues(string(status.Reason)).Inc()
	} else {
		if w.kind == collector.KindGoroutine { // now it is known how many there are
			spent = w.cost(float64(profile.Total))
		}
		status.Goroutines, status.Bytes = profile.Total, profile.Size
		p.metrics.pulls.WithLabelValues("ok").Inc()
		p.metrics.bytes.Add(float64(status.Bytes))
	}
	p.metrics.cost.Add(spent)

	p.mtx.Lock()
	defer p.mtx.Unlock()
	t := p.target(instance)
	t.busy = false
	// What an estimate says never blocks a target for ever.
	t.cpu.left = max(-p.o.CPU*maxDebt.Seconds(), min(burstShare, t.cpu.left+cost-spent))
	t.bytes.left -= float64(status.Bytes)
	p.bytes.left -= float64(status.Bytes)
	t.leaveAlone(now, status, err, w)
	if status.Reason.Undecodable() {
		if t.aside == nil {
			t.aside = map[asideKey]aside{}
		}
		t.aside[asideKey{w.kind, w.debug}] = aside{now.Add(asideTime), goroutines, status.Error}
	}
	status.Cost = t.status.Cost + spent
	if w.kind == collector.KindGoroutineLeak {
		// Few targets have it: whether they do says nothing of their state.
		t.status.Cost = status.Cost
		return profile, err
	}
	t.status = status
	return profile, err
}

// leaveAlone decides how long the target rests, after it was asked.
func (t *pulled) leaveAlone(now time.Time, s TargetStatus, err error, w want) {
	rest := func(d time.Duration, r collector.Reason, why string) {
		if until := now.Add(d); until.After(t.rest) {
			t.rest, t.restReason, t.restWhy = until, r, why
		}
	}
	if s.Duration > slowAnswer {
		rest(slowRest*s.Duration, collector.ReasonSlow, fmt.Sprintf("it took %s to answer", s.Duration.Round(100*time.Millisecond)))
	}
	switch reason := s.Reason; {
	case err == nil:
		t.failed = 0
	case reason == collector.ReasonCanceled, reason == collector.ReasonNoTarget, reason == collector.ReasonGone, reason == collector.ReasonAmbiguous, reason == collector.ReasonNoConsent:
		// Nobody has asked it.
	case reason == collector.ReasonBudget:
		// There was no memory to decode what it sent.
	case w.kind == collector.KindGoroutineLeak && reason == collector.ReasonNotFound:
		// Most have none.
	default:
		t.failed++
		d := backoff.Policy{First: firstBackOff, Max: maxBackOff}.Wait(t.failed)
		// Those that failed together are not all asked again together.
		d += time.Duration(t.status.Labels.Hash() % uint64(d/4))
		var known *collector.Error
		if errors.As(err, &known) && known.RetryAfter > d {
			d = min(known.RetryAfter, maxPatience)
		}
		rest(d, collector.ReasonBackOff, "the last answer was: "+s.Error)
	}
}

// target is the entry of an instance. The caller holds mtx.
func (p *Puller) target(instance labels.Labels) *pulled {
	key := instance.Hash()
	t, ok := p.targets[key]
	if !ok {
		t = &pulled{status: TargetStatus{Labels: instance}}
		p.targets[key] = t
	}
	return t
}

// spend takes cost from what the instance can spare, and the turn to be
// pulled. A pull that costs more than the burst is possible after a long rest,
// and is paid off before the next: in the long run no share is ever exceeded,
// except by a pull that more than a week would have to pay for.
// How many bytes it will be nobody knows before, so that they are paid off
// afterwards.
func (p *Puller) spend(instance labels.Labels, now time.Time, cost, goroutines float64, w want) error {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	t := p.target(instance)
	t.cpu.fill(now, p.o.CPU, burstShare)
	t.bytes.fill(now, p.o.TargetBandwidth, p.o.TargetBandwidth*targetBurstTime.Seconds())
	p.bytes.fill(now, p.o.Bandwidth, p.o.Bandwidth*burstTime.Seconds())
	var err error
	switch {
	case t.busy:
		err = collector.Errorf(collector.ReasonBudget, "not pulled to spare the target: another of its profiles is being pulled")
	case t.isAside(now, goroutines, w):
		a := t.aside[asideKey{w.kind, w.debug}]
		err = collector.Errorf(collector.ReasonSetAside, "set aside until %s, or until it has less than half as many goroutines: %s", a.until.UTC().Format(time.DateTime), a.why)
	case now.Before(t.rest):
		err = collector.Errorf(t.restReason, "left alone until %s: %s", t.rest.UTC().Format(time.TimeOnly), t.restWhy)
	case t.cpu.left < min(cost, burstShare):
		err = collector.Errorf(collector.ReasonBudget, "not pulled to spare the target: about %.2f s of its CPU were spent on profiles lately", burstShare-t.cpu.left)
	case t.bytes.left < 0:
		err = collector.Errorf(collector.ReasonBudget, "not pulled to spare the target: its profiles are big, the last one had %d bytes", t.status.Bytes)
	case p.bytes.left < 0:
		err = collector.Errorf(collector.ReasonBudget, "not pulled to spare the network: the profiles of all targets exceed %.0f bytes a second", p.o.Bandwidth)
	}
	if err != nil {
		t.status.Skipped = err.Error()
		return err
	}
	t.cpu.left -= cost
	t.busy = true
	return nil
}

// isAside tells whether a kind of profile is not to be asked for.
func (t *pulled) isAside(now time.Time, goroutines float64, w want) bool {
	key := asideKey{w.kind, w.debug}
	a, ok := t.aside[key]
	if ok && (!now.Before(a.until) || goroutines < a.goroutines/2) {
		delete(t.aside, key)
		ok = false
	}
	return ok
}

// shortError is an error whose text goes into logs and onto pages as it is.
func shortError(err error) error {
	var known *collector.Error
	if len(err.Error()) <= maxErrorBytes || !errors.As(err, &known) {
		return err
	}
	return &collector.Error{Reason: known.Reason, RetryAfter: known.RetryAfter, Err: errors.New(shortened(err.Error()))}
}

// shortened is a text of at most maxErrorBytes.
func shortened(text string) string {
	if len(text) <= maxErrorBytes {
		return text
	}
	const end = "…"
	return strings.ToValidUTF8(text[:maxErrorBytes-len(end)], "") + end
}

// Keep forgets the instances that current does not know, and takes over what is
// known of those that have other labels now.
func (p *Puller) Keep(current func(instance labels.Labels) (now labels.Labels, known bool)) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	for key, t := range p.targets {
		now, known := current(t.status.Labels)
		if known && labels.Equal(now, t.status.Labels) {
			continue
		}
		delete(p.targets, key)
		if known {
			p.target(now).inherit(t)
		}
	}
}

// inherit takes over what is known of the target under other labels: debts and
// patience stay.
func (t *pulled) inherit(old *pulled) {
	cost := t.status.Cost + old.status.Cost
	if t.status.LastPull.IsZero() {
		ls := t.status.Labels
		t.status = old.status
		t.status.Labels = ls
	}
	t.status.Cost = cost
	t.cpu.inherit(old.cpu)
	t.bytes.inherit(old.bytes)
	t.failed = max(t.failed, old.failed)
	if old.rest.After(t.rest) {
		t.rest, t.restReason, t.restWhy = old.rest, old.restReason, old.restWhy
	}
	if t.aside == nil {
		t.aside = old.aside
	}
}

// inherit: the smaller one counts.
func (a *allowance) inherit(old allowance) {
	if !old.at.IsZero() && (a.at.IsZero() || old.left < a.left) {
		*a = old
	}
}

// Status is how the last pull of an instance went, in short: the reason why it
// brought nothing, empty if it brought a profile. known: one was wanted;
// pulled: one was tried.
func (p *Puller) Status(instance labels.Labels) (r collector.Reason, pulled, known bool) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	t, known := p.targets[instance.Hash()]
	if !known {
		return "", false, false
	}
	return t.status.Reason, !t.status.LastPull.IsZero(), true
}

// Targets lists the instances that a profile was wanted of, by labels.
func (p *Puller) Targets() []TargetStatus {
	out := p.statuses()
	slices.SortFunc(out, func(a, b TargetStatus) int { return labels.Compare(a.Labels, b.Labels) })
	return out
}

func (p *Puller) statuses() []TargetStatus {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	out := make([]TargetStatus, 0, len(p.targets))
	for _, t := range p.targets {
		out = append(out, t.status)
	}
	return out
}

type pullMetrics struct {
	pulls    *prometheus.CounterVec
	bytes    prometheus.Counter
	cost     prometheus.Counter
	duration prometheus.Histogram
}

func newPullMetrics(reg prometheus.Registerer) *pullMetrics {
	f := promauto.With(reg)
	m := &pullMetrics{
		pulls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "gorowatch_profile_pulls_total",
			Help: "Goroutine profiles wanted, by result: ok or the reason why there is none.",
		}, []string{"result"}),
		bytes: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_profile_bytes_total",
			Help: "Bytes of goroutine profiles received.",
		}),
		cost: f.NewCounter(prometheus.CounterOpts{
			Name: "gorowatch_profile_cost_seconds_total",
			Help: "Estimate of the CPU time that profiles have cost the targets.",
		}),
		duration: f.NewHistogram(prometheus.HistogramOpts{
			Name:    "gorowatch_profile_pull_duration_seconds",
			Help:    "How long a pull of a goroutine profile took.",
			Buckets: prometheus.ExponentialBuckets(0.002, 4, 8),
		}),
	}
	m.pulls.WithLabelValues("ok")
	for _, r := range collector.Reasons {
		m.pulls.WithLabelValues(string(r))
	}
	return m
}
