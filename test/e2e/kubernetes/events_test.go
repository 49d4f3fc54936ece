//go:build linux

package kubernetes

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/test/e2e"
)

// leaky is a process that leaks ten goroutines a second until it is mended.
type leaky struct {
	server *httptest.Server
	never  chan struct{}
	ended  chan struct{}
	work   sync.WaitGroup

	mu      sync.Mutex
	count   int
	started time.Time
}

func newLeaky(t *testing.T) *leaky {
	l := &leaky{never: make(chan struct{}), ended: make(chan struct{}), started: time.Now()}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			l.mu.Lock()
			defer l.mu.Unlock()
			fmt.Fprintf(w, "# TYPE go_goroutines gauge\ngo_goroutines %d\n", 7+l.count)
			fmt.Fprintf(w, "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.2f\n", float64(l.started.UnixMilli())/1000)
		case "/debug/pprof/goroutine":
			pprof.Index(w, r)
		default:
			http.NotFound(w, r)
		}
	}))
	l.work.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.mu.Lock()
				l.count++
				l.mu.Unlock()
				l.work.Go(l.waitForNobody)
			case <-l.ended:
				return
			}
		}
	})
	t.Cleanup(l.server.Close)
	t.Cleanup(l.mend)
	return l
}

// waitForNobody is the leaking function.
func (l *leaky) waitForNobody() { l.never <- struct{}{} }

// mend replaces the process by one that does not leak, under the same address.
func (l *leaky) mend() {
	select {
	case <-l.ended:
		return
	default:
	}
	close(l.ended)
	l.mu.Lock()
	n := l.count
	l.count, l.started = 0, time.Now()
	l.mu.Unlock()
	for range n {
		<-l.never
	}
	l.work.Wait()
}

// A leak of a pod is an Event on its Deployment, which kubectl describe shows, with the chart's
// permissions, and not without them.
func TestEventsOnTheWorkload(t *testing.T) {
	t.Parallel()
	k := e2e.StartKubernetes(t)
	createNamespace(t, k, "shop")
	createNamespace(t, k, "monitoring")
	const labels = "selector: {matchLabels: {app: checkout}}\n  template: {metadata: {labels: {app: checkout}}, spec: {containers: [{name: app, image: app}]}}"
	k.Apply(t, "/apis/apps/v1/namespaces/shop/deployments/checkout", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: checkout}\nspec:\n  "+labels)
	k.Apply(t, "/apis/apps/v1/namespaces/shop/replicasets/checkout-5d", "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata:\n  name: checkout-5d\n  "+owner(t, k, "/apis/apps/v1/namespaces/shop/deployments/checkout")+"\nspec:\n  "+labels)
	k.RunPod(t, "shop", "checkout-5d-a", owner(t, k, "/apis/apps/v1/namespaces/shop/replicasets/checkout-5d"), "containers: [{name: app, image: app}]")

	// The account of the chart, without its role.
	apply := func(kinds ...string) (n int) {
		for _, object := range documents(t, filepath.Join(deploy, "testdata", "golden", "events.yaml")) {
			kind, name := object["kind"].(string), object["metadata"].(map[string]any)["name"].(string)
			for _, want := range kinds {
				if kind != want || kind != "ServiceAccount" && !strings.HasSuffix(name, "-events") {
					continue
				}
				path := endpoints[kind]
				if strings.Contains(path, "%s") {
					path = fmt.Sprintf(path, "monitoring")
				}
				text, err := json.Marshal(object)
				require.NoError(t, err)
				k.Apply(t, path+"/"+name, string(text))
				n++
			}
		}
		return n
	}
	require.Equal(t, 1, apply("ServiceAccount"))
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte(k.Token(t, "monitoring", "gorowatch")), 0o600))

	process := newLeaky(t)
	g := e2e.StartGorowatch(t, t.TempDir(), fast+fmt.Sprintf(`alerting:
  kubernetes_events:
    enabled: true
    api_server: %q
    http_config: {authorization: {credentials_file: %q}, tls_config: {ca_file: %q}}
targets:
- static: [%q]
  labels: {namespace: shop, job: checkout, pod: checkout-5d-a}
`, k.URL, token, k.CAFile, strings.TrimPrefix(process.server.URL, "http://")))
	g.WaitReady(t)

	e2e.Eventually(t, patience, "forbidden", func() error {
		if g.Metric(t, `gorowatch_kubernetes_events_total{result="failed"}`) == 0 {
			return errors.New("no attempt")
		}
		return nil
	})
	require.Contains(t, g.Output(), `cannot get resource \"pods\"`)
	require.Equal(t, 2, apply("ClusterRole", "ClusterRoleBinding"))

	s := newShell(t, k)
	describe := func(want string, within time.Duration) string {
		var out string
		e2e.Eventually(t, within, want, func() (err error) {
			if out, err = s.run(t, "kubectl describe deployment checkout --namespace shop"); err == nil && !strings.Contains(out, want) {
				err = errors.New(out)
			}
			return err
		})
		return out
	}
	out := describe("Warning  GoroutineLeak", patience)
	require.Regexp(t, `Warning +GoroutineLeak +\S+ +gorowatch +shop/checkout leaks \d.* in kubernetes\.\(\*leaky\)\.waitForNobody \(events_test\.go:\d+\); chan send http`, out)
	t.Log(out)

	// The process is replaced by a mended one. A leak is over once that has run for as long as
	// the leak took to be detected, at most 360 blocks of a second here.
	begin := time.Now()
	process.mend()
	out = describe("GoroutineLeakResolved", patience+360*time.Second)
	require.Regexp(t, `Normal +GoroutineLeakResolved +\S+ +gorowatch +Resolved, its instances restarted and have not grown since: shop/checkout `, out)
	require.Regexp(t, `Warning +GoroutineLeak +`, out, "the Event of the leak stays")
	t.Logf("resolved after %s\n%s", time.Since(begin).Round(time.Second), out)
}

// owner returns the owner reference for objects that an object owns.
func owner(t *testing.T, k *e2e.Kubernetes, path string) string {
	var x struct {
		APIVersion, Kind string
		Metadata         struct{ Name, UID string }
	}
	k.Get(t, path, &x)
	return fmt.Sprintf("ownerReferences: [{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true}]", x.APIVersion, x.Kind, x.Metadata.Name, x.Metadata.UID)
}
