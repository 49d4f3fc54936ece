package profiling

import (
	"fmt"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
)

// leakProfileInterval bounds how often a target is asked for its goroutineleak
// profile, for each leak.
const leakProfileInterval = time.Hour

// proof is how far the proof of a leak has come, on one process. First two dumps
// have to show the same goroutines, then the profile of the goroutines that the
// garbage collector cannot reach has to list them. In that order, since leaked
// goroutines stop printing their age.
type proof struct {
	instance string
	started  time.Time // of the process
	pulling  bool

	dumps       dumps
	leakProfile leakProfile
}

// dumps is what the dumps of a process have shown.
type dumps struct {
	ids      map[uint64]bool // of the leak's goroutines in the first dump
	first    time.Time       // when that was taken
	next     time.Time       // when another is due
	failures int
	done     bool   // no further dump is needed
	missing  string // why the leak is not aged, in words
}

// leakProfile is what the goroutineleak profile of a process has shown.
type leakProfile struct {
	asked      time.Time // when it was pulled last
	impossible string    // why this process cannot prove the leak, in words
	missing    string    // why it has not yet
}

// planProofs plans the pulls that can raise the evidence of leaks. The findings say
// what evidence they lack until then.
func (p *Planner) planProofs(now time.Time, s *Service, leaks []leak.Leak, plan *Plan) {
	provable := map[string]bool{}
	for _, l := range leaks {
		if !isProvable(l) {
			continue
		}
		provable[l.ID] = true
		in := s.fleet.Instance(l.Head.Instance)
		if in == nil || in.Ended() {
			plan.Findings = append(plan.Findings, lifecycle.Finding{Leak: l.ID, Missing: func(leak.Evidence) string { return "the instance whose profiles show it is gone" }})
			continue
		}
		pr := s.proof(l.ID, in)
		if p.Pushes != nil && p.Pushes.Active(now, in.Labels) {
			plan.Wants = append(plan.Wants, p.wantProof(now, s, in, l, pr))
		}
		if pr.pulling {
			continue
		}
		goroutines := s.fleet.Count(in.Name)
		switch dump := p.dumpDue(now, pr, l, goroutines); {
		case dump:
			plan.Proofs = append(plan.Proofs, p.proofPull(now, s, in, l, pr, true))
			continue
		case pr.leakProfileDue(now, l):
			pr.leakProfile.asked = now
			plan.Proofs = append(plan.Proofs, p.proofPull(now, s, in, l, pr, false))
		}
		plan.Findings = append(plan.Findings, lifecycle.Finding{Leak: l.ID, Missing: pr.missing})
	}
	for id := range s.proofs {
		if !provable[id] {
			delete(s.proofs, id)
		}
	}
}

// isProvable reports whether a leak has a stack, and evidence to be raised.
func isProvable(l leak.Leak) bool {
	open := l.State == leak.Firing || l.State == leak.Suspected
	return open && l.Head != nil && l.Evidence != leak.Growth && l.Evidence != leak.Proven
}

// proof returns the proof of a leak on the present process of an instance. It
// starts anew on another process, once no pull of the one before is running.
func (s *Service) proof(id string, in *fleet.Instance) *proof {
	started := s.fleet.Started(in.Name)
	pr := s.proofs[id]
	if pr == nil || !pr.pulling && (pr.instance != in.Name || !pr.started.Equal(started)) {
		pr = &proof{instance: in.Name, started: started}
		s.proofs[id] = pr
	}
	return pr
}

// dumpDue reports whether a dump is to be taken now, and notes why no more are.
func (p *Planner) dumpDue(now time.Time, pr *proof, l leak.Leak, goroutines float64) bool {
	d := &pr.dumps
	switch {
	case d.done:
	case p.DumpLimit <= 0:
		d.done, d.missing = true, "dumps are off (profiles.dump_limit: 0)"
	case goroutines > float64(p.DumpLimit):
		d.done, d.missing = true, fmt.Sprintf("no dump with ages was taken, for %s goroutines are more than profiles.dump_limit (%s)",
			human.Number(goroutines), human.Count(int64(p.DumpLimit)))
	case l.Evidence == leak.Aged && l.State == leak.Firing:
		d.done = true // a third dump would show nothing new
	default:
		return !now.Before(d.next)
	}
	return false
}

// leakProfileDue reports whether the goroutineleak profile is to be pulled now.
func (pr *proof) leakProfileDue(now time.Time, l leak.Leak) bool {
	g := &pr.leakProfile
	return (pr.dumps.done || l.Evidence == leak.Aged) && g.impossible == "" && now.Sub(g.asked) >= leakProfileInterval
}

// missing says why the leak has no more evidence than it has.
func (pr *proof) missing(e leak.Evidence) string {
	d, g := &pr.dumps, &pr.leakProfile
	switch {
	case e == leak.Stack && d.missing != "":
		return d.missing
	case e == leak.Stack && d.ids != nil:
		return "one dump of two is taken"
	case e == leak.Stack:
		return "two dumps, minutes apart, are still to show that these goroutines stay"
	case e == leak.Aged && g.impossible == "" && g.missing != "":
		return g.missing
	case e == leak.Aged && g.impossible == "":
		return "the garbage collector of the target is still to be asked"
	case e == leak.Aged:
		return g.impossible
	}
	return ""
}
