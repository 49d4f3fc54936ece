package discovery

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	sd "github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/collector"
)

// mechanisms reads service discovery as the configuration has it.
func mechanisms(t *testing.T, text string) sd.Configs {
	t.Helper()
	var c sd.Configs
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &c))
	return c
}

func rules(t *testing.T, text string) (out []*relabel.Config) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &out))
	for _, r := range out {
		require.NoError(t, r.Validate(model.UTF8Validation))
	}
	return out
}

// watch runs a Watcher of sets until the test ends.
func watch(t *testing.T, o WatcherOptions, sets ...Set) *Watcher {
	t.Helper()
	w, err := NewWatcher(o)
	require.NoError(t, err)
	for i := range sets {
		if sets[i].Name == "" {
			sets[i].Name = fmt.Sprintf("targets[%d]", i)
		}
		require.NoError(t, w.Check(sets[i]))
	}
	require.NoError(t, w.Apply(sets))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

// patience bounds how long a test waits for something that must happen.
const patience = 2 * time.Minute

// eventually waits until the mechanisms have found n targets.
func eventually(t *testing.T, w *Watcher, n int) []*Endpoint {
	t.Helper()
	require.Eventually(t, func() bool { return len(w.Endpoints(time.Now())) == n }, patience, 10*time.Millisecond)
	return w.Endpoints(time.Now())
}

// filled makes a Watcher of sets whose mechanisms have found groups, one for each.
func filled(t *testing.T, o WatcherOptions, sets []Set, groups ...[]*targetgroup.Group) *Watcher {
	t.Helper()
	w, err := NewWatcher(o)
	require.NoError(t, err)
	t.Cleanup(w.Stop)
	all := map[string][]*targetgroup.Group{}
	for i := range sets {
		sets[i].Name = fmt.Sprintf("targets[%d]", i)
		all[sets[i].Name] = groups[i]
		w.sets = append(w.sets, &found{Set: sets[i]})
	}
	w.update(all)
	return w
}

// group returns a target group of addresses.
func group(ls model.LabelSet, addresses ...string) *targetgroup.Group {
	g := &targetgroup.Group{Source: "test", Labels: ls}
	for _, a := range addresses {
		g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(a)})
	}
	return g
}

func urlOf(t *testing.T, f *Finder, ls ...string) string {
	t.Helper()
	target, err := f.Find(t.Context(), noon, labels.FromStrings(ls...))
	require.NoError(t, err)
	return target.URL.String()
}

// Every mechanism of Prometheus' packages in one configuration. The instances of the series
// find its targets.
func TestMechanisms(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "more.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"targets": ["10.0.2.1:80"], "labels": {"job": "file"}}]`), 0o600))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `[{"targets": ["10.0.3.1:80"], "labels": {"__scheme__": "https", "job": "web"}}]`)
	}))
	t.Cleanup(web.Close)
	consul := httptest.NewServer(fakeConsul(t))
	t.Cleanup(consul.Close)

	w := watch(t, WatcherOptions{}, Set{Access: Access{Client: &http.Client{}}, Configs: mechanisms(t, `
static_configs: [{targets: ["10.0.1.1:80"], labels: {job: static}}]
`)}, Set{Configs: mechanisms(t, `file_sd_configs: [{files: ["`+file+`"], refresh_interval: 1s}]`)},
		Set{Configs: mechanisms(t, `http_sd_configs: [{url: "`+web.URL+`", authorization: {credentials: s3cret}}]`)},
		Set{
			Configs: mechanisms(t, `consul_sd_configs: [{server: "`+strings.TrimPrefix(consul.URL, "http://")+`", services: [shop]}]`),
			Relabel: rules(t, `[{source_labels: [__meta_consul_service], target_label: job}, {source_labels: [__meta_consul_service_metadata_pprof], target_label: __profile_path__}]`),
		})
	eventually(t, w, 4)
	f := finder(t, Options{Discovered: w})
	for instance, want := range map[[2]string]string{
		{"static", "10.0.1.1:80"}: "http://10.0.1.1:80/debug/pprof/goroutine",
		{"file", "10.0.2.1:80"}:   "http://10.0.2.1:80/debug/pprof/goroutine",
		{"web", "10.0.3.1:80"}:    "https://10.0.3.1:80/debug/pprof/goroutine",
		{"shop", "10.0.4.1:8000"}: "http://10.0.4.1:8000/internal/pprof/goroutine",
	} {
		require.Equal(t, want, urlOf(t, f, "job", instance[0], "instance", instance[1]))
	}

	// The file changes: its old targets go, the new ones appear. It may change before its
	// folder is watched, so the mechanism also reads it every second.
	require.NoError(t, os.WriteFile(file, []byte(`[{"targets": ["10.0.2.2:80", "10.0.2.3:80"], "labels": {"job": "file"}}]`), 0o600))
	eventually(t, w, 5)
	_, err := f.Find(t.Context(), noon, labels.FromStrings("job", "file", "instance", "10.0.2.1:80"))
	require.EqualError(t, err, `service discovery (targets[0], targets[1], targets[2], targets[3]) finds no target with job="file", instance="10.0.2.1:80"; add a static target for it`)
}

