package profiling

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// survivingShare is the share of the goroutines of a first dump that a second
	// one has to show again.
	survivingShare = 0.8
	// enoughGoroutines is how many goroutines of a leak stand for the others.
	enoughGoroutines = 5
	// maxDumpFailures is how many dumps may fail before no more are taken.
	maxDumpFailures = 3
)

// ProofPull is a pull that may raise the evidence of a leak: a dump, or the
// goroutineleak profile. It may run beside the cycle.
type ProofPull struct {
	source     Source
	archive    Archive // of dumps; may be nil
	now        time.Time
	service    labels.Labels
	instance   string // its name
	labels     labels.Labels
	goroutines float64
	leak       leak.Leak
	proof      *proof
	dump       bool
	pushed     bool // the instance sends the goroutineleak profile by itself
}

// ProofResult is the outcome of a ProofPull.
type ProofResult struct {
	ProofPull
	profile  *collector.Profile
	err      error
	archived *leak.ProfileRef // of a dump
}

// proofPull prepares a pull.
func (p *Planner) proofPull(now time.Time, s *Service, in *fleet.Instance, l leak.Leak, pr *proof, dump bool) ProofPull {
	pr.pulling = true
	return ProofPull{
		source: p.Source, archive: p.Archive, now: now, service: s.fleet.Labels, instance: in.Name,
		labels: in.Labels, goroutines: s.fleet.Count(in.Name), leak: l, proof: pr, dump: dump,
	}
}

// Run pulls the profile. A dump that cannot be archived still counts.
func (p ProofPull) Run(ctx context.Context) ProofResult {
	r := ProofResult{ProofPull: p}
	if !p.dump {
		r.profile, r.err = p.source.Leaked(ctx, p.now, p.labels, p.goroutines)
		return r
	}
	r.profile, r.err = p.source.Dump(ctx, p.now, p.labels, p.goroutines)
	if r.err != nil || p.archive == nil || r.profile.Raw == nil {
		return r
	}
	if ref, err := p.archive.SaveDump(ctx, p.service, p.instance, p.now, r.profile); err == nil {
		r.archived = &ref
	}
	return r
}

// ApplyProof notes the result of a proof, and returns what it shows of the leak.
func (p *Planner) ApplyProof(r ProofResult) lifecycle.Finding {
	if r.dump {
		return r.applyDump(max(2*p.SuspicionInterval, 5*p.Block), lifecycle.LongLife*p.Block)
	}
	return r.applyLeakProfile()
}

// applyDump notes a dump. Another is due after pause; longLife is the age from which
// a goroutine is no idle worker.
func (r ProofResult) applyDump(pause, longLife time.Duration) lifecycle.Finding {
	pr, d := r.proof, &r.proof.dumps
	pr.pulling, d.next = false, r.now.Add(pause)
	finding := lifecycle.Finding{Leak: r.leak.ID, Dump: r.archived, Missing: pr.missing}
	switch {
	case r.err != nil:
		d.missing = "no dump with ages: " + r.err.Error()
		if !collector.ReasonOf(r.err).Deferred() { // else there will be one later
			d.failures++
			d.done = d.failures >= maxDumpFailures
		}
	case r.profile.Incomplete:
		d.done, d.missing = true, "the dump with ages was cut short"
	default:
		d.compare(r.now, &finding, r.leak, stack.Of(r.profile), longLife)
	}
	return finding
}

// compare looks for the goroutines of the first dump in a later one. For goroutines
// that wait as idle workers do, a third dump, a long life after the first, shows
// whether they all stay.
func (d *dumps) compare(now time.Time, finding *lifecycle.Finding, l leak.Leak, dump *stack.Snapshot, longLife time.Duration) {
	ids := map[uint64]bool{}
	for _, g := range l.Stacks {
		if st := dump.Stacks[g.Signature]; st != nil {
			for _, id := range st.IDs {
				ids[id] = true
			}
			finding.Stacks = append(finding.Stacks, lifecycle.StackFinding{Signature: g.Signature, Wait: st.Wait, CreatedBy: st.CreatedBy})
		}
	}
	switch {
	case len(ids) == 0:
		d.done, d.missing = true, "the dump with ages does not show the stack"
		return
	case d.ids == nil:
		d.ids, d.first, d.missing = ids, now, ""
		return
	}
	stayed := 0
	for id := range d.ids {
		if ids[id] {
			stayed++
		}
	}
	if stayed == len(d.ids) && stayed >= enoughGoroutines {
		finding.Stayed = now.Sub(d.first)
	}
	if float64(stayed) >= survivingShare*float64(len(d.ids)) {
		finding.Evidence = leak.Aged
		d.next = d.first.Add(longLife)
		d.done = stayed < len(d.ids) || !now.Before(d.next) || len(l.Stacks) > 0 && stack.Stuck(l.Stacks[0].Op)
		return
	}
	d.done = true
	d.missing = fmt.Sprintf("only %d of %d goroutines were still there %s later", stayed, len(d.ids), human.Duration(now.Sub(d.first)))
}

// applyLeakProfile notes a goroutineleak profile.
func (r ProofResult) applyLeakProfile() lifecycle.Finding {
	pr, g := r.proof, &r.proof.leakProfile
	g.missing = ""
	if r.pushed {
		g.asked = r.now // it need not be pulled too
	} else {
		pr.pulling = false
	}
	finding := lifecycle.Finding{Leak: r.leak.ID, Missing: pr.missing}
	switch collector.ReasonOf(r.err) {
	case collector.ReasonNotFound:
		g.impossible = "no proof by the garbage collector: the target has no /debug/pprof/goroutineleak (Go 1.27 has)"
	case collector.ReasonNoConsent:
		g.impossible = "no proof by the garbage collector: " + r.err.Error()
	}
	if r.err != nil {
		g.missing = "no proof by the garbage collector yet: " + r.err.Error()
		return finding
	}
	found := int64(0)
	snapshot := stack.Of(r.profile)
	for _, s := range r.leak.Stacks {
		if st := snapshot.Stacks[s.Signature]; st != nil {
			found += st.Count
		}
	}
	if found >= enoughGoroutines || found > 0 && float64(found) >= r.leak.Leaked/2 {
		return lifecycle.Finding{Leak: r.leak.ID, Evidence: leak.Proven}
	}
	g.impossible = "the garbage collector can still reach them, which a global, a timer or I/O is enough for"
	return finding
}
