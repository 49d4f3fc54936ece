package lifecycle

import (
	"time"

	"github.com/gorowatch/gorowatch/trend"
)

// Rollout is the first start of the version with which a leak began.
type Rollout struct {
	Version string
	At      time.Time // when the first process of that version started
}

// Rollouts returns those of the open leaks whose previous version is unknown yet.
func (t *Tracker) Rollouts() (out []Rollout) {
	for _, r := range t.open {
		if l := r.leak; l.Version != "" && !l.DeployedAt.IsZero() && l.PreviousVersion == "" {
			out = append(out, Rollout{l.Version, l.DeployedAt})
		}
	}
	return out
}

// version links a leak to the last rollout before its onset: the version of the fastest growing
// process, when the first process of that version started, and the previous version. Processes that
// started after the onset do not count.
func (r *record) version(e Evaluation) {
	if r.leak.Version == "" && len(e.Versions) > 0 {
		r.findVersion(e)
	}
	if r.leak.Version != "" && !r.leak.DeployedAt.IsZero() && r.leak.PreviousVersion == "" {
		r.leak.PreviousVersion = previousVersion(r.leak.Version, r.leak.DeployedAt, e)
	}
}

func (r *record) findVersion(e Evaluation) {
	l := &r.leak
	before := func(in trend.Instance) bool { return in.Started.IsZero() || !in.Started.After(l.Onset) }
	for _, it := range e.Verdict.Instances {
		i := find(e.Instances, it.Instance)
		if v := e.Versions[it.Instance]; i >= 0 && v != "" && before(e.Instances[i]) {
			l.Version = v
			break
		}
	}
	if l.Version == "" {
		return
	}
	for _, in := range e.Instances {
		if e.Versions[in.Name] != l.Version || in.Started.IsZero() || !before(in) {
			continue
		}
		if l.DeployedAt.IsZero() || in.Started.Before(l.DeployedAt) {
			l.DeployedAt = in.Started
		}
	}
}

// previousVersion is the version of the youngest process that has another version and started before
// the rollout; else what Evaluation.VersionBefore knows.
func previousVersion(version string, deployed time.Time, e Evaluation) string {
	name, started := "", time.Time{}
	for _, in := range e.Instances {
		if v := e.Versions[in.Name]; v != "" && v != version && in.Started.After(started) && in.Started.Before(deployed) {
			name, started = v, in.Started
		}
	}
	if name == "" && e.VersionBefore != nil {
		name = e.VersionBefore(deployed)
	}
	if name == version {
		return ""
	}
	return name
}
