package kubeevents

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	t0       = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	checkout = labels.FromStrings("namespace", "shop", "job", "checkout")
)

// cluster is a fake API server. fail, if set, answers instead.
type cluster struct {
	mu      sync.Mutex
	events  []event
	reads   []string
	objects map[string]string
	fail    func(http.ResponseWriter, *http.Request) bool
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil && c.fail(w, r) {
		return
	}
	if r.Method == http.MethodPost && r.URL.Path == "/api/v1/namespaces/shop/events" {
		var e event
		if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
			http.Error(w, err.Error(), 400)
			return
		}
		for _, x := range c.events {
			if x.Metadata.Name == e.Metadata.Name {
				w.WriteHeader(http.StatusConflict)
				return
			}
		}
		c.events = append(c.events, e)
		w.WriteHeader(http.StatusCreated)
		return
	}
	c.reads = append(c.reads, r.URL.Path)
	text, ok := c.objects[r.URL.Path]
	if !ok || r.Method != http.MethodGet {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"kind":"Status","message":"not found"}`)
		return
	}
	io.WriteString(w, text)
}

// world is a Recorder and its cluster.
type world struct {
	*Recorder
	cluster *cluster
	config  *Config
	pods    []labels.Labels
	log     strings.Builder
	reg     *prometheus.Registry
}

func owned(kind, apiVersion, name string) string {
	return fmt.Sprintf(`{"metadata":{"uid":"u0","ownerReferences":[{"kind":"X","controller":false},{"apiVersion":%q,"kind":%q,"name":%q,"uid":"uid-%s","controller":true}]}}`, apiVersion, kind, name, name)
}

func newWorld(t *testing.T) *world {
	w := &world{reg: prometheus.NewRegistry(), cluster: &cluster{objects: map[string]string{
		"/api/v1/namespaces/shop/pods/checkout-5d-a":            owned("ReplicaSet", "apps/v1", "checkout-5d"),
		"/apis/apps/v1/namespaces/shop/replicasets/checkout-5d": owned("Deployment", "apps/v1", "checkout"),
	}}}
	s := httptest.NewServer(w.cluster)
	t.Cleanup(s.Close)
	api, err := url.Parse(s.URL)
	require.NoError(t, err)
	w.config = &Config{API: api, Client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Render: alerting.RenderOptions{ExternalURL: &url.URL{Scheme: "https", Host: "gorowatch.example.com", Path: "/"}}}
	w.pods = []labels.Labels{
		labels.FromStrings("namespace", "shop", "pod", "checkout-5d-b", "instance", "b"),
		labels.FromStrings("namespace", "shop", "pod", "checkout-5d-a", "instance", "a"),
	}
	w.Recorder = New(w.reg, slog.New(slog.NewTextHandler(&w.log, nil)), func(labels.Labels) []labels.Labels { return w.pods })
	return w
}

func firing() leak.Leak {
	key := collector.Frame{Func: "main.logHandler.func1", File: "/src/checkout/handler.go", Line: 29}
	return leak.Leak{
		ID: "3f9c2a7b0001", Service: checkout, State: leak.Firing, Evidence: leak.Stack, Onset: t0.Add(-time.Hour), DetectedAt: t0, UpdatedAt: t0,
		Rate: trend.Interval{Value: 212}, Leaked: 212, Instances: []string{"a"}, InstancesTotal: 2, Share: 1,
		Stacks: []leak.StackGrowth{{Signature: "s1", Op: "chan send", Key: key, Frames: []collector.Frame{key}, Head: 212, Share: 1}},
	}
}

func (w *world) at(t *testing.T, now time.Time, leaks ...leak.Leak) {
	w.round(t.Context(), w.config, leaks, now)
}

// A leak fires, continues for hours, and resolves. The Deployment has an Event of each, one
// every 50 minutes while it fires, and a restart of gorowatch writes none twice.
func TestLifeOfALeak(t *testing.T) {
	w := newWorld(t)
	l := firing()
	suspected := l
	suspected.State, suspected.DetectedAt = leak.Suspected, time.Time{}
	w.at(t, t0.Add(-time.Minute), suspected)
	require.Empty(t, w.cluster.events)

	for i := range 30 {
		w.at(t, t0.Add(time.Duration(i)*time.Minute), l)
	}
	require.Len(t, w.cluster.events, 1)
	e := w.cluster.events[0]
	require.Equal(t, object{"apps/v1", "Deployment", "shop", "checkout", "uid-checkout"}, e.InvolvedObject)
	require.Equal(t, "Warning GoroutineLeak 2026-03-02T10:00:00Z 2026-03-02T10:00:00Z 1 gorowatch", fmt.Sprint(e.Type, " ", e.Reason, " ", e.FirstTimestamp, " ", e.LastTimestamp, " ", e.Count, " ", e.Source["component"]))
	require.Equal(t, "shop/checkout leaks 212 goroutines/h since 09:00 UTC in main.logHandler.func1 (handler.go:29); chan send https://gorowatch.example.com/leaks/3f9c2a7b0001", e.Message)
	require.Equal(t, []string{"/api/v1/namespaces/shop/pods/checkout-5d-a", "/apis/apps/v1/namespaces/shop/replicasets/checkout-5d"}, w.cluster.reads, "the pod that leaks is asked for first, and once")

	w.written = map[string]*written{} // a restart
	w.at(t, t0.Add(31*time.Minute), l)
	require.Len(t, w.cluster.events, 1)
	w.at(t, t0.Add(51*time.Minute), l)
	require.Len(t, w.cluster.events, 2)

	l.State, l.ResolvedAt, l.Resolution = leak.Resolved, t0.Add(3*time.Hour), "its instances are gone"
	clear(w.cluster.objects) // all pods are
	for i := range 30 {
		w.at(t, l.ResolvedAt.Add(time.Duration(i)*time.Minute), l)
	}
	require.Len(t, w.cluster.events, 3)
	e = w.cluster.events[2]
	require.Equal(t, "Normal GoroutineLeakResolved checkout", fmt.Sprint(e.Type, " ", e.Reason, " ", e.InvolvedObject.Name))
	require.True(t, strings.HasPrefix(e.Message, "Resolved, its instances are gone: "), e.Message)
	names := map[string]bool{}
	for _, e := range w.cluster.events {
		names[e.Metadata.Name] = true
		require.LessOrEqual(t, len(e.Metadata.Name), 253)
		require.LessOrEqual(t, len(e.Message), maxMessage)
	}
	require.Len(t, names, 3)

	w.written = map[string]*written{}
	w.at(t, l.ResolvedAt.Add(20*24*time.Hour), l)
	require.Len(t, w.cluster.events, 3, "an old resolution is not written again")
	w.at(t, l.ResolvedAt.Add(21*24*time.Hour))
	require.Empty(t, w.written)
	require.Equal(t, 4.0, testutil.ToFloat64(w.results.WithLabelValues(resultWritten)), "one of them was there already")
}

// The message has the line and the report of a library leak, and fits.
func TestMessage(t *testing.T) {
	o := alerting.RenderOptions{ExternalURL: &url.URL{Scheme: "https", Host: "gorowatch.example.com", Path: "/"}}
	l := firing()
	key := &l.Stacks[0].Key
	key.File = "/src/" + strings.Repeat("handler", 10) + ".go"
	require.Contains(t, message(l, o), "; chan send in main.logHandler.func1 "+strings.Repeat("handler", 10)+".go:29 https://")

	l.Stacks[0].Frames = []collector.Frame{{Func: "github.com/panjf2000/ants/v2.(*Pool).ticktock", File: "/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go", Line: 118}}
	require.Contains(t, message(l, o), "; known: fixed in v2.7.1 (panjf2000/ants#263): Release does not end")

	long := strings.Repeat("\u00e9", 3000)
	l.Service = labels.FromStrings("namespace", long, "job", long)
	key.Func, key.File, l.Stacks[0].Op, l.Resolution, l.State = long, long, long, long, leak.Resolved
	o.ExternalURL.Path = "/" + strings.Repeat("p", 1000)
	require.LessOrEqual(t, len(message(l, o)), maxMessage)
	require.True(t, utf8.ValidString(message(l, o)))
}

// The Event is on the object that a person would describe.
func TestWorkloads(t *testing.T) {
	const pod = "/api/v1/namespaces/shop/pods/checkout-5d-a"
	for want, objects := range map[string]map[string]string{
		"Pod checkout-5d-a u7":        {pod: `{"metadata":{"uid":"u7"}}`},
		"StatefulSet db uid-db":       {pod: owned("StatefulSet", "apps/v1", "db")},
		"DaemonSet agent uid-agent":   {pod: owned("DaemonSet", "apps/v1", "agent")},
		"ReplicaSet lone uid-lone":    {pod: owned("ReplicaSet", "apps/v1", "lone"), "/apis/apps/v1/namespaces/shop/replicasets/lone": `{"metadata":{"uid":"x"}}`},
		"ReplicaSet gone uid-gone":    {pod: owned("ReplicaSet", "apps/v1", "gone")},
		"Rollout canary uid-canary":   {pod: owned("ReplicaSet", "apps/v1", "c-1"), "/apis/apps/v1/namespaces/shop/replicasets/c-1": owned("Rollout", "argoproj.io/v1alpha1", "canary")},
		"CronJob nightly uid-nightly": {pod: owned("Job", "batch/v1", "nightly-1"), "/apis/batch/v1/namespaces/shop/jobs/nightly-1": owned("CronJob", "batch/v1", "nightly")},
	} {
		w := newWorld(t)
		w.cluster.objects = objects
		w.at(t, t0, firing())
		require.Len(t, w.cluster.events, 1, want)
		o := w.cluster.events[0].InvolvedObject
		require.Equal(t, want, o.Kind+" "+o.Name+" "+o.UID)
	}
}

// Failures are logged once, counted, and tried again.
func TestFailures(t *testing.T) {
	status := func(code int, text string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(code)
			io.WriteString(w, text)
			return true
		}
	}
	for want, fail := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"the API server answers 403: pods is forbidden": status(403, `{"message":"pods is forbidden"}`),
		"the API server answers 502: ":                  status(502, `<html>`),
		"the answer has more than 1048576 bytes":        status(200, strings.Repeat(" ", maxAnswer+1)),
		"the answer is not JSON of the API server":      status(200, "<html>"),
		"event in namespace shop: the API server answers 403: events is forbidden": func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && status(403, `{"message":"events is forbidden"}`)(w, r)
		},
	} {
		w := newWorld(t)
		w.cluster.fail = fail
		for i := range 3 {
			w.at(t, t0.Add(time.Duration(i)*time.Minute), firing())
		}
		require.Equal(t, 1, strings.Count(w.log.String(), want), "%s: %s", want, w.log.String())
		require.Equal(t, 3.0, testutil.ToFloat64(w.results.WithLabelValues(resultFailed)))
		w.cluster.fail = nil
		w.at(t, t0.Add(4*time.Minute), firing())
		require.Len(t, w.cluster.events, 1)
	}
}

// Without a pod there is no Event. Labels that are no valid object names lead to no request.
func TestNoPod(t *testing.T) {
	w := newWorld(t)
	pods := w.pods
	w.pods = []labels.Labels{labels.FromStrings("instance", "a"), labels.FromStrings("namespace", "shop", "pod", "../../secrets/x", "instance", "a"), labels.FromStrings("namespace", "..", "pod", "x")}
	for i := range 4 {
		w.at(t, t0.Add(time.Duration(i)*time.Minute), firing())
	}
	require.Empty(t, w.cluster.reads)
	require.Equal(t, 1.0, testutil.ToFloat64(w.results.WithLabelValues(resultNoPod)))
	require.Empty(t, w.log.String())
	w.pods = pods
	w.at(t, t0.Add(6*time.Minute), firing())
	require.Len(t, w.cluster.events, 1, "it is looked for again")

	w = newWorld(t)
	w.pods = nil
	for i := range 50 {
		w.pods = append(w.pods, labels.FromStrings("namespace", "shop", "pod", fmt.Sprint("gone-", i), "instance", "a"))
	}
	w.at(t, t0, firing())
	require.Len(t, w.cluster.reads, maxPods)
}

// Update never waits, and Run ends with its context even if the API server hangs.
func TestRun(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	defer close(release)
	w.cluster.fail = func(http.ResponseWriter, *http.Request) bool { <-release; return true }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- w.Run(ctx) }()
	w.Update([]leak.Leak{firing()}, t0) // Events are off
	w.Apply(w.config)
	for range 100 {
		w.Update([]leak.Leak{firing()}, t0)
	}
	cancel()
	require.NoError(t, <-ended)
}
