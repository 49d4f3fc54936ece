//go:build linux

package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// deploy has the chart and its rendered manifests.
const (
	deploy = "../../../deploy"
	chart  = deploy + "/helm/gorowatch"
)

// endpoints are the API paths of the kinds in the chart.
var endpoints = map[string]string{
	"ServiceAccount":      "/api/v1/namespaces/%s/serviceaccounts",
	"Secret":              "/api/v1/namespaces/%s/secrets",
	"ConfigMap":           "/api/v1/namespaces/%s/configmaps",
	"Service":             "/api/v1/namespaces/%s/services",
	"StatefulSet":         "/apis/apps/v1/namespaces/%s/statefulsets",
	"NetworkPolicy":       "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies",
	"Ingress":             "/apis/networking.k8s.io/v1/namespaces/%s/ingresses",
	"PodDisruptionBudget": "/apis/policy/v1/namespaces/%s/poddisruptionbudgets",
	"Role":                "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/roles",
	"RoleBinding":         "/apis/rbac.authorization.k8s.io/v1/namespaces/%s/rolebindings",
	"ClusterRole":         "/apis/rbac.authorization.k8s.io/v1/clusterroles",
	"ClusterRoleBinding":  "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
	"HTTPRoute":           "/apis/gateway.networking.k8s.io/v1/namespaces/%s/httproutes",
	"ServiceMonitor":      "/apis/monitoring.coreos.com/v1/namespaces/%s/servicemonitors",
	"PodMonitor":          "/apis/monitoring.coreos.com/v1/namespaces/%s/podmonitors",
	"PrometheusRule":      "/apis/monitoring.coreos.com/v1/namespaces/%s/prometheusrules",
	"AnalysisTemplate":    "/apis/argoproj.io/v1alpha1/namespaces/%s/analysistemplates",
	"MetricTemplate":      "/apis/flagger.app/v1beta1/namespaces/%s/metrictemplates",
}

