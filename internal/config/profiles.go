package config

import (
	"fmt"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v2"
)

// Profiles says how often profiles are pulled, and bounds each pull.
type Profiles struct {
	// BaselineInterval is the time between two baselines of a service.
	BaselineInterval model.Duration `yaml:"baseline_interval,omitempty"`
	// BaselineInstances is how many instances of a service each baseline has.
	BaselineInstances int `yaml:"baseline_instances,omitempty"`
	// SuspicionInterval is the time between two profiles of an instance of a suspicious
	// service, after the first ones. It doubles while nothing is found.
	SuspicionInterval model.Duration `yaml:"suspicion_interval,omitempty"`
	// DumpLimit is the number of goroutines up to which an instance with a leak is
	// asked for a dump with ages (debug=2). A dump stops all its goroutines for about
	// 80 µs for each one. 0: never.
	DumpLimit int `yaml:"dump_limit"`
	// LabelsInAlerts are the keys of pprof labels whose values alerts, pages and the API
	// may show. All others are hashed.
	LabelsInAlerts []string `yaml:"labels_in_alerts,omitempty"`
	// Timeout of one pull.
	Timeout model.Duration `yaml:"timeout,omitempty"`
	// Concurrency is the number of pulls at a time, over all targets.
	Concurrency int `yaml:"concurrency,omitempty"`
	// TargetCPU is the estimated share of a core that profiles may cost each target in
	// the long run.
	TargetCPU float64 `yaml:"target_cpu,omitempty"`
	// TargetBandwidth bounds the bytes of profiles per second from each target in the
	// long run, Bandwidth those from all targets.
	TargetBandwidth units.Base2Bytes `yaml:"target_bandwidth,omitempty"`
	Bandwidth       units.Base2Bytes `yaml:"bandwidth,omitempty"`
	// SizeLimit bounds the size of one profile as it is sent.
	SizeLimit units.Base2Bytes `yaml:"size_limit,omitempty"`
	// Totals watches targets that have no series by the number of goroutines in their
	// profiles.
	Totals bool `yaml:"totals"`
	// AnnotatedPods finds the pods whose annotations ask for profiles, in a Kubernetes
	// cluster and unless a set of targets has service discovery.
	AnnotatedPods bool `yaml:"annotated_pods"`
	// PodNamespaces are the namespaces of these pods; empty: all.
	PodNamespaces []string `yaml:"pod_namespaces,omitempty"`
	// Push accepts profiles that are sent unasked.
	Push Push `yaml:"push,omitempty"`
}

// AnnotatedSet returns the set of pods whose annotations ask for profiles, in the cluster
// that gorowatch runs in. It fails if this build has no service discovery of Kubernetes.
func (p Profiles) AnnotatedSet() (TargetSet, error) {
	mechanism := map[string]any{"role": "pod"}
	if len(p.PodNamespaces) > 0 {
		mechanism["namespaces"] = map[string]any{"names": p.PodNamespaces}
	}
	text, err := yaml.Marshal(map[string]any{"kubernetes_sd_configs": []any{mechanism}, "pod_annotations": true})
	if err != nil {
		return TargetSet{}, err
	}
	var t TargetSet
	err = yaml.UnmarshalStrict(text, &t)
	return t, err
}

// profiles checks the section profiles.
func (v *validator) profiles(p *Profiles) {
	v.duration("profiles.baseline_interval", p.BaselineInterval, time.Second, 7*24*time.Hour)
	v.duration("profiles.suspicion_interval", p.SuspicionInterval, 100*time.Millisecond, 24*time.Hour)
	v.duration("profiles.timeout", p.Timeout, 100*time.Millisecond, 10*time.Minute)
	v.between("profiles.baseline_instances", p.BaselineInstances, 1, 100)
	for i, key := range p.LabelsInAlerts {
		if key == "" || len(key) > 80 {
			v.add(fmt.Sprintf("profiles.labels_in_alerts[%d]", i), fmt.Errorf("%q, expected the key of a pprof label of 1 to 80 bytes", key[:min(len(key), 40)]))
		}
	}
	v.between("profiles.dump_limit", p.DumpLimit, 0, 1_000_000)
	v.between("profiles.concurrency", p.Concurrency, 1, 1000)
	if s := p.TargetCPU; !(s > 0 && s <= 1) {
		v.add("profiles.target_cpu", fmt.Errorf("%g is out of range, expected a share of a core, more than 0 and up to 1", s))
	}
	v.size("profiles.target_bandwidth", p.TargetBandwidth)
	v.size("profiles.bandwidth", p.Bandwidth)
	v.size("profiles.size_limit", p.SizeLimit)
	v.push(&p.Push)
}
