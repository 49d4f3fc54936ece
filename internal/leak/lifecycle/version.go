package lifecycle

import "github.com/gorowatch/gorowatch/trend"

// version links a leak to the rollout before its onset: the version of the
// fastest growing process, and the start of the first process with it. A
// process that started after the onset is not considered.
func (r *record) version(e Evaluation) {
	l := &r.leak
	if l.Version != "" || len(e.Versions) == 0 {
		return
	}
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