// fakeConsul answers as an agent with one service.
func fakeConsul(t *testing.T) http.Handler {
	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("index") == "1" { // a long poll: nothing changes
				<-r.Context().Done()
				return
			}
			w.Header().Set("X-Consul-Index", "1")
			if err := json.NewEncoder(w).Encode(v); err != nil {
				t.Error(err)
			}
		}
	}
	mux.Handle("/v1/agent/self", answer(map[string]any{"Config": map[string]any{"Datacenter": "dc1"}}))
	mux.Handle("/v1/catalog/services", answer(map[string][]string{"shop": {}}))
	mux.Handle("/v1/health/service/shop", answer([]map[string]any{{
		"Node":    map[string]any{"Node": "n1", "Address": "10.0.4.1", "Datacenter": "dc1"},
		"Service": map[string]any{"ID": "shop-1", "Service": "shop", "Port": 8000, "Meta": map[string]string{"pprof": "/internal/pprof/"}},
	}}))
	return mux
}

func TestMistakesShowBeforeAnythingChanges(t *testing.T) {
	w, err := NewWatcher(WatcherOptions{})
	require.NoError(t, err)
	defer w.Stop()
	for name, c := range map[string]struct{ text, err string }{
		"a secret that is not there": {`http_sd_configs: [{url: "http://x/", tls_config: {ca_file: /nonexistent}}]`, "targets[3].http_sd_configs: unable to"},
		"names that nobody resolves": {`dns_sd_configs: [{names: [x], type: A, port: 80}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := w.Check(Set{Name: "targets[3]", Configs: mechanisms(t, c.text)})
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}

// A target and an instance match in this order: pod, address, host; or as the configuration
// says.
func TestMatching(t *testing.T) {
	pods := rules(t, `
- {source_labels: [ns], target_label: namespace}
- {source_labels: [po], target_label: pod}
- {regex: ns|po, action: labeldrop}
`)
	w := filled(t, WatcherOptions{}, []Set{{Relabel: pods}, {Match: []string{"zone", "name"}}},
		[]*targetgroup.Group{
			group(model.LabelSet{"ns": "prod", "po": "shop-1"}, "10.0.0.1:6060"),
			group(model.LabelSet{"ns": "prod", "po": "shop-2"}, "10.0.0.2:6060", "10.0.0.2:8080"),
			group(model.LabelSet{"job": "batch"}, "10.0.0.3:6060"),
			group(nil, "10.0.0.4:6060", "10.0.0.4:7070"),
			group(nil, "10.0.0.5:6060", "10.0.0.5:6060"),
		},
		[]*targetgroup.Group{
			group(model.LabelSet{"zone": "a", "name": "x", "job": "whatever"}, "10.1.0.1:6060"),
			group(model.LabelSet{"name": "x"}, "10.1.0.2:6060"),
		})
	f := finder(t, Options{Discovered: w})
	for name, c := range map[string]struct {
		instance []string
		want     string
		reason   collector.Reason
	}{
		"by pod":                         {[]string{"namespace", "prod", "pod", "shop-1", "instance", "gateway:80"}, "10.0.0.1:6060", ""},
		"a pod, its job is another's":    {[]string{"namespace", "prod", "pod", "shop-1", "job", "kubernetes-pods", "instance", "10.0.0.1:8080"}, "10.0.0.1:6060", ""},
		"another namespace":              {[]string{"namespace", "test", "pod", "shop-1", "instance", "x"}, "", collector.ReasonNoTarget},
		"another pod at that address":    {[]string{"namespace", "prod", "pod", "shop-9", "instance", "10.0.0.1:6060"}, "", collector.ReasonNoTarget},
		"a pod with two ports":           {[]string{"namespace", "prod", "pod", "shop-2", "instance", "shop-2"}, "", collector.ReasonAmbiguous},
		"of two ports that of instance":  {[]string{"namespace", "prod", "pod", "shop-2", "instance", "10.0.0.2:8080"}, "10.0.0.2:8080", ""},
		"by address":                     {[]string{"job", "batch", "instance", "10.0.0.3:6060"}, "10.0.0.3:6060", ""},
		"by host":                        {[]string{"job", "batch", "instance", "10.0.0.3:8080"}, "10.0.0.3:6060", ""},
		"another job":                    {[]string{"job", "other", "instance", "10.0.0.3:6060"}, "", collector.ReasonNoTarget},
		"two on the host":                {[]string{"job", "other", "instance", "10.0.0.4:80"}, "", collector.ReasonAmbiguous},
		"of two on the host the address": {[]string{"job", "other", "instance", "10.0.0.4:7070"}, "10.0.0.4:7070", ""},
		"found twice, at one place":      {[]string{"job", "other", "instance", "10.0.0.5:6060"}, "10.0.0.5:6060", ""},
		"as configured":                  {[]string{"zone", "a", "name", "x", "job", "shop", "instance", "i"}, "10.1.0.1:6060", ""},
		"as configured, not":             {[]string{"zone", "b", "name", "x", "instance", "i"}, "", collector.ReasonNoTarget},
		"a label is missing":             {[]string{"name", "x", "instance", "10.1.0.2:6060"}, "", collector.ReasonNoTarget},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := f.Find(t.Context(), noon, labels.FromStrings(c.instance...))
			if c.reason != "" {
				require.Equal(t, c.reason, collector.ReasonOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, target.URL.Host)
		})
	}
	_, err := f.Find(t.Context(), noon, labels.FromStrings("job", "other", "instance", "10.0.0.4:80"))
	require.EqualError(t, err, "not asked: 2 targets claim to be this instance (targets[0]: http://10.0.0.4:6060/debug/pprof/goroutine, http://10.0.0.4:7070/debug/pprof/goroutine); tell them apart with labels, or with match")
}

// A pod that opts out is not asked, although Prometheus scrapes it. One that does not mention
// profiles is asked where it is scraped.
func TestDiscoveryComesBeforePrometheus(t *testing.T) {
	scraped := &prometheus{}
	for _, name := range []string{"shop-7d9f-x2x", "mute"} {
		scraped.add(t, "http://10.0.0.7:8080/metrics", "job", "pods", "instance", name, "namespace", "prod", "pod", name)
	}
	no := pod([]string{"app:http:8080"}, "profiles.grafana.com/goroutine.scrape", "false")
	w := filled(t, WatcherOptions{}, []Set{{PodAnnotations: true}}, []*targetgroup.Group{no})
	f := finder(t, Options{Discovered: w, Scraped: scraped})
	_, err := f.Find(t.Context(), noon, labels.FromStrings("job", "pods", "instance", "shop-7d9f-x2x", "namespace", "prod", "pod", "shop-7d9f-x2x"))
	require.Equal(t, collector.ReasonNoConsent, collector.ReasonOf(err))
	require.Equal(t, "http://10.0.0.7:8080/debug/pprof/goroutine", urlOf(t, f, "job", "pods", "instance", "mute", "namespace", "prod", "pod", "mute"))
}

func TestRelabelling(t *testing.T) {
	w := filled(t, WatcherOptions{}, []Set{{
		Access: Access{Scheme: "https", Path: "/p/", Port: 6060},
		Relabel: rules(t, `
- {source_labels: [__meta_role], regex: db, action: drop}
- {source_labels: [__meta_name], target_label: instance}
- {source_labels: [__meta_path], regex: (.+), target_label: __profile_path__}
- {source_labels: [__meta_address], regex: (.+), target_label: __address__}
`),
	}}, []*targetgroup.Group{
		group(model.LabelSet{"__meta_role": "db"}, "db:80"),
		group(model.LabelSet{"__meta_name": "a"}, "a:80"),
		group(model.LabelSet{"__meta_name": "b", "__scheme__": "http", "__meta_path": "/q/goroutine"}, "b"),
		group(model.LabelSet{"__meta_name": "c", "__meta_address": "/etc/passwd"}, "c:1"),
	})
	var got []string
	for _, e := range w.Endpoints(noon) {
		what := fmt.Sprint(e.Labels, " ")
		if e.Err != nil {
			what += e.Err.Error()
		} else {
			what += e.URL().String() + " " + e.Metrics.String()
		}
		got = append(got, what)
	}
	require.Equal(t, []string{
		`{instance="a"} https://a:6060/p/goroutine https://a:80/metrics`,
		`{instance="b"} http://b:6060/q/goroutine http://b/metrics`,
		`{instance="c"} targets[0]: its address is "/etc/passwd" after relabelling, expected host:port`,
	}, got)
}

