package monitor

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/stack"
)

const (
	// survivors is the share of the goroutines of a first dump that a second
	// one has to show again.
	survivors = 0.8
	// enough is how many goroutines of a leak show what the others do.
	enough = 5
	// leakProfileEvery bounds how often a target is asked for its goroutineleak
	// profile, for each leak.
	leakProfileEvery = time.Hour
)

// proof is how far the proof of a leak has come, on one process.
type proof struct {
	instance string
	started  time.Time
	busy     bool // a pull is under way

	// The dumps: the ids of the leak's goroutines in the first, and when the
	// next is due. done: there is nothing more to find out.
	ids    map[uint64]bool
	first  time.Time
	next   time.Time
	failed int
	done   bool
	// age says why the leak is not aged.
	age string

	asked time.Time // when the goroutineleak profile was wanted last
	// never says why this process has none, later why it has none yet.
	never, later string
}

// proofs are the pulls that would raise the evidence of the service's leaks:
// first two dumps, in which the same goroutines are to be found, then the
// profile of what the garbage collector cannot reach. In that order, since
// leaked goroutines stop printing their age.
func (m *Monitor) proofs(now time.Time, s *service) (pulls []proofPull) {
	if m.o.Puller == nil {
		return nil
	}
	known := map[string]bool{}
	for _, l := range s.tracker.Leaks() {
		if (l.State != leak.Firing && l.State != leak.Suspected) || l.Head == nil || l.Evidence == leak.Growth || l.Evidence == leak.Proven {
			continue
		}
		known[l.ID] = true
		in := s.fleet.Instance(l.Head.Instance)
		if in == nil || in.Ended() {
			s.found(lifecycle.Finding{Leak: l.ID, Missing: func(leak.Evidence) string { return "the instance whose profiles show it is gone" }})
			continue
		}
		started := s.fleet.Started(in.Name)
		p := s.proving[l.ID]
		if p == nil || p.instance != in.Name || !p.started.Equal(started) {
			if p != nil && p.busy {
				continue
			}
			p = &proof{instance: in.Name, started: started}
			s.proving[l.ID] = p
		}
		if p.busy {
			continue
		}
		count := s.fleet.Count(in.Name)
		switch {
		case p.done:
		case m.o.DumpLimit <= 0:
			p.done, p.age = true, "dumps are off (profiles.dump_limit: 0)"
		case count > float64(m.o.DumpLimit):
			p.done, p.age = true, fmt.Sprintf("no dump with ages was taken, for %s goroutines are more than profiles.dump_limit (%s)",
				human.Number(count), human.Count(int64(m.o.DumpLimit)))
		case l.Evidence == leak.Aged && l.State == leak.Firing:
			p.done = true // a third dump would tell nobody anything
		case !now.Before(p.next):
			pulls = append(pulls, m.proofPull(now, s, in, l, p, true))
			continue
		}
		if (p.done || l.Evidence == leak.Aged) && p.never == "" && now.Sub(p.asked) >= leakProfileEvery {
			p.asked = now
			pulls = append(pulls, m.proofPull(now, s, in, l, p, false))
		}
		s.found(lifecycle.Finding{Leak: l.ID, Missing: p.missing})
	}
	for id := range s.proving {
		if !known[id] {
			delete(s.proving, id)
		}
	}
	return pulls
}

// missing says why the leak has no more evidence than it has.
func (p *proof) missing(e leak.Evidence) string {
	switch {
	case e == leak.Stack && p.age != "":
		return p.age
	case e == leak.Stack && p.ids != nil:
		return "one dump of two is taken"
	case e == leak.Stack:
		return "two dumps, minutes apart, are still to show that these goroutines stay"
	case e == leak.Aged && p.never == "" && p.later != "":
		return p.later
	case e == leak.Aged && p.never == "":
		return "the garbage collector of the target is still to be asked"
	case e == leak.Aged:
		return p.never
	}
	return ""
}

// found hands a finding to the tracker.
func (s *service) found(f lifecycle.Finding) {
	s.tracker.Observe(lifecycle.Observation{Findings: []lifecycle.Finding{f}})
}

// proofPull is a pull that may raise the evidence of a leak: a dump, or the
// goroutineleak profile.
type proofPull struct {
	puller   Puller
	archive  Archive // of the dump; may be nil
	monitor  *Monitor
	now      time.Time
	service  *service
	instance string
	labels   labels.Labels
	count    float64
	leak     leak.Leak
	proof    *proof
	dump     bool
}

// proofPull prepares a pull of a proof.
func (m *Monitor) proofPull(now time.Time, s *service, in *fleet.Instance, l leak.Leak, p *proof, dump bool) proofPull {
	p.busy = true
	return proofPull{
		puller: m.o.Puller, archive: m.o.Archive, monitor: m, now: now, service: s, instance: in.Name,
		labels: in.Labels, count: s.fleet.Count(in.Name), leak: l, proof: p, dump: dump,
	}
}

