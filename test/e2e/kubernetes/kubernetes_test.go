// Package kubernetes runs gorowatch against a real Kubernetes API server.
package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/test/e2e"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(mainFunc(func() int { return e2e.Main(m) }))
}

// mainFunc is a goleak.TestingM.
type mainFunc func() int

func (f mainFunc) Run() int { return f() }

// patience bounds how long a test waits for something that must happen.
const patience = 5 * time.Minute

// fast makes gorowatch do in a second what normally takes a minute.
const fast = "global: {evaluation_interval: 1s}\ntrend: {base: 1s}\nprofiles: {baseline_interval: 1s}\n"

// process runs in a pod: it has metrics and profiles.
type process struct {
	port     string
	profiles atomic.Int64 // pulled
}

func newProcess(t *testing.T) *process {
	p := &process{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			fmt.Fprint(w, "# TYPE go_goroutines gauge\ngo_goroutines 7\n")
		case "/debug/pprof/goroutine", "/internal/goroutine":
			p.profiles.Add(1)
			r.URL.Path = "/debug/pprof/goroutine"
			pprof.Index(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	_, p.port, _ = strings.Cut(strings.TrimPrefix(s.URL, "http://"), ":")
	return p
}

// spec returns the pod of a process with an additional port.
func (p *process) spec() string {
	return fmt.Sprintf("containers:\n- name: app\n  image: app\n  ports: [{name: http, containerPort: 1}, {name: pprof, containerPort: %s}]", p.port)
}

// target is a target in the API.
type target struct {
	Labels            map[string]string
	URL, State, Error string
}

// targets returns gorowatch's targets by pod.
func targets(g *e2e.Gorowatch) (map[string]target, error) {
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(g.URL + "/api/v1/targets")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct{ Data struct{ Targets []target } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, err
	}
	out := map[string]target{}
	for _, t := range answer.Data.Targets {
		out[t.Labels["pod"]] = t
	}
	return out, nil
}

// eventually waits until the target of a pod is as wanted.
func eventually(t *testing.T, g *e2e.Gorowatch, pod string, want func(target, bool) bool) {
	t.Helper()
	e2e.Eventually(t, patience, pod, func() error {
		all, err := targets(g)
		if err != nil {
			return err
		}
		if x, ok := all[pod]; !want(x, ok) {
			return fmt.Errorf("%+v", all)
		}
		return nil
	})
}

func up(url string) func(target, bool) bool {
	return func(x target, ok bool) bool { return ok && x.State == "up" && x.URL == url }
}

func says(text string) func(target, bool) bool {
	return func(x target, ok bool) bool { return ok && x.State == "unmatched" && strings.Contains(x.Error, text) }
}

func gone(_ target, ok bool) bool { return !ok }

// The pods of a cluster are found by their annotations, and by nothing else: with a
// configuration, and by default in the cluster itself.
func TestAnnotatedPods(t *testing.T) {
	k := e2e.StartKubernetes(t)
	k.Apply(t, "/api/v1/namespaces/prod", "apiVersion: v1\nkind: Namespace\nmetadata: {name: prod}")
	k.Apply(t, "/api/v1/namespaces/prod/serviceaccounts/gorowatch", "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: gorowatch}")
	k.Apply(t, "/apis/rbac.authorization.k8s.io/v1/clusterroles/gorowatch", `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gorowatch}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}]`)
	k.Apply(t, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/gorowatch", `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gorowatch}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: gorowatch}
subjects: [{kind: ServiceAccount, name: gorowatch, namespace: prod}]`)

	shop, pay, old, no, silent, lost := newProcess(t), newProcess(t), newProcess(t), newProcess(t), newProcess(t), newProcess(t)
	annotations := func(pairs ...string) string {
		text := "annotations:"
		for i := 0; i < len(pairs); i += 2 {
			text += fmt.Sprintf("\n  %s: %q", pairs[i], pairs[i+1])
		}
		return text
	}
	const grafana = "profiles.grafana.com/goroutine."
	k.RunPod(t, "prod", "shop", annotations(grafana+"scrape", "true", grafana+"port", "1", grafana+"port_name", "pprof", grafana+"path", "/internal/goroutine"), shop.spec())
	k.RunPod(t, "prod", "pay", annotations("coroot.com/profile-scrape", "true", "coroot.com/profile-port", pay.port), pay.spec())
	k.RunPod(t, "prod", "old", annotations("pyroscope.io/scrape", "true", "pyroscope.io/port", old.port), old.spec())
	k.RunPod(t, "prod", "no", annotations(grafana+"scrape", "false", "coroot.com/profile-scrape", "true", "coroot.com/profile-port", no.port), no.spec())
	k.RunPod(t, "prod", "silent", annotations("prometheus.io/scrape", "true", "prometheus.io/port", silent.port), silent.spec())
	k.RunPod(t, "prod", "lost", annotations(grafana+"scrape", "true", grafana+"port_name", "debug"), lost.spec())
	url := func(p *process, path string) string { return "http://127.0.0.1:" + p.port + path }

	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte(k.Token(t, "prod", "gorowatch")), 0o600))

	found := func(t *testing.T, g *e2e.Gorowatch) {
		g.WaitReady(t)
		eventually(t, g, "shop", up(url(shop, "/internal/goroutine")))
		eventually(t, g, "pay", up(url(pay, "/debug/pprof/goroutine")))
		eventually(t, g, "old", up(url(old, "/debug/pprof/goroutine")))
		eventually(t, g, "no", says(`the pod's annotation profiles.grafana.com/goroutine.scrape is "false"`))
		eventually(t, g, "lost", says(`port_name is "debug", but no container has a port of that name`))
		eventually(t, g, "silent", gone)
		require.Zero(t, no.profiles.Load()+silent.profiles.Load()+lost.profiles.Load(), "who has not asked for it is not asked")
	}

	t.Run("configured", func(t *testing.T) {
		g := e2e.StartGorowatch(t, t.TempDir(), fast+fmt.Sprintf(`targets:
- kubernetes_sd_configs:
  - {role: pod, api_server: %q, authorization: {credentials_file: %q}, tls_config: {ca_file: %q}, namespaces: {names: [prod]}}
  pod_annotations: true
`, k.URL, token, k.CAFile))
		found(t, g)

		// A change in the cluster is noticed.
		k.RunPod(t, "prod", "pay", annotations("coroot.com/profile-scrape", "false", "coroot.com/profile-port", pay.port), pay.spec())
		eventually(t, g, "pay", says(`coroot.com/profile-scrape is "false"`))
		later := newProcess(t)
		k.RunPod(t, "prod", "later", annotations("pyroscope.io/scrape", "true", "pyroscope.io/port", later.port), later.spec())
		eventually(t, g, "later", up(url(later, "/debug/pprof/goroutine")))
		k.Delete(t, "/api/v1/namespaces/prod/pods/later")
		eventually(t, g, "later", gone)
		k.RunPod(t, "prod", "pay", annotations("coroot.com/profile-scrape", "true", "coroot.com/profile-port", pay.port), pay.spec())
		eventually(t, g, "pay", up(url(pay, "/debug/pprof/goroutine")))
	})

	t.Run("by default in the cluster", func(t *testing.T) {
		if os.Getuid() != 0 || exec.Command("unshare", "--mount", "true").Run() != nil {
			t.Skip("needs root and unshare, to give a process the files of a service account")
		}
		// As the kubelet mounts it, only for this process.
		account := filepath.Join(dir, "account")
		require.NoError(t, os.Mkdir(account, 0o700))
		ca, err := os.ReadFile(k.CAFile)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(account, "ca.crt"), ca, 0o600))
		require.NoError(t, os.Rename(token, filepath.Join(account, "token")))
		require.NoError(t, os.WriteFile(filepath.Join(account, "namespace"), []byte("prod"), 0o600))
		host, port, _ := strings.Cut(strings.TrimPrefix(k.URL, "https://"), ":")
		g := e2e.StartGorowatchBy(t, t.TempDir(), fast, []string{
			"env", "KUBERNETES_SERVICE_HOST=" + host, "KUBERNETES_SERVICE_PORT=" + port,
			"unshare", "--mount", "sh", "-c", `
mount -t tmpfs none /run && d=/run/secrets/kubernetes.io/serviceaccount && mkdir -p $d && cp "$0"/* $d && exec "$@"`, account,
		})
		found(t, g)
	})
}
