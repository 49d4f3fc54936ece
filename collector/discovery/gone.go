package discovery

import (
	"maps"
	"time"

	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
)

// memoryOfPods is how long a pod that is gone is remembered: as long as its series are judged.
const memoryOfPods = time.Hour

// podID is the identity of a pod of Kubernetes.
type podID struct{ namespace, name string }

// pods are those that a set finds, whether or not they ask for profiles, and those that it
// found until recently. The series of a pod outlive it by minutes.
type pods struct {
	here map[podID]bool
	left map[podID]time.Time
}

// update records all groups that are found now.
func (p *pods) update(groups []*targetgroup.Group, now time.Time) {
	here := map[podID]bool{}
	for _, g := range groups {
		if isPod(g) && len(g.Targets) > 0 {
			here[podID{string(g.Labels["__meta_kubernetes_namespace"]), string(g.Labels[podMeta+"name"])}] = true
		}
	}
	left := map[podID]time.Time{}
	maps.Copy(left, p.left)
	for x := range p.here {
		left[x] = now
	}
	maps.DeleteFunc(left, func(x podID, since time.Time) bool { return here[x] || now.Sub(since) > memoryOfPods })
	p.here, p.left = here, left
}

// Gone returns since when the pod of an instance is gone, if service discovery found it before
// and no longer does.
func (w *Watcher) Gone(instance labels.Labels) (since time.Time, gone bool) {
	w.mtx.RLock()
	defer w.mtx.RUnlock()
	return w.gone(instance)
}

// gone is Gone. The caller holds mtx.
func (w *Watcher) gone(instance labels.Labels) (since time.Time, gone bool) {
	x := podID{instance.Get("namespace"), instance.Get("pod")}
	for _, f := range w.sets {
		if f.pods.here[x] {
			return time.Time{}, false
		}
		if t, ok := f.pods.left[x]; ok && t.After(since) {
			since, gone = t, true
		}
	}
	return since, gone
}