// run pulls the profile.
func (p proofPull) run(ctx context.Context) proofResult {
	r := proofResult{proofPull: p}
	if !p.dump {
		r.profile, r.err = p.puller.Leaked(ctx, p.now, p.labels, p.count)
		return r
	}
	r.profile, r.err = p.puller.Dump(ctx, p.now, p.labels, p.count)
	if r.err == nil && p.archive != nil && r.profile.Raw != nil {
		r.archived = p.monitor.keepDump(ctx, p.archive, p.service.fleet.Labels, p.instance, p.now, r.profile)
	}
	return r
}

// proofResult is the outcome of a proofPull.
type proofResult struct {
	proofPull
	profile  *collector.Profile
	err      error
	archived *leak.ProfileRef // of a dump
}

func (r proofResult) apply(m *Monitor) {
	if r.dump {
		r.service.found(r.dumpFinding(max(2*m.o.SuspicionInterval, 5*m.o.Trend.Base), lifecycle.LongLife*m.o.Trend.Base))
	} else {
		r.service.found(r.leakProfileFinding())
	}
}

// dumpFinding is what a dump shows of the leak. The next dump is due after pause;
// long is how long a goroutine stays that is no idle worker.
func (r proofResult) dumpFinding(pause, long time.Duration) lifecycle.Finding {
	p := r.proof
	p.busy, p.next = false, r.now.Add(pause)
	finding := lifecycle.Finding{Leak: r.leak.ID, Dump: r.archived, Missing: p.missing}
	switch {
	case r.err != nil:
		p.age = "no dump with ages: " + r.err.Error()
		if !collector.ReasonOf(r.err).Deferred() { // else there will be one later
			p.failed++
			p.done = p.failed >= 3
		}
	case r.profile.Incomplete:
		p.done, p.age = true, "the dump with ages was cut short"
	default:
		p.compare(r.now, &finding, r.leak, stack.Of(r.profile), long)
	}
	return finding
}

// keepDump archives a dump and says where; nowhere if it cannot, which is no
// reason to know less of the leak.
func (m *Monitor) keepDump(ctx context.Context, archive Archive, service labels.Labels, instance string, taken time.Time, p *collector.Profile) *leak.ProfileRef {
	ref, err := archive.SaveDump(ctx, service, instance, taken, p)
	m.archiveState(err)
	if err != nil {
		return nil
	}
	return &ref
}

// compare looks for the goroutines of the first dump in a later one. Of
// goroutines that wait as idle workers do, a third dump a long life after the
// first tells whether they all stay.
func (p *proof) compare(now time.Time, finding *lifecycle.Finding, l leak.Leak, dump *stack.Snapshot, long time.Duration) {
	ids := map[uint64]bool{}
	var wait time.Duration
	for _, g := range l.Stacks {
		if st := dump.Stacks[g.Signature]; st != nil {
			for _, id := range st.IDs {
				ids[id] = true
			}
			wait = max(wait, st.Wait)
			finding.Stacks = append(finding.Stacks, lifecycle.StackFinding{Signature: g.Signature, Wait: st.Wait, CreatedBy: st.CreatedBy})
		}
	}
	switch {
	case len(ids) == 0:
		p.done, p.age = true, "the dump with ages does not show the stack"
	case p.ids == nil:
		p.ids, p.first, p.age = ids, now, ""
	default:
		stayed := 0
		for id := range p.ids {
			if ids[id] {
				stayed++
			}
		}
		if stayed == len(p.ids) && stayed >= enough {
			finding.Stayed = now.Sub(p.first)
		}
		if float64(stayed) >= survivors*float64(len(p.ids)) {
			finding.Evidence = leak.Aged
			p.next = p.first.Add(long)
			p.done = stayed < len(p.ids) || !now.Before(p.next) || len(l.Stacks) > 0 && stack.Stuck(l.Stacks[0].Op)
			return
		}
		p.done = true
		p.age = fmt.Sprintf("only %d of %d goroutines were still there %s later", stayed, len(p.ids), human.Duration(now.Sub(p.first)))
	}
}

// leakProfileFinding is what the goroutineleak profile shows of the leak.
func (r proofResult) leakProfileFinding() lifecycle.Finding {
	p := r.proof
	p.busy, p.later = false, ""
	finding := lifecycle.Finding{Leak: r.leak.ID, Missing: p.missing}
	switch collector.ReasonOf(r.err) {
	case collector.ReasonNotFound:
		p.never = "no proof by the garbage collector: the target has no /debug/pprof/goroutineleak (Go 1.27 has)"
	case collector.ReasonNoConsent:
		p.never = "no proof by the garbage collector: " + r.err.Error()
	}
	if r.err != nil {
		p.later = "no proof by the garbage collector yet: " + r.err.Error()
		return finding
	}
	found := int64(0)
	snapshot := stack.Of(r.profile)
	for _, g := range r.leak.Stacks {
		if st := snapshot.Stacks[g.Signature]; st != nil {
			found += st.Count
		}
	}
	if found >= enough || found > 0 && float64(found) >= r.leak.Leaked/2 {
		return lifecycle.Finding{Leak: r.leak.ID, Evidence: leak.Proven}
	}
	p.never = "the garbage collector can still reach them, which a global, a timer or I/O is enough for"
	return finding
}