// A real API server accepts the chart's output for all values of its golden tests, and the
// plain manifests.
func TestAPIServerTakesTheChart(t *testing.T) {
	t.Parallel()
	k := e2e.StartKubernetes(t)
	for _, name := range []string{"monitoring", "platform", "shop", "payments"} {
		createNamespace(t, k, name)
	}
	installCRDs(t, k)
	manifests := filepath.Join(deploy, "kubernetes", "gorowatch.yaml")
	files, err := filepath.Glob(filepath.Join(deploy, "testdata", "golden", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	taken := 0
	for _, file := range append(files, manifests) {
		for _, object := range documents(t, file) {
			require.NoError(t, dryRun(t, k, object), file)
			taken++
		}
	}
	t.Logf("%d objects", taken)
	bad := documents(t, manifests)[0]
	bad["specc"] = "a typo"
	require.ErrorContains(t, dryRun(t, k, bad), "specc")
}

// A real API server with the kinds of Argo Rollouts and Flagger accepts the templates for them,
// and no typo in them.
func TestAPIServerTakesTheTemplatesOfRollouts(t *testing.T) {
	t.Parallel()
	k := e2e.StartKubernetes(t)
	createNamespace(t, k, "monitoring")
	installKinds(t, k, "rollouts")
	files, err := filepath.Glob(filepath.Join(deploy, "rollouts", "*.yaml"))
	require.NoError(t, err)
	kinds := map[string]int{}
	for _, file := range files {
		for _, object := range documents(t, file) {
			require.NoError(t, dryRun(t, k, object), file)
			kinds[object["kind"].(string)]++
			object["spec"].(map[string]any)["metricz"] = "a typo"
			require.ErrorContains(t, dryRun(t, k, object), "metricz", file)
		}
	}
	require.Equal(t, map[string]int{"AnalysisTemplate": 1, "MetricTemplate": 1}, kinds)
}

func dryRun(t *testing.T, k *e2e.Kubernetes, object map[string]any) error {
	kind := object["kind"].(string)
	path, known := endpoints[kind]
	require.True(t, known, "a new kind: %s", kind)
	if strings.Contains(path, "%s") {
		namespace, ok := object["metadata"].(map[string]any)["namespace"].(string)
		if !ok {
			namespace = "monitoring"
		}
		path = fmt.Sprintf(path, namespace)
	}
	text, err := json.Marshal(object)
	require.NoError(t, err)
	return k.DryRun(path, string(text))
}

func createNamespace(t *testing.T, k *e2e.Kubernetes, name string) {
	k.Apply(t, "/api/v1/namespaces/"+name, "{apiVersion: v1, kind: Namespace, metadata: {name: "+name+"}}")
}

// installCRDs installs the kinds of the Prometheus operator.
func installCRDs(t *testing.T, k *e2e.Kubernetes) { installKinds(t, k, "crds") }

// installKinds installs the kinds of a folder of the tool schemas.
func installKinds(t *testing.T, k *e2e.Kubernetes, folder string) {
	files, err := filepath.Glob(filepath.Join(e2e.Tool(t, "schemas", folder), "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		crd := documents(t, file)[0]
		name := crd["metadata"].(map[string]any)["name"].(string)
		version := crd["spec"].(map[string]any)["versions"].([]any)[0].(map[string]any)["name"].(string)
		path := "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" + name
		k.Apply(t, path, string(text))
		e2e.Eventually(t, patience, name+" is served", func() error {
			// The object reports it a moment before it is true.
			plural, group, _ := strings.Cut(name, ".")
			return k.Serves("/apis/" + group + "/" + version + "/" + plural)
		})
	}
}

var errNotYet = errors.New("not yet")

// documents returns the objects of a file in their JSON form.
func documents(t *testing.T, file string) (all []map[string]any) {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, doc := range strings.Split("\n"+string(text), "\n---\n") {
		var tree any
		require.NoError(t, yaml.Unmarshal([]byte(doc), &tree), file)
		if tree != nil {
			all = append(all, asJSON(tree).(map[string]any))
		}
	}
	return all
}

// asJSON gives the maps of YAML the keys of JSON.
func asJSON(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := map[string]any{}
		for key, value := range v {
			m[fmt.Sprint(key)] = asJSON(value)
		}
		return m
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	}
	return v
}

// install installs the chart with Helm and returns the output.
func install(t *testing.T, k *e2e.Kubernetes, args ...string) string {
	t.Helper()
	args = append([]string{"--kubeconfig=" + k.Kubeconfig, "install", "gorowatch", chart, "-n", "monitoring", "--create-namespace"}, args...)
	cmd := exec.Command(e2e.Tool(t, "helm", "helm"), args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "helm %s: %s", strings.Join(args, " "), out)
	return string(out)
}

// follow is a service that leaks when a follower leaves, and followers that do.
const follow = "logfollow"

var followers = e2e.Load{
	Every: 500 * time.Millisecond, AtATime: 1, Patience: 300 * time.Millisecond,
	Method: http.MethodGet,
	Path:   func(n int) string { return fmt.Sprintf("/units/unit-%d/lines", n%7) },
}

// runPod presents a process of this host as a pod whose annotations have the place of its
// profiles.
func runPod(t *testing.T, k *e2e.Kubernetes, name, address string) {
	_, port, _ := strings.Cut(address, ":")
	k.RunPod(t, "shop", name, fmt.Sprintf(`annotations:
  profiles.grafana.com/goroutine.scrape: "true"
  profiles.grafana.com/goroutine.port: %q
  profiles.grafana.com/goroutine.path: /internal/pprof/goroutine`, port), fmt.Sprintf(`containers:
- {name: app, image: app, ports: [{name: http, containerPort: %s}]}`, port))
}

// scraped returns Prometheus' scrape job of a pod.
func scraped(pod, address string) e2e.Job {
	app, _, _ := strings.Cut(pod, "-")
	return e2e.Job{Name: pod, Labels: map[string]string{"namespace": "shop", "job": app, "pod": pod}, Targets: []string{address}}
}

// On a real API server, Helm installs the chart. gorowatch runs as its pod would, with exactly
// the arguments, the configuration, the account's token and the rights of the chart. It finds
// the pods that ask for profiles in their annotations, and alerts with the leaking line. Pods
// come and go, by rollouts and by an autoscaler from two to eight and back: no false alarm, no
// target or series of a gone pod, and no request to one. There are no controllers: the test
// makes and deletes the pods that those of the deployments and of the autoscaler would.
func TestChart(t *testing.T) {
	t.Parallel()
	k := e2e.StartKubernetes(t)
	createNamespace(t, k, "shop")

	const rollouts, least, most = 3, 2, 8
	addresses := map[string]string{"leaky-0": e2e.FreeAddress(t)}
	for i := range rollouts + 1 {
		addresses[fmt.Sprintf("fixed-%d", i)] = e2e.FreeAddress(t)
	}
	for i := range most {
		addresses[fmt.Sprintf("scaled-%d", i)] = e2e.FreeAddress(t)
	}
	var jobs []e2e.Job
	for pod, address := range addresses {
		jobs = append(jobs, scraped(pod, address))
	}
	start := func(pod string, flags ...string) *e2e.Scenario {
		s := e2e.StartScenario(t, follow, addresses[pod], flags...)
		followers.Start(t, s.Address)
		runPod(t, k, pod, s.Address)
		return s
	}
	start("leaky-0")
	fixed := start("fixed-0", "--fixed")
	k.Apply(t, "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/scaled", fmt.Sprintf(autoscaler, least, most))
	scaled := map[string]*e2e.Scenario{}
	scale := func(n int) {
		for i := range most {
			pod := fmt.Sprintf("scaled-%d", i)
			s, runs := scaled[pod]
			switch {
			case i < n && !runs:
				scaled[pod] = start(pod, "--fixed")
			case i >= n && runs:
				delete(scaled, pod)
				k.Delete(t, "/api/v1/namespaces/shop/pods/"+pod)
				s.Stop(t)
			}
		}
	}
	scale(least)
	prometheus := e2e.StartPrometheus(t, jobs...)
	receiver := e2e.StartReceiver(t)
	alertmanager := e2e.StartAlertmanager(t, receiver)

	values := filepath.Join(t.TempDir(), "values.yaml")
	require.NoError(t, os.WriteFile(values, fmt.Appendf(nil, `
prometheus: {url: %q}
alertmanagers: ["http://%s"]
config:
  global: {evaluation_interval: 1s}
  prometheus: {load: "rate(process_cpu_seconds_total[15s])"}
  trend: {base: 1s}
  profiles: {baseline_interval: 10s, suspicion_interval: 2s}
  alerting: {resend_interval: 1s}
`, prometheus.URL, alertmanager.Address), 0o600))
	require.Contains(t, install(t, k, "-f", values), "is installed in monitoring")

	g := startPodOfChart(t, k)
	g.WaitReady(t)
	begin := time.Now()
	line := e2e.LeakingLine(t, follow)
	e2e.Eventually(t, 2*patience, "the leak is alerted with its line", func() error {
		for _, a := range receiver.Alerts(nil) {
			require.Equal(t, "leaky", a.Labels["job"], a.Annotations["summary"])
			if strings.Contains(a.Annotations["stack_diff"], line) {
				return nil
			}
		}
		return errNotYet
	})
	t.Logf("alerted after %s", time.Since(begin).Round(time.Second))
	onlyThere := func(what string, want ...string) {
		t.Helper()
		want = append(slices.Sorted(maps.Keys(scaled)), want...)
		slices.Sort(want)
		begin := time.Now()
		e2e.Eventually(t, patience, what, func() error {
			if got := pods(t, g); !slices.Equal(got, want) {
				return fmt.Errorf("targets are %v, want %v", got, want)
			}
			// Each has series too, by which its absence is noticed.
			if unmatched := page(t, g, "/api/v1/targets?state=unmatched"); strings.Contains(unmatched, `"pod"`) {
				return fmt.Errorf("without series: %s", unmatched)
			}
			return nil
		})
		t.Logf("%s: the targets are those that are there after %s", what, time.Since(begin).Round(100*time.Millisecond))
	}
	onlyThere("at first", "fixed-0", "leaky-0")

	// Rollouts: pods of other names, one after the other.
	for i := range rollouts {
		next := start(fmt.Sprintf("fixed-%d", i+1), "--fixed")
		k.Delete(t, fmt.Sprintf("/api/v1/namespaces/shop/pods/fixed-%d", i))
		fixed.Stop(t)
		fixed = next
	}
	last := fmt.Sprintf("fixed-%d", rollouts)
	onlyThere("rolled out", last, "leaky-0")

	scale(most)
	onlyThere("scaled up", last, "leaky-0")
	e2e.Eventually(t, patience, "all of them are watched, so that they can be missed", func() error {
		all, err := targets(g)
		for pod, x := range all {
			if x.State == "unmatched" {
				err = errors.Join(err, fmt.Errorf("%s: %s", pod, x.Error))
			}
		}
		return err
	})
	scale(least)
	// They are listed as gone as long as they are judged, which is a minute here; those of the
	// rollouts too, unless they came and went between two evaluations.
	e2e.Eventually(t, patience, "those that went are said to be gone", func() error {
		gone := page(t, g, "/api/v1/targets?state=gone")
		for i := least; i < most; i++ {
			if pod := fmt.Sprintf("scaled-%d", i); !strings.Contains(gone, pod) {
				return fmt.Errorf("%s is not among %s", pod, gone)
			}
		}
		said := regexp.MustCompile(fmt.Sprintf(`[%d-%d] gone in the last hour`, most-least, most-least+rollouts))
		if targets := page(t, g, "/targets"); !said.MatchString(targets) {
			return fmt.Errorf("%s is not in %s", said, targets)
		}
		return nil
	})
	onlyThere("scaled down", last, "leaky-0")

	// A later process at the address of a pod gets no request for a profile.
	heir := haunt(t, addresses[fmt.Sprintf("scaled-%d", most-1)])
	e2e.Eventually(t, patience, "the metric counts those that are there", func() error {
		var there float64
		for _, state := range []string{"up", "down", "unknown", "unmatched"} {
			there += g.Metric(t, fmt.Sprintf("gorowatch_targets{state=%q}", state))
		}
		if there != float64(len(scaled)+2) {
			return fmt.Errorf("%v targets, want %d", there, len(scaled)+2)
		}
		return nil
	})
	said := page(t, g, "/metrics")
	for i := least; i < most; i++ {
		pod := fmt.Sprintf("scaled-%d", i)
		require.NotContains(t, said, pod, "no series of what is gone")
	}
	// Two baselines of all existing pods, so that its turn would have come.
	pulls := g.Metric(t, `gorowatch_profile_pulls_total{result="ok"}`)
	// For pods that went while it was their turn.
	inVain := g.Metric(t, `gorowatch_profile_pulls_total{result="no_target"}`)
	e2e.Eventually(t, patience, "the others are asked", func() error {
		if now := g.Metric(t, `gorowatch_profile_pulls_total{result="ok"}`); now < pulls+10 {
			return fmt.Errorf("%v pulls, of %v before", now, pulls)
		}
		return nil
	})
	require.Zero(t, heir.Load(), "requests for profiles of a pod that is gone")
	require.Equal(t, inVain, g.Metric(t, `gorowatch_profile_pulls_total{result="no_target"}`))

	alerts := receiver.Alerts(nil)
	for _, a := range alerts {
		require.Equal(t, "leaky", a.Labels["job"], a.Annotations["summary"])
	}
	require.Equal(t, "firing "+alerts[0].Labels["leak"], e2e.History(alerts))
}

// autoscaler is one as in a cluster; its controller does not run here.
const autoscaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaled, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}
  minReplicas: %d
  maxReplicas: %d
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
`

// haunt counts the requests for profiles at an address.
func haunt(t *testing.T, address string) *atomic.Int64 {
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	var n atomic.Int64
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "pprof") {
			n.Add(1)
		}
		http.NotFound(w, r)
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return &n
}

// page returns gorowatch's answer.
func page(t *testing.T, g *e2e.Gorowatch, path string) string {
	t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(g.URL + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, path)
	return string(body)
}

// pods returns the targets of gorowatch, in order.
func pods(t *testing.T, g *e2e.Gorowatch) (names []string) {
	all, err := targets(g)
	require.NoError(t, err)
	for pod := range all {
		if pod != "" {
			names = append(names, pod)
		}
	}
	slices.Sort(names)
	return names
}

// With rights in only one namespace its pods are found. Without any, gorowatch continues with
// Prometheus' list, and says which right is missing.
func TestChartWithFewRights(t *testing.T) {
	t.Parallel()
	k := e2e.StartKubernetes(t)
	createNamespace(t, k, "shop")
	s := e2e.StartScenario(t, follow, "")
	runPod(t, k, "leaky-0", s.Address)
	prometheus := e2e.StartPrometheus(t, scraped("leaky-0", s.Address))
	install(t, k,
		"--set", "rbac.clusterWide=false,rbac.namespaces={shop}", "--set", "config.profiles.baseline_interval=1s",
		"--set", "prometheus.url="+prometheus.URL, "--set", "config.global.evaluation_interval=1s")
	var roles struct{ Items []any }
	k.Get(t, "/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=app.kubernetes.io/name=gorowatch", &roles)
	require.Empty(t, roles.Items)

	g := startPodOfChart(t, k)
	g.WaitReady(t)
	eventually(t, g, "leaky-0", up("http://"+s.Address+"/internal/pprof/goroutine"))
	g.Stop(t)

	k.Delete(t, "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/gorowatch")
	g = startPodOfChart(t, k)
	g.WaitReady(t)
	missing := regexp.MustCompile(`(?m)^.*pods is forbidden: User .*system:serviceaccount:monitoring:gorowatch.* cannot list resource .*pods.* in the namespace .*shop.*$`)
	e2e.Eventually(t, patience, "its log says which right is missing", func() error {
		said := missing.FindString(g.Output())
		if said == "" {
			return errNotYet
		}
		t.Log(said)
		return nil
	})
	const words = "Kubernetes does not let system:serviceaccount:monitoring:gorowatch list pods in the namespace shop, so that their targets are not found: give it a role with get, list and watch of pods there"
	for _, path := range []string{"/targets", "/status", "/api/v1/status"} {
		require.Contains(t, page(t, g, path), words, path)
	}
	require.Equal(t, 1.0, g.Metric(t, "gorowatch_discovery_problems"))
}

// startPodOfChart replaces the kubelet: it runs the container of the StatefulSet with the pod's
// mounts.
func startPodOfChart(t *testing.T, k *e2e.Kubernetes) *e2e.Gorowatch {
	t.Helper()
	const namespace = "monitoring"
	var set struct {
		Spec struct {
			Template struct {
				Spec struct {
					ServiceAccountName string
					Containers         []struct {
						Args         []string
						VolumeMounts []struct{ Name, MountPath string }
					}
					Volumes []struct {
						Name   string
						Secret struct{ SecretName string }
					}
				}
			}
		}
	}
	k.Get(t, fmt.Sprintf(endpoints["StatefulSet"], namespace)+"/gorowatch", &set)
	spec := set.Spec.Template.Spec
	container := spec.Containers[0]

	ca, err := os.ReadFile(k.CAFile)
	require.NoError(t, err)
	const account = "/var/run/secrets/kubernetes.io/serviceaccount/"
	files := map[string]string{
		account + "token":     k.Token(t, namespace, spec.ServiceAccountName),
		account + "namespace": namespace,
		account + "ca.crt":    string(ca),
	}
	var writable []string
	for _, m := range container.VolumeMounts {
		secret := ""
		for _, v := range spec.Volumes {
			if v.Name == m.Name {
				secret = v.Secret.SecretName
			}
		}
		if secret == "" {
			writable = append(writable, m.MountPath)
			continue
		}
		var s struct{ Data map[string][]byte }
		k.Get(t, fmt.Sprintf(endpoints["Secret"], namespace)+"/"+secret, &s)
		for key, value := range s.Data {
			files[m.MountPath+"/"+key] = string(value)
		}
	}
	for i, arg := range container.Args {
		if strings.HasPrefix(arg, "--web.listen-address=") {
			container.Args[i] = "--web.listen-address=127.0.0.1:0"
		}
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(k.URL, "https://"), ":")
	g, _ := e2e.StartImage(t, files, writable, []string{"KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port}, container.Args...)
	return g
}