func TestLimitOfTargets(t *testing.T) {
	var many []string
	for i := range 1500 {
		many = append(many, fmt.Sprintf("10.0.%d.%d:80", i/250, i%250))
	}
	w := filled(t, WatcherOptions{}, []Set{{Limit: 1000}}, []*targetgroup.Group{group(nil, many...)})
	require.Len(t, w.Endpoints(noon), 1000)
	require.Equal(t, []string{"targets[0]: service discovery finds 1500 targets, and only 1000 of them are used (target_limit); drop other programs with relabel_configs, or raise the limit"}, w.Warnings(noon))
	w.update(map[string][]*targetgroup.Group{"targets[0]": {group(nil, many[:1000]...)}})
	require.Empty(t, w.Warnings(noon))
}

// At noon service discovery returns nothing, which is usually a mistake: the targets stay for
// five minutes. At 12:01 they are back; at 12:10 they go for good.
func TestDiscoveryEmptiesForAMinute(t *testing.T) {
	now := noon
	w := filled(t, WatcherOptions{Now: func() time.Time { return now }}, []Set{{}}, []*targetgroup.Group{group(nil, "a:80", "b:80")})
	f := finder(t, Options{Discovered: w})
	say := func(at time.Duration, groups ...*targetgroup.Group) {
		now = noon.Add(at)
		w.update(map[string][]*targetgroup.Group{"targets[0]": groups})
	}
	find := func(at time.Duration) error {
		_, err := f.Find(t.Context(), noon.Add(at), labels.FromStrings("instance", "a:80"))
		return err
	}
	say(0)
	require.NoError(t, find(time.Second))
	require.Equal(t, []string{"targets[0]: service discovery has returned no targets since 12:00:00; the previous ones are kept for 5m0s"}, w.Warnings(noon.Add(time.Second)))
	say(time.Minute, group(nil, "a:80"))
	require.NoError(t, find(time.Minute))
	require.Empty(t, w.Warnings(now))
	require.Len(t, w.Endpoints(now), 1, "b is gone: not all are")

	say(10 * time.Minute)
	say(12*time.Minute, group(nil))
	require.NoError(t, find(14*time.Minute))
	require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(find(15*time.Minute)))
	require.Empty(t, w.Endpoints(noon.Add(15*time.Minute)))
}

