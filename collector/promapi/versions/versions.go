package versions

import (
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Versions are versions by what identifies their instance.
type Versions map[string]version

type version struct {
	text string
	rank int // of the metric; the lowest counts
}

// The ranks: a program's own version comes before that of its image, and that before the one
// that the Go tool stamped into the binary.
const (
	rankBuildInfo = iota
	rankService
	rankProgramInfo
	rankImage
	rankGo
)

// New reads the series of these metrics.
func New(vector model.Vector) Versions {
	v := Versions{}
	for _, sample := range vector {
		m := sample.Metric
		name := string(m[model.MetricNameLabel])
		if name == "kube_pod_container_info" {
			tag := imageTag(string(m["image"]))
			ns, pod := string(m["namespace"]), string(m["pod"])
			v.add(podKey(ns, pod, ""), tag, rankImage)
			if c := string(m["container"]); c != "" {
				v.add(podKey(ns, pod, c), tag, rankImage)
			}
			continue
		}
		rank, label := rankProgramInfo, model.LabelName("version")
		switch name {
		case "target_info":
			rank, label = rankService, "service_version"
		case "build_info":
			rank = rankBuildInfo
		case "go_build_info":
			rank = rankGo
		}
		v.add(targetKey(string(m["job"]), string(m["instance"])), string(m[label]), rank)
	}
	return v
}

// add adds a version, unless a better one is known. If two of the same rank differ, as for the
// containers of a pod, there is none.
func (v Versions) add(key, text string, rank int) {
	if !says(text) {
		return
	}
	switch have, ok := v[key]; {
	case !ok || rank < have.rank:
		v[key] = version{text, rank}
	case rank == have.rank && text != have.text:
		v[key] = version{"", rank}
	}
}

// maxVersion bounds the bytes of a version, which goes into alerts.
const maxVersion = 256

// says reports whether a text is a version: builds without one have a placeholder.
func says(text string) bool {
	if len(text) > maxVersion || !utf8.ValidString(text) {
		return false
	}
	switch text {
	case "", "(devel)", "devel", "unknown", "latest", "v0.0.0":
		return false
	}
	return true
}

// Of returns the version of an instance.
func (v Versions) Of(instance labels.Labels) string {
	self := v[targetKey(instance.Get("job"), instance.Get("instance"))]
	var image version
	if pod := instance.Get("pod"); pod != "" {
		image = v[podKey(instance.Get("namespace"), pod, instance.Get("container"))]
	}
	if image.text != "" && (self.text == "" || image.rank < self.rank) {
		return image.text
	}
	return self.text
}

func targetKey(job, instance string) string { return "target\xff" + job + "\xff" + instance }

func podKey(namespace, pod, container string) string {
	return "pod\xff" + namespace + "\xff" + pod + "\xff" + container
}

// imageTag returns v1.42.0 of registry:5000/shop/checkout:v1.42.0@sha256:….
func imageTag(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, tag, found := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if !found {
		return ""
	}
	return tag
}
