package discovery

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/util/strutil"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// pod makes a pod as Kubernetes' role pod finds it, with ports written container:name:number.
func pod(ports []string, annotations ...string) *targetgroup.Group {
	g := &targetgroup.Group{Source: "pod/prod/shop-7d9f-x2x", Labels: model.LabelSet{
		"__meta_kubernetes_namespace": "prod", "__meta_kubernetes_pod_name": "shop-7d9f-x2x",
		"__meta_kubernetes_pod_ip": "10.0.0.7", "__meta_kubernetes_pod_phase": "Running",
		"__meta_kubernetes_pod_controller_name":         "shop-7d9f",
		"__meta_kubernetes_pod_label_pod_template_hash": "7d9f",
	}}
	for i := 0; i < len(annotations); i += 2 {
		g.Labels["__meta_kubernetes_pod_annotation_"+model.LabelName(strutil.SanitizeLabelName(annotations[i]))] = model.LabelValue(annotations[i+1])
	}
	for _, p := range ports {
		f := strings.Split(p, ":")
		g.Targets = append(g.Targets, model.LabelSet{
			"__address__":                          model.LabelValue("10.0.0.7:" + f[2]),
			"__meta_kubernetes_pod_container_name": model.LabelValue(f[0]), "__meta_kubernetes_pod_container_init": "false",
			"__meta_kubernetes_pod_container_port_name": model.LabelValue(f[1]), "__meta_kubernetes_pod_container_port_number": model.LabelValue(f[2]),
			"__meta_kubernetes_pod_container_port_protocol": "TCP",
		})
	}
	if len(ports) == 0 {
		g.Targets = append(g.Targets, model.LabelSet{"__address__": "10.0.0.7", "__meta_kubernetes_pod_container_name": "app", "__meta_kubernetes_pod_container_init": "false"})
	}
	return g
}

