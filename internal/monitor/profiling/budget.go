package profiling

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
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

// inherit: the smaller one counts.
func (a *allowance) inherit(old allowance) {
	if !old.at.IsZero() && (a.at.IsZero() || old.left < a.left) {
		*a = old
	}
}
