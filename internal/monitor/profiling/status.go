package profiling

import (
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

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
