package profiling

import (
	"fmt"
	"time"

	"github.com/gorowatch/gorowatch/internal/human"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/leak/survival"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
)

const (
	// leakProfileInterval is the longest pause between two goroutineleak profiles for a leak.
	leakProfileInterval = time.Hour
	// leakProfileAnswers is how many of these profiles without the goroutines of a leak are enough
	// to stop asking: a single one may miss some (golang/go#79452).
	leakProfileAnswers = 2
)

// proof is the progress of the proof of a leak, on one process. If the target has a goroutineleak
// profile, and that lists the leak's goroutines, it is proven. Otherwise dumps have to show that the
// same goroutines stay.
type proof struct {
	instance string
	started  time.Time // of the process
	pulling  bool

	dumps       survival.Dumps
	leakProfile leakProfile
}

// leakProfile is what the goroutineleak profiles of a process have shown.
type leakProfile struct {
	next       time.Time // when the next one is due
	pause      time.Duration
	answers    int    // profiles without the goroutines of the leak
	impossible string // in plain words, why this process cannot prove the leak
	missing    string // likewise, why it has not done so yet
}

// planProofs plans the pulls that can raise the evidence of leaks. The findings of the plan say what
// is still missing.
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
		pushed := p.Pushes != nil && p.Pushes.Active(now, in.Labels)
		if pushed {
			plan.Wants = append(plan.Wants, p.wantProof(now, s, in, l, pr))
		}
		if pr.pulling {
			continue
		}
		goroutines := s.fleet.Count(in.Name)
		switch dump := p.dumpDue(now, pr, l, goroutines); {
		case pr.leakProfileDue(now, l, pushed):
			plan.Proofs = append(plan.Proofs, p.proofPull(now, s, in, l, pr, false))
		case dump:
			plan.Proofs = append(plan.Proofs, p.proofPull(now, s, in, l, pr, true))
			continue
		}
		plan.Findings = append(plan.Findings, lifecycle.Finding{Leak: l.ID, Missing: pr.missing})
	}
	for id := range s.proofs {
		if !provable[id] {
			delete(s.proofs, id)
		}
	}
}

// isProvable reports whether a leak has a stack, and evidence that can be raised.
func isProvable(l leak.Leak) bool {
	open := l.State == leak.Firing || l.State == leak.Suspected
	return open && l.Head != nil && l.Evidence != leak.Growth && l.Evidence != leak.Proven
}

// proof returns the proof of a leak on the present process of an instance. It starts over on another
// process, once no pull of the previous one is running.
func (s *Service) proof(id string, in *fleet.Instance) *proof {
	started := s.fleet.Started(in.Name)
	pr := s.proofs[id]
	if pr == nil || !pr.pulling && (pr.instance != in.Name || !pr.started.Equal(started)) {
		pr = &proof{instance: in.Name, started: started}
		s.proofs[id] = pr
	}
	return pr
}

// dumpDue reports whether to take a dump now. If no more are taken, it records why.
func (p *Planner) dumpDue(now time.Time, pr *proof, l leak.Leak, goroutines float64) bool {
	d := &pr.dumps
	switch {
	case d.Done:
	case p.DumpLimit <= 0:
		d.Done, d.Missing = true, "dumps are off (profiles.dump_limit: 0)"
	case goroutines > float64(p.DumpLimit):
		d.Done, d.Missing = true, fmt.Sprintf("no dump with ages was taken: %s goroutines exceed profiles.dump_limit (%s)",
			human.Number(goroutines), human.Count(int64(p.DumpLimit)))
	case l.Evidence == leak.Aged && l.State == leak.Firing:
		d.Done = true // a third dump would show nothing new
	default:
		return !now.Before(d.Next)
	}
	return false
}

// leakProfileDue reports whether to pull the goroutineleak profile now. An instance that pushes profiles
// gets time to push this one too.
func (pr *proof) leakProfileDue(now time.Time, l leak.Leak, pushed bool) bool {
	g := &pr.leakProfile
	if pushed && !pr.dumps.Done && l.Evidence != leak.Aged {
		return false
	}
	return g.impossible == "" && !now.Before(g.next)
}

// wait sets when the goroutineleak profile is due again: after the suspicion interval, or twice as long
// as the last time.
func (g *leakProfile) wait(now time.Time, interval time.Duration) {
	g.pause = min(max(interval, 2*g.pause), max(interval, leakProfileInterval))
	g.next = now.Add(g.pause)
}

// missing says why the leak has no more evidence than it has.
func (pr *proof) missing(e leak.Evidence) string {
	d, g := &pr.dumps, &pr.leakProfile
	switch {
	case e == leak.Stack && d.Missing != "":
		return d.Missing
	case e == leak.Stack && d.Started():
		return "one of two dumps has been taken"
	case e == leak.Stack:
		return "two dumps, minutes apart, have not shown yet that these goroutines stay"
	case e == leak.Aged && g.impossible == "" && g.missing != "":
		return g.missing
	case e == leak.Aged && g.impossible == "":
		return "the target's garbage collector has not been asked yet"
	case e == leak.Aged:
		return g.impossible
	}
	return ""
}
