package pulling

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Options are the options of a Puller. Finder and Fetcher are required.
type Options struct {
	Finder  collector.TargetFinder
	Fetcher collector.ProfileFetcher
	// Concurrency is the largest number of concurrent pulls, by default 4. An instance has one at a
	// time.
	Concurrency int
	// CPU is the share of a core that profiles may cost a target in the long run, by estimate;
	// default 0.001.
	CPU float64
	// TargetBandwidth is how many bytes a second each target may send in the long run, Bandwidth how
	// many all targets together; default 100 KiB and 10 MiB.
	TargetBandwidth, Bandwidth float64
	Registerer                 prometheus.Registerer
}

// Puller pulls profiles of instances within the budget of each. It records the result of the
// last pull of each, for the targets page.
type Puller struct {
	metrics *pullMetrics

	mtx     sync.Mutex
	o       Options
	slots   chan struct{}
	targets map[uint64]*targetState // by the hash of the instance's labels
	bytes   tokenBucket             // of all targets
}

// targetState is the budget of a target and the results of its pulls.
type targetState struct {
	status      TargetStatus
	cpu         tokenBucket // seconds
	bytes       tokenBucket
	turn        *turn
	failures    int // in a row
	cooldown    cooldown
	quarantines map[quarantineKey]quarantine
}

// New makes a Puller.
func New(o Options) (*Puller, error) {
	p := &Puller{targets: map[uint64]*targetState{}}
	if err := p.Apply(o); err != nil {
		return nil, err
	}
	p.metrics = newPullMetrics(o.Registerer)
	return p, nil
}

// Apply replaces the options, except for the Registerer. It keeps the budgets and statuses of the
// targets.
func (p *Puller) Apply(o Options) error {
	if o.Finder == nil || o.Fetcher == nil {
		return errors.New("pulling: Finder and Fetcher are required")
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
	if cap(p.slots) != o.Concurrency { // if it is the same, running pulls keep their slots
		p.slots = make(chan struct{}, o.Concurrency)
	}
	return nil
}

func (p *Puller) options() (Options, chan struct{}) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	return p.o, p.slots
}

// Pull takes a goroutine profile of an instance. goroutines is the best estimate of how many it has.
// Errors have a collector.Reason.
func (p *Puller) Pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, kindProfile)
}

// Dump takes a dump of all goroutines with their ids and ages (debug=2). It stops the target's world, so
// the caller makes sure that there are few goroutines.
func (p *Puller) Dump(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, kindDump)
}

// Leaked takes the profile of the goroutines that the target's garbage collector finds
// unreachable. An error with collector.ReasonNotFound means that the target has no such profile, one with
// collector.ReasonNoConsent that it must not be asked.
func (p *Puller) Leaked(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, goroutines, kindLeakProfile)
}

// Heap takes a heap profile. Errors are as those of Leaked.
func (p *Puller) Heap(ctx context.Context, now time.Time, instance labels.Labels) (*collector.Profile, error) {
	return p.pull(ctx, now, instance, 0, kindHeap)
}

func (p *Puller) pull(ctx context.Context, now time.Time, instance labels.Labels, goroutines float64, k pullKind) (*collector.Profile, error) {
	// The turn comes before the slot: a pull that waits for its target does not block others.
	turn, err := p.takeTurn(ctx, instance)
	if err != nil {
		p.metrics.pulls.WithLabelValues(string(collector.ReasonOf(err))).Inc()
		return nil, err
	}
	defer turn.pass()
	o, slots := p.options()
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		p.metrics.pulls.WithLabelValues(string(collector.ReasonCanceled)).Inc()
		return nil, &collector.Error{Reason: collector.ReasonCanceled, Err: ctx.Err()}
	}

	cost := k.cost(goroutines)
	if err := p.reserve(instance, now, cost, goroutines, k); err != nil {
		p.metrics.pulls.WithLabelValues(string(collector.ReasonOf(err))).Inc()
		return nil, err
	}
	status := TargetStatus{Labels: instance, LastPull: now}
	target, err := o.Finder.Find(ctx, now, instance)
	if err == nil && target.Refuses(k.kind) {
		err = collector.Errorf(collector.ReasonNoConsent, "%s is off for this target in the configuration", k.kind)
	}
	var profile *collector.Profile
	var spent float64 // stays 0 unless the target is asked
	if err == nil {
		spent = cost
		status.URL = collector.Shorten(collector.RedactURL(target.URL))
		began := time.Now()
		profile, err = o.Fetcher.Fetch(ctx, target.Client, target.URL, k.kind, k.debug)
		status.Duration = time.Since(began)
		p.metrics.duration.Observe(status.Duration.Seconds())
	}
	if err != nil {
		err = collector.ShortError(err)
		status.Reason, status.Error = collector.ReasonOf(err), err.Error()
		p.metrics.pulls.WithLabelValues(string(status.Reason)).Inc()
	} else {
		if k.kind == collector.KindGoroutine { // now the number of goroutines is known
			spent = k.cost(float64(profile.Total))
		}
		status.Goroutines, status.Bytes = profile.Total, profile.Size
		p.metrics.pulls.WithLabelValues("ok").Inc()
		p.metrics.bytes.Add(float64(status.Bytes))
	}
	p.metrics.cost.Add(spent)

	p.mtx.Lock()
	defer p.mtx.Unlock()
	t := p.target(instance)
	// A wrong estimate never blocks a target for ever.
	t.cpu.left = max(-p.o.CPU*maxDebt.Seconds(), min(burstShare, t.cpu.left+cost-spent))
	t.bytes.left -= float64(status.Bytes)
	p.bytes.left -= float64(status.Bytes)
	t.coolDown(now, status, err, k)
	if status.Reason.Undecodable() {
		if t.quarantines == nil {
			t.quarantines = map[quarantineKey]quarantine{}
		}
		t.quarantines[quarantineKey{k.kind, k.debug}] = quarantine{now.Add(quarantineTime), goroutines, status.Error}
	}
	status.Cost = t.status.Cost + spent
	if k.kind != collector.KindGoroutine {
		// Not all targets have these profiles, so an error is not a failure of the target.
		t.status.Cost = status.Cost
		return profile, err
	}
	t.status = status
	return profile, err
}

// target returns the entry of an instance. The caller holds mtx.
func (p *Puller) target(instance labels.Labels) *targetState {
	key := instance.Hash()
	t, ok := p.targets[key]
	if !ok {
		t = &targetState{status: TargetStatus{Labels: instance}, turn: newTurn()}
		p.targets[key] = t
	}
	return t
}
