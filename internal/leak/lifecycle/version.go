package lifecycle

import "github.com/gorowatch/gorowatch/trend"

// version links a leak to the rollout before its onset: the version of the
// process that grows fastest, and the start of the first process with it. A
// process that started after the onset says nothing.
func (r *record) version(o Evaluation) {
	l := &r.leak
	if l.Version != "" || len(o.Versions) == 0 {
		return
	}
	before := func(in trend.Instance) bool { return in.Started.IsZero() || !in.Started.After(l.Onset) }
	for _, it := range o.Verdict.Instances {
		i := find(o.Instances, it.Instance)
		if v := o.Versions[it.Instance]; i >= 0 && v != "" && before(o.Instances[i]) {
			l.Version = v
			break
		}
	}
	if l.Version == "" {
		return
	}
	for _, in := range o.Instances {
		if o.Versions[in.Name] != l.Version || in.Started.IsZero() || !before(in) {
			continue
		}
		if l.DeployedAt.IsZero() || in.Started.Before(l.DeployedAt) {
			l.DeployedAt = in.Started
		}
	}
}