// Which of a pod's annotations counts, and what it means. Each family has the meaning that its
// own project gives it.
func TestPodAnnotations(t *testing.T) {
	const (
		grafana   = "profiles.grafana.com/goroutine."
		coroot    = "coroot.com/profile-"
		pyroscope = "pyroscope.io/"
	)
	two := []string{"app:http:8080", "app:pprof:6060"}
	for name, tc := range map[string]struct {
		ports       []string
		annotations []string
		want        string // URL; empty: not asked for
		reason      collector.Reason
		err         string
	}{
		"none":                          {ports: two},
		"scraped by Prometheus":         {ports: two, annotations: []string{"prometheus.io/scrape", "true", "prometheus.io/port", "8080"}},
		"another profile":               {ports: two, annotations: []string{"profiles.grafana.com/cpu.scrape", "true", "profiles.grafana.com/cpu.port", "6060"}},
		"a port is no wish":             {ports: two, annotations: []string{grafana + "port", "6060"}},
		"grafana, port":                 {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "6060"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"grafana, port not declared":    {annotations: []string{grafana + "scrape", "true", grafana + "port", "7070"}, want: "http://10.0.0.7:7070/debug/pprof/goroutine"},
		"grafana, port_name":            {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port_name", "pprof"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"port_name before port":         {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "8080", grafana + "port_name", "pprof"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"no such port_name, but a port": {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "8080", grafana + "port_name", "debug"}, want: "http://10.0.0.7:8080/debug/pprof/goroutine"},
		"no such port_name": {
			ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port_name", "debug"},
			reason: collector.ReasonNoTarget, err: `the pod's annotation profiles.grafana.com/goroutine.port_name is "debug", but no container has a port of that name`,
		},
		"scheme and path": {
			ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "6060", grafana + "scheme", "https", grafana + "path", "/internal/goroutine"},
			want: "https://10.0.0.7:6060/internal/goroutine",
		},
		"path of all profiles": {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "6060", grafana + "path", "/x/pprof/"}, want: "http://10.0.0.7:6060/x/pprof/goroutine"},
		"odd scheme": {
			ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "6060", grafana + "scheme", "gopher"},
			reason: collector.ReasonNoTarget, err: `targets[0]: its scheme is "gopher" after relabelling, expected http or https`,
		},
		"the only port": {ports: []string{"app:http:8080"}, annotations: []string{grafana + "scrape", "true"}, want: "http://10.0.0.7:8080/debug/pprof/goroutine"},
		"which port?": {
			ports: two, annotations: []string{grafana + "scrape", "true"},
			reason: collector.ReasonNoTarget, err: "the pod asks for profiles with profiles.grafana.com/goroutine.scrape, but not on which port: set profiles.grafana.com/goroutine.port",
		},
		"no port": {
			ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "http"},
			reason: collector.ReasonNoTarget, err: `the pod's annotation profiles.grafana.com/goroutine.port is "http", expected a port`,
		},
		"coroot":                         {ports: two, annotations: []string{coroot + "scrape", "true", coroot + "port", "6060"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"coroot, its scheme is nobody's": {ports: two, annotations: []string{coroot + "scrape", "true", coroot + "port", "6060", grafana + "scheme", "https", grafana + "path", "/x"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"coroot takes pyroscope's port":  {ports: two, annotations: []string{coroot + "scrape", "true", pyroscope + "port", "6060"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"pyroscope":                      {ports: two, annotations: []string{pyroscope + "scrape", "true", pyroscope + "port", "6060"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"grafana before coroot":          {ports: two, annotations: []string{grafana + "scrape", "true", grafana + "port", "6060", coroot + "scrape", "true", coroot + "port", "8080"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"coroot before pyroscope":        {ports: two, annotations: []string{pyroscope + "scrape", "true", pyroscope + "port", "8080", coroot + "scrape", "true", coroot + "port", "6060"}, want: "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"a no is a no": {
			ports: two, annotations: []string{grafana + "scrape", "false", coroot + "scrape", "true", coroot + "port", "6060"},
			reason: collector.ReasonNoConsent, err: `not asked: the pod's annotation profiles.grafana.com/goroutine.scrape is "false", not "true"`,
		},
		"only true is yes": {
			ports: two, annotations: []string{pyroscope + "scrape", "1", pyroscope + "port", "6060"},
			reason: collector.ReasonNoConsent, err: `not asked: the pod's annotation pyroscope.io/scrape is "1", not "true"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := Set{Name: "targets[0]", PodAnnotations: true, Access: Access{Client: &http.Client{}}}
			found := s.endpoints([]*targetgroup.Group{pod(tc.ports, tc.annotations...)})
			if tc.want == "" && tc.err == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			e := found[0]
			require.Equal(t, "prod", e.Labels.Get("namespace"))
			require.Equal(t, "shop-7d9f-x2x", e.Labels.Get("pod"))
			require.Equal(t, "app", e.Labels.Get("container"), "it has no other")
			require.Equal(t, "shop", e.Job)
			if tc.err != "" {
				require.EqualError(t, e.Err, tc.err)
				require.Equal(t, tc.reason, collector.ReasonOf(e.Err))
				require.Nil(t, e.URL())
				return
			}
			require.NoError(t, e.Err)
			require.Equal(t, tc.want, e.URL().String())
		})
	}
}

func TestPodsThatDoNotRunAreNotAsked(t *testing.T) {
	for _, phase := range []model.LabelValue{"Pending", "Succeeded", "Failed"} {
		g := pod([]string{"app:http:80"}, "pyroscope.io/scrape", "true", "pyroscope.io/port", "80")
		g.Labels["__meta_kubernetes_pod_phase"] = phase
		s := Set{PodAnnotations: true}
		require.Empty(t, s.endpoints([]*targetgroup.Group{g}), phase)
	}
}

// In a pod with a sidecar, the container is the one that has the port. A port that no container
// declares belongs to none.
func TestContainerOfAPod(t *testing.T) {
	ports := []string{"app:http:8080", "proxy:admin:15000"}
	s := Set{PodAnnotations: true}
	for port, container := range map[string]string{"8080": "app", "15000": "proxy", "6060": ""} {
		found := s.endpoints([]*targetgroup.Group{pod(ports, "coroot.com/profile-scrape", "true", "coroot.com/profile-port", port)})
		require.Equal(t, container, found[0].Labels.Get("container"), port)
	}
}

// The port of the set is for pods without one.
func TestIPv6Pod(t *testing.T) {
	g := pod(nil, "coroot.com/profile-scrape", "true", "coroot.com/profile-port", "6060")
	g.Labels["__meta_kubernetes_pod_ip"] = "fd00::7"
	s := Set{PodAnnotations: true, Access: Access{Port: 7070}}
	e := s.endpoints([]*targetgroup.Group{g})[0]
	require.Equal(t, "http://[fd00::7]:6060/debug/pprof/goroutine", e.URL().String())
	require.Equal(t, labels.FromStrings("container", "app", "instance", "[fd00::7]:6060", "namespace", "prod", "pod", "shop-7d9f-x2x"), e.Labels)
}

// Without a Prometheus, gorowatch scrapes the pod where Prometheus would.
func TestMetricsOfAPod(t *testing.T) {
	s := Set{PodAnnotations: true}
	asks := []string{"pyroscope.io/scrape", "true", "pyroscope.io/port", "6060"}
	e := s.endpoints([]*targetgroup.Group{pod(nil, asks...)})[0]
	require.Equal(t, "http://10.0.0.7:6060/metrics", e.Metrics.String())
	e = s.endpoints([]*targetgroup.Group{pod(nil, append(asks, "prometheus.io/port", "9090", "prometheus.io/path", "/varz")...)})[0]
	require.Equal(t, "http://10.0.0.7:9090/varz", e.Metrics.String())
	require.Equal(t, "http://10.0.0.7:6060/debug/pprof/goroutine", e.URL().String())
}
