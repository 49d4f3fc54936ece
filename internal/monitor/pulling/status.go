package pulling

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// TargetStatus is the result of the last pull of an instance. A skipped pull only changes
// Skipped.
type TargetStatus struct {
	Labels labels.Labels
	// URL is that of the profile, redacted; empty: no target is known.
	URL      string
	LastPull time.Time
	Duration time.Duration
	Bytes    int
	// Goroutines in the last profile.
	Goroutines int64
	// Reason and Error are empty if the last pull succeeded.
	Reason collector.Reason
	Error  string
	// Skipped is why the last pull was skipped; empty: it was not.
	Skipped string
	// Cost is the estimated cost of all pulls for the target, in seconds of CPU.
	Cost float64
}

// Keep drops the targets of instances that current does not know, and relabels those of instances that
// have other labels now.
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

// inherit takes over the state that the target had under other labels, with its debts and its cooldown.
func (t *targetState) inherit(old *targetState) {
	cost := t.status.Cost + old.status.Cost
	if t.status.LastPull.IsZero() {
		ls := t.status.Labels
		t.status = old.status
		t.status.Labels = ls
	}
	t.status.Cost = cost
	t.turn = old.turn // a pull may be running
	t.cpu.inherit(old.cpu)
	t.bytes.inherit(old.bytes)
	t.failures = max(t.failures, old.failures)
	t.cooldown.extend(old.cooldown.until, old.cooldown.reason, old.cooldown.why)
	if t.quarantines == nil {
		t.quarantines = old.quarantines
	}
}

// Status returns the result of the last pull of an instance in short: why there is no profile; empty:
// there is one. known reports whether a profile was ever needed, pulled whether one was pulled.
func (p *Puller) Status(instance labels.Labels) (r collector.Reason, pulled, known bool) {
	p.mtx.Lock()
	defer p.mtx.Unlock()
	t, known := p.targets[instance.Hash()]
	if !known {
		return "", false, false
	}
	return t.status.Reason, !t.status.LastPull.IsZero(), true
}

// Targets lists the instances of which a profile was ever needed, by labels.
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
