package profiling

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/leak/survival"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// maxDumpFailures is how many failed dumps are enough to stop taking them.
	maxDumpFailures = 3
)

// ProofPull is a pull that may raise the evidence of a leak: a dump, or the goroutineleak profile. It
// may run in the background.
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
	pushed     bool // the instance pushes the goroutineleak profile
}

// ProofResult is the outcome of a ProofPull.
type ProofResult struct {
	ProofPull
	profile  *collector.Profile
	err      error
	archived *leak.ProfileRef // of a dump
}

// proofPull prepares a ProofPull.
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

// ApplyProof records the result of a ProofPull, and returns what it shows about the leak. Where
// goroutines have stayed for a long life, profiles have to show whether they still grow.
func (p *Planner) ApplyProof(s *Service, r ProofResult) lifecycle.Finding {
	if !r.dump {
		return r.applyLeakProfile(p.SuspicionInterval)
	}
	finding := r.applyDump(p)
	if in := s.instances[r.instance]; in != nil && finding.Stayed >= lifecycle.LongLife*p.Block {
		in.suspicion.stay(r.now)
	}
	return finding
}

// isStuck reports whether the goroutines of a leak are blocked where healthy ones do not wait for long,
// so that dumps soon show that they stay.
func isStuck(l leak.Leak) bool { return len(l.Stacks) > 0 && stack.Stuck(l.Stacks[0].Op) }

// dumpPause returns the time between the first dump of a leak and the second.
func (p *Planner) dumpPause(l leak.Leak) time.Duration {
	if isStuck(l) {
		return p.SuspicionInterval / 2
	}
	return max(2*p.SuspicionInterval, 5*p.Block)
}

// applyDump records a dump.
func (r ProofResult) applyDump(p *Planner) lifecycle.Finding {
	pr, d := r.proof, &r.proof.dumps
	pr.pulling, d.Next = false, r.now.Add(p.dumpPause(r.leak))
	finding := lifecycle.Finding{Leak: r.leak.ID, Dump: r.archived, Missing: pr.missing}
	switch {
	case r.err != nil:
		d.Missing = "no dump with ages: " + r.err.Error()
		if !collector.ReasonOf(r.err).Deferred() { // else it is only postponed
			d.Failures++
			d.Done = d.Failures >= maxDumpFailures
		}
	case r.profile.Incomplete:
		d.Done, d.Missing = true, "the dump with ages was cut short"
	default:
		d.Compare(r.now, &finding, r.leak, stack.Of(r.profile), lifecycle.LongLife*p.Block)
	}
	return finding
}

// applyLeakProfile records a goroutineleak profile.
func (r ProofResult) applyLeakProfile(interval time.Duration) lifecycle.Finding {
	pr, g := r.proof, &r.proof.leakProfile
	g.missing = ""
	if r.pushed {
		g.next = r.now.Add(leakProfileInterval) // it need not be pulled too
	} else {
		pr.pulling = false
		g.wait(r.now, interval)
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
	if found >= survival.Enough || found > 0 && float64(found) >= r.leak.Leaked/2 {
		return lifecycle.Finding{Leak: r.leak.ID, Evidence: leak.Proven}
	}
	g.missing = "the garbage collector can still reach them: a reference from a global, a timer or I/O is enough"
	if g.answers++; g.answers >= leakProfileAnswers {
		g.impossible = g.missing
	}
	return finding
}
