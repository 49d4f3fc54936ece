package signals

import (
	"github.com/prometheus/prometheus/model/labels"
)

// TargetInfo is the metric with OpenTelemetry's attributes of a program. It belongs to the
// instances with the same job and instance.
const TargetInfo = "target_info"

// attributes are the labels of OpenTelemetry's attributes of a pod, and the labels of
// Kubernetes that they stand for.
var attributes = [...]struct{ attribute, label string }{
	{"k8s_namespace_name", "namespace"}, {"k8s_pod_name", "pod"}, {"k8s_container_name", "container"},
}

// PodAttributes returns the labels of target_info that name a container.
func PodAttributes() []string {
	out := make([]string, len(attributes))
	for i, a := range attributes {
		out[i] = a.attribute
	}
	return out
}

// Pods has the pods, from target_info, of the instances that do not name theirs. The zero value
// is empty.
type Pods struct{ byTarget map[[2]string]labels.Labels }

// Add adds a series of target_info. If an instance has several pods, none counts.
func (p *Pods) Add(info labels.Labels) {
	target := [2]string{info.Get("job"), info.Get("instance")}
	if !info.Has("k8s_pod_name") || target[0] == "" || target[1] == "" {
		return
	}
	if p.byTarget == nil {
		p.byTarget = map[[2]string]labels.Labels{}
	}
	pod := podLabels(info)
	if have, ok := p.byTarget[target]; ok && !labels.Equal(have, pod) {
		pod = labels.EmptyLabels()
	}
	p.byTarget[target] = pod
}

// Complete adds the namespace, the pod and the container to the labels of an instance that
// does not name its pod. It takes them from OpenTelemetry's attributes among its labels, or
// from its target_info.
func (p *Pods) Complete(ls labels.Labels) labels.Labels {
	if ls.Has("pod") {
		return ls
	}
	pod := podLabels(ls)
	if !pod.Has("pod") {
		pod = p.byTarget[[2]string{ls.Get("job"), ls.Get("instance")}]
	}
	if pod.IsEmpty() {
		return ls
	}
	b := labels.NewBuilder(ls)
	pod.Range(func(l labels.Label) {
		if !ls.Has(l.Name) {
			b.Set(l.Name, l.Value)
		}
	})
	return b.Labels()
}

// podLabels returns the labels of a container that attributes stand for.
func podLabels(ls labels.Labels) labels.Labels {
	b := labels.NewScratchBuilder(len(attributes))
	for _, a := range attributes {
		if v := ls.Get(a.attribute); v != "" {
			b.Add(a.label, v)
		}
	}
	b.Sort()
	return b.Labels()
}
