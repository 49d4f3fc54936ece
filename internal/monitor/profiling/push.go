package profiling

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
)

// Push is a profile that an instance, or an agent on its behalf, pushes.
type Push struct {
	// Instance is the labels of a watched instance.
	Instance labels.Labels
	Kind     collector.ProfileKind
	// Decode returns the profile. It is called only if the profile is needed.
	Decode func(context.Context) (*collector.Profile, error)
}

// The reasons to refuse a pushed profile because of its time.
var (
	ErrReplayed   = errors.New("a profile of this time was pushed before")
	ErrOutOfOrder = errors.New("a later profile was pushed before")
	ErrTooOld     = errors.New("the profile is more than 10 minutes old")
	ErrFuture     = errors.New("the profile is from the future; are the clocks in step?")
)

const (
	// The first frequentPushes pushed profiles of a suspect are used at a rate of pushParts per
	// suspicion interval, but at most one a second. The next regularPushes are used at one per
	// suspicion interval. Then the pause doubles each time, as between pulls.
	pushParts      = 12
	frequentPushes = 20
	regularPushes  = 10
	// maxPushAge and maxPushAhead bound the time of a pushed profile. Senders retry for some minutes.
	maxPushAge   = 10 * time.Minute
	maxPushAhead = time.Minute
)

// Want is a profile that will be used when the instance pushes one. It replaces a pull.
type Want struct {
	instance labels.Labels
	kind     collector.ProfileKind
	// every is the least time between two profiles; 0: one is enough.
	every time.Duration

	// Proof is the purpose of a goroutineleak profile; nil: it is a pull.
	Proof *ProofPull
	Pull  Pull
}

// Once reports whether one profile is enough.
func (w Want) Once() bool { return w.every == 0 }

// isPushed reports whether the profiles of an instance arrive without a pull.
func (p *Planner) isPushed(now time.Time, in *instanceProfiles) bool {
	return p.Pushes != nil && in != nil && p.Pushes.Active(now, in.Labels)
}

// want turns a pull into one that waits for a push.
func (p *Planner) want(pull Pull, in *instanceProfiles, every time.Duration) Want {
	in.pulling = false
	return Want{instance: in.Labels, kind: collector.KindGoroutine, every: every, Pull: pull}
}

// wantProof makes a Want for a goroutineleak profile, which may prove a leak. Dumps with ages are still
// pulled, because no profiler pushes them.
func (p *Planner) wantProof(now time.Time, s *Service, in *fleet.Instance, l leak.Leak, pr *proof) Want {
	before := pr.pulling
	pull := p.proofPull(now, s, in, l, pr, false)
	pr.pulling, pull.pushed = before, true
	return Want{instance: in.Labels, kind: collector.KindGoroutineLeak, every: time.Minute, Proof: &pull}
}

// pushPause returns the least time between two pushed profiles of a suspect.
func (p *Planner) pushPause(in *instanceProfiles) time.Duration {
	d := p.SuspicionInterval
	if in.suspicion.pulls < frequentPushes {
		return max(d/pushParts, time.Second)
	}
	for range max(in.suspicion.pulls-frequentPushes-regularPushes, 0) {
		if d >= p.BaselineInterval {
			return p.BaselineInterval
		}
		d *= 2
	}
	return d
}

// RunPushed is Run for a profile that was pushed.
func (p Pull) RunPushed(ctx context.Context, profile *collector.Profile) PullResult {
	p.now = profile.Time
	r := PullResult{instance: p.instance, pushed: true, count: Count{Instance: p.labels, At: p.now, Goroutines: profile.Total}}
	p.store(ctx, &r, profile)
	return r
}

// withoutReading returns the pull without the profiles to read from the archive.
func (p Pull) withoutReading() Pull {
	p.load, p.list, p.earlier.To = nil, false, time.Time{}
	return p
}

// RunPushed is Run for a goroutineleak profile that was pushed.
func (p ProofPull) RunPushed(profile *collector.Profile) ProofResult {
	p.now = profile.Time
	return ProofResult{ProofPull: p, profile: profile}
}
