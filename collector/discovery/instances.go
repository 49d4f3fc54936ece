package discovery

import (
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Instances finds the watched instance for labels from elsewhere, such as those of a pushed
// profile. It uses the rules by which an instance finds its target.
type Instances struct {
	match []string
	byKey map[string][]labels.Labels
}

// NewInstances makes the index of instances. match names the labels that both have in common;
// empty: namespace and pod, or instance.
func NewInstances(match []string, instances []labels.Labels) *Instances {
	x := &Instances{match: match, byKey: map[string][]labels.Labels{}}
	for _, ls := range instances {
		for _, key := range keysOf(match, ls) {
			x.byKey[key] = append(x.byKey[key], ls)
		}
	}
	return x
}

// Find returns the labels of the instance. Errors are collector.ReasonNoTarget, if
// there is none, and collector.ReasonAmbiguous, if there are several.
func (x *Instances) Find(ls labels.Labels) (labels.Labels, error) {
	keys := keysOf(x.match, ls)
	if len(keys) == 0 {
		return labels.EmptyLabels(), collector.Errorf(collector.ReasonNoTarget, "expected the labels %s", x.expected())
	}
	for _, key := range keys {
		var fit []labels.Labels
		for _, instance := range x.byKey[key] {
			if len(x.match) > 0 || agrees(ls, instance) {
				fit = append(fit, instance)
			}
		}
		if name := ls.Get("instance"); len(fit) > 1 && name != "" { // several ports of a pod, for example
			var same []labels.Labels
			for _, instance := range fit {
				if instance.Get("instance") == name {
					same = append(same, instance)
				}
			}
			if len(same) > 0 {
				fit = same
			}
		}
		switch {
		case len(fit) == 1:
			return fit[0], nil
		case len(fit) > 1:
			return labels.EmptyLabels(), collector.Errorf(collector.ReasonAmbiguous, "%d watched instances have these labels, expected one", len(fit))
		}
	}
	return labels.EmptyLabels(), collector.Errorf(collector.ReasonNoTarget, "no watched instance has these labels (matched by %s)", x.expected())
}

// expected names the labels by which instances are found, for people.
func (x *Instances) expected() string {
	if len(x.match) > 0 {
		return strings.Join(x.match, ", ")
	}
	return "namespace and pod, or instance"
}
