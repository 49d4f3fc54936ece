package profiling

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
