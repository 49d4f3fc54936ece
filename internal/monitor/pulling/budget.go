package pulling

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// The default budgets in the long run, of a target unless the comment says otherwise.
const (
	defaultShare           = 0.001     // of a core
	defaultTargetBandwidth = 100 << 10 // bytes a second
	defaultBandwidth       = 10 << 20  // bytes a second, of all targets together
)

// The most that may be taken at once, from a full budget.
const (
	burstShare      = 1.0              // seconds of CPU
	targetBurstTime = 10 * time.Minute // of a target's bandwidth
	burstTime       = time.Minute      // of the bandwidth of all
)

// pullKind is a kind of profile and its cost for the target, in seconds of CPU: a flat part,
// one for each goroutine, and one for each pair of them.
type pullKind struct {
	kind         collector.ProfileKind
	debug        int
	flat         float64
	perGoroutine float64
	perSquare    float64
}

var (
	kindProfile = pullKind{kind: collector.KindGoroutine, perGoroutine: 10e-6}
	// A dump stops the target's world while it is written.
	kindDump = pullKind{kind: collector.KindGoroutine, debug: 2, perGoroutine: 80e-6}
	// The profile of unreachable goroutines takes a garbage collection that checks all of them
	// again and again.
	kindLeakProfile = pullKind{kind: collector.KindGoroutineLeak, flat: 0.05, perGoroutine: 10e-6, perSquare: 0.4e-9}
	// The cost of a heap profile depends on the number of places that allocate, not on goroutines.
	kindHeap = pullKind{kind: collector.KindHeap, flat: 0.05}
)

// minGoroutines is the least number of goroutines that a profile is charged for, because small
// ones are not free: docs/costs.md.
const minGoroutines = 300

// cost estimates the cost of a profile of a number of goroutines. An impossible number counts
// as unknown, and is charged as the least.
func (k pullKind) cost(goroutines float64) float64 {
	if !(goroutines > minGoroutines) || goroutines > collector.MaxGoroutines {
		goroutines = minGoroutines
	}
	return k.flat + k.perGoroutine*goroutines + k.perSquare*goroutines*goroutines
}

// tokenBucket is a budget that fills up with time. It is negative after a pull that cost more than was
// left.
type tokenBucket struct {
	left float64
	at   time.Time // zero: it is full
}

// fill adds what has accumulated until now.
func (b *tokenBucket) fill(now time.Time, rate, burst float64) {
	switch elapsed := now.Sub(b.at).Seconds(); {
	case b.at.IsZero():
		b.left, b.at = burst, now
	case elapsed > 0:
		b.left, b.at = min(burst, b.left+elapsed*rate), now
	}
}

// reserve takes cost from the budget of the instance; an error says why it must not be pulled now. A pull
// that costs more than the burst is possible when the budget is full, and is paid off before the next
// one. In the long run no budget is exceeded, except by a pull that would take more than a week to pay
// off. The number of bytes is unknown before a pull, so it is charged afterwards.
func (p *Puller) reserve(instance labels.Labels, now time.Time, cost, goroutines float64, k pullKind) error {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	t := p.target(instance)
	t.cpu.fill(now, p.o.CPU, burstShare)
	t.bytes.fill(now, p.o.TargetBandwidth, p.o.TargetBandwidth*targetBurstTime.Seconds())
	p.bytes.fill(now, p.o.Bandwidth, p.o.Bandwidth*burstTime.Seconds())
	var err error
	switch {
	case t.isQuarantined(now, goroutines, k):
		q := t.quarantines[quarantineKey{k.kind, k.debug}]
		err = collector.Errorf(collector.ReasonSetAside, "set aside until %s, or until it has less than half as many goroutines: %s", q.until.UTC().Format(time.DateTime), q.why)
	case now.Before(t.cooldown.until):
		err = collector.Errorf(t.cooldown.reason, "left alone until %s: %s", t.cooldown.until.UTC().Format(time.TimeOnly), t.cooldown.why)
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
	return nil
}

// inherit takes over the budget under other labels, if less is left.
func (b *tokenBucket) inherit(old tokenBucket) {
	if !old.at.IsZero() && (b.at.IsZero() || old.left < b.left) {
		*b = old
	}
}