// A reload that changes how targets are used applies at once. One that changes where they are
// found begins anew.
func TestApplyKeepsWhatIsFound(t *testing.T) {
	a, b := mechanisms(t, `static_configs: [{targets: ["a:80"]}]`), mechanisms(t, `static_configs: [{targets: ["b:80"]}]`)
	w := watch(t, WatcherOptions{}, Set{Configs: a})
	eventually(t, w, 1)
	require.NoError(t, w.Apply([]Set{{Name: "targets[0]", Configs: a, Access: Access{Port: 6060}}}))
	require.Equal(t, "http://a:6060/debug/pprof/goroutine", w.Endpoints(noon)[0].URL().String())
	require.NoError(t, w.Apply([]Set{{Name: "targets[0]", Configs: b}}))
	require.Eventually(t, func() bool {
		e := w.Endpoints(noon)
		return len(e) == 1 && e[0].URL().Host == "b:80"
	}, patience, 10*time.Millisecond)
	require.NoError(t, w.Apply(nil))
	require.Empty(t, w.Endpoints(noon))
}

// 10,000 targets come and go ten times, through Prometheus' own manager. No goroutine stays,
// and no target.
func TestNothingStaysOfTargetsThatComeAndGo(t *testing.T) {
	const n = 10_000
	before := goleak.IgnoreCurrent()
	w, err := NewWatcher(WatcherOptions{Registerer: prom.NewRegistry(), Hold: time.Nanosecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { w.Run(ctx) })
	f := finder(t, Options{Discovered: w})
	for round := range 10 {
		g := &targetgroup.Group{Source: fmt.Sprint(round)}
		for i := range n {
			g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(fmt.Sprintf("10.%d.%d.%d:80", round, i/250, i%250))})
		}
		set := Set{Name: "targets[0]", Configs: sd.Configs{sd.StaticConfig{g}}}
		require.NoError(t, w.Apply([]Set{set}))
		w.update(map[string][]*targetgroup.Group{"targets[0]": {g}})
		for i := range n {
			_, err := f.Find(ctx, noon, labels.FromStrings("instance", fmt.Sprintf("10.%d.%d.%d:80", round, i/250, i%250)))
			require.NoError(t, err)
		}
		w.update(map[string][]*targetgroup.Group{"targets[0]": {}})
		require.NoError(t, w.Apply(nil))
		require.Empty(t, w.Endpoints(noon.Add(time.Hour)))
	}
	cancel()
	wg.Wait()
	require.NoError(t, goleak.Find(before))
}
