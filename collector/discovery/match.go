package discovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// maxNamed bounds the targets that a reason names.
const maxNamed = 3

// Keys of the index: the kind of lookup, then the values, separated by a byte that no label
// has.
const (
	keyMatch    = "match\xff"
	keyPod      = "pod\xff"
	keyInstance = "instance\xff"
	keyHost     = "host\xff"
)

// keys returns the keys of a target, or those to look an instance up with, the best first.
func (f *found) keys(ls labels.Labels) []string { return keysOf(f.Match, ls) }

// keysOf returns the keys for the labels that a target and its instance share. Without any:
// namespace and pod, or instance.
func keysOf(match []string, ls labels.Labels) []string {
	if len(match) > 0 {
		values := make([]string, len(match))
		for i, name := range match {
			if values[i] = ls.Get(name); values[i] == "" {
				return nil
			}
		}
		return []string{keyMatch + strings.Join(values, "\xff")}
	}
	var out []string
	if ns, pod := ls.Get("namespace"), ls.Get("pod"); ns != "" && pod != "" {
		out = append(out, keyPod+ns+"\xff"+pod)
	}
	if instance := ls.Get("instance"); instance != "" {
		out = append(out, keyInstance+instance, keyHost+host(instance))
	}
	return out
}

// find returns the target of an instance; nil without an error: the set does not have it.
func (f *found) find(instance labels.Labels) (*Endpoint, error) {
	for _, key := range f.keys(instance) {
		var fit []*Endpoint
		for _, e := range f.byKey[key] {
			if len(f.Match) > 0 || agrees(e.Labels, instance) {
				fit = append(fit, e)
			}
		}
		if len(fit) > 1 { // several ports of a pod, for example
			same := slices.DeleteFunc(slices.Clone(fit), func(e *Endpoint) bool {
				return e.Labels.Get("instance") != instance.Get("instance")
			})
			if len(same) > 0 {
				fit = same
			}
		}
		if len(fit) > 0 {
			return f.one(fit)
		}
	}
	return nil, nil
}

// agrees reports whether no identifying label of a target and an instance differs. A label that
// one of them lacks does not count.
func agrees(target, instance labels.Labels) bool {
	for _, name := range []string{"job", "namespace", "pod", "container"} {
		a, b := target.Get(name), instance.Get(name)
		if a != "" && b != "" && a != b {
			return false
		}
	}
	return true
}

// one returns the single endpoint if all of fit are at one place.
func (f *found) one(fit []*Endpoint) (*Endpoint, error) {
	best := fit[0]
	var places []string
	for _, e := range fit {
		if e.Err != nil {
			continue
		}
		if place := collector.RedactURL(e.target.URL); !slices.Contains(places, place) {
			places = append(places, place)
		}
		best = e
	}
	if len(places) > 1 {
		return nil, ambiguous(f.Name, places)
	}
	return best, nil
}

// ambiguous says that several targets claim to be one instance.
func ambiguous(who string, places []string) error {
	named := places
	if len(places) > maxNamed {
		named = append(slices.Clone(places[:maxNamed]), "…")
	}
	return collector.Errorf(collector.ReasonAmbiguous,
		"not asked: %d targets claim to be this instance (%s: %s); tell them apart with labels, or with match", len(places), who, strings.Join(named, ", "))
}

// missing makes the error for an instance that no target fits.
func missing(who string, instance labels.Labels) error {
	var by []string
	for _, name := range []string{"job", "instance", "namespace", "pod"} {
		if v := instance.Get(name); v != "" {
			by = append(by, fmt.Sprintf("%s=%q", name, v))
		}
	}
	return collector.Errorf(collector.ReasonNoTarget, "%s no target with %s; add a static target for it", who, strings.Join(by, ", "))
}
