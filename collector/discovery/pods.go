package discovery

import (
	"net"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

const (
	podMeta = "__meta_kubernetes_pod_"
	// portLabel marks a target whose port its annotations chose.
	portLabel = "__gorowatch_port__"
	// metricsPortLabel is the port of its metrics if that is another.
	metricsPortLabel = "__gorowatch_metrics_port__"
)

// dialect is one way in which annotations ask for the goroutine profile. Names that it does not
// have are empty.
type dialect struct {
	scrape, port, portName, scheme, path string
	// orPort names the dialect whose port counts if this one has none
	orPort string
}

// dialects are those in common use. The first one that mentions scraping decides. Permission to
// scrape metrics (prometheus.io/scrape) does not include profiles, which cost more and show
// more.
var dialects = []dialect{
	{
		scrape:   "profiles.grafana.com/goroutine.scrape",
		port:     "profiles.grafana.com/goroutine.port",
		portName: "profiles.grafana.com/goroutine.port_name",
		scheme:   "profiles.grafana.com/goroutine.scheme",
		path:     "profiles.grafana.com/goroutine.path",
	},
	{scrape: "coroot.com/profile-scrape", port: "coroot.com/profile-port", orPort: "pyroscope.io/port"},
	{scrape: "pyroscope.io/scrape", port: "pyroscope.io/port"},
}

// isPod reports whether a group is a pod of Kubernetes' role pod.
func isPod(g *targetgroup.Group) bool {
	_, ok := g.Labels[podMeta+"ip"]
	return ok
}

// annotation returns the value of a pod's annotation. Service discovery has replaced characters
// that label names cannot have by underscores.
func annotation(g *targetgroup.Group, name string) string {
	if name == "" {
		return ""
	}
	name = strings.Map(func(r rune) rune {
		if r == '.' || r == '/' || r == '-' {
			return '_'
		}
		return r
	}, name)
	return string(g.Labels[model.LabelName(podMeta+"annotation_"+name)])
}

// annotated returns the target of a pod whose annotations ask for profiles. asked means that
// annotations mention it at all. An error says why there are no profiles: the pod does not want
// it, or does not say where they are.
func annotated(g *targetgroup.Group) (target model.LabelSet, asked bool, err error) {
	switch g.Labels[podMeta+"phase"] {
	case "Pending", "Succeeded", "Failed":
		return nil, false, nil // nothing runs
	}
	for _, d := range dialects {
		switch wish := annotation(g, d.scrape); wish {
		case "":
			continue
		case "true":
			target, err = d.target(g)
			return target, true, err
		default:
			return podTarget(g, "", ""), true, collector.Errorf(collector.ReasonNoConsent,
				"not asked: the pod's annotation %s is %q, not \"true\"", d.scrape, wish)
		}
	}
	return nil, false, nil
}

// target makes the pod's target in this dialect: the port by its name, else by its number, else
// the only one that the pod has.
func (d dialect) target(g *targetgroup.Group) (model.LabelSet, error) {
	var port, container string
	if name := annotation(g, d.portName); name != "" {
		port, container = containerPort(g, "port_name", name)
	}
	if number := annotation(g, d.port); port == "" && number != "" {
		port = number
	}
	if number := annotation(g, d.orPort); port == "" && number != "" {
		port = number
	}
	if port == "" && annotation(g, d.portName) == "" {
		port, container = onlyPort(g)
	}
	n, err := strconv.Atoi(port)
	switch {
	case port == "":
		where := d.port
		if name := annotation(g, d.portName); name != "" {
			return podTarget(g, "", ""), collector.Errorf(collector.ReasonNoTarget,
				"the pod's annotation %s is %q, but no container has a port of that name", d.portName, name)
		}
		return podTarget(g, "", ""), collector.Errorf(collector.ReasonNoTarget,
			"the pod asks for profiles with %s, but not on which port: set %s", d.scrape, where)
	case err != nil || n < 1 || n > 65535:
		return podTarget(g, "", ""), collector.Errorf(collector.ReasonNoTarget, "the pod's annotation %s is %q, expected a port", d.port, port)
	}
	if container == "" {
		_, container = containerPort(g, "port_number", port)
	}
	t := podTarget(g, port, container)
	if scheme := annotation(g, d.scheme); scheme != "" {
		t[model.SchemeLabel] = model.LabelValue(scheme)
	}
	if path := annotation(g, d.path); path != "" {
		t[profilePathLabel] = model.LabelValue(path)
	}
	// The port of the metrics counts if only gorowatch scrapes them.
	if metrics := annotation(g, "prometheus.io/port"); metrics != "" {
		t[metricsPortLabel] = model.LabelValue(metrics)
	}
	if path := annotation(g, "prometheus.io/path"); path != "" {
		t[model.MetricsPathLabel] = model.LabelValue(path)
	}
	return t, nil
}

// podTarget makes the target at a port of the pod, and of a container of it if that is known.
func podTarget(g *targetgroup.Group, port, container string) model.LabelSet {
	address := string(g.Labels[podMeta+"ip"])
	if port != "" {
		address = net.JoinHostPort(address, port)
	}
	t := model.LabelSet{model.AddressLabel: model.LabelValue(address), portLabel: model.LabelValue(port)}
	if container == "" && len(g.Targets) > 0 {
		container = string(g.Targets[0][podMeta+"container_name"])
		for _, other := range g.Targets {
			if isInit(other) || string(other[podMeta+"container_name"]) != container {
				container = ""
			}
		}
	}
	if container != "" {
		t[podMeta+"container_name"] = model.LabelValue(container)
	}
	return t
}

// containerPort returns the number, and the container, of the pod's port that has value in a
// field.
func containerPort(g *targetgroup.Group, field, value string) (number, container string) {
	for _, t := range g.Targets {
		if !isInit(t) && string(t[model.LabelName(podMeta+"container_"+field)]) == value {
			return string(t[podMeta+"container_port_number"]), string(t[podMeta+"container_name"])
		}
	}
	return "", ""
}

// onlyPort returns the pod's port if it has just one.
func onlyPort(g *targetgroup.Group) (number, container string) {
	for _, t := range g.Targets {
		n := string(t[podMeta+"container_port_number"])
		if n == "" || isInit(t) || t[podMeta+"container_port_protocol"] == "UDP" {
			continue
		}
		if number != "" {
			return "", ""
		}
		number, container = n, string(t[podMeta+"container_name"])
	}
	return number, container
}

func isInit(t model.LabelSet) bool { return t[podMeta+"container_init"] == "true" }

// podJob returns a job name for a pod: its label app.kubernetes.io/name or app, or the name of
// its controller. Empty: it is not a pod.
func podJob(lb *labels.Builder) string {
	for _, name := range []string{"label_app_kubernetes_io_name", "label_app"} {
		if v := lb.Get(podMeta + name); v != "" {
			return v
		}
	}
	if controller := lb.Get(podMeta + "controller_name"); controller != "" {
		if hash := lb.Get(podMeta + "label_pod_template_hash"); hash != "" {
			return strings.TrimSuffix(controller, "-"+hash)
		}
		return controller
	}
	return lb.Get(podMeta + "name")
}
