package browser

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/triage"
	"github.com/gorowatch/gorowatch/internal/web"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// fleet is a made-up state of 1 000 services and 200 leaks; name makes the names.
type fleet struct {
	now  time.Time
	name func(string) string
	// leaked is how much the leaks have leaked since the start of the test.
	leaked *atomic.Int64
	// refresh is how often the pages refresh themselves.
	refresh time.Duration
}

const (
	fleetServices  = 1000
	fleetLeaks     = 200
	fleetInstances = 30
)

func (f fleet) service(i int) labels.Labels {
	return labels.FromStrings("namespace", f.name(fmt.Sprintf("team-%02d", i%40)), "job", f.name(fmt.Sprintf("service-%d", i)))
}

func (f fleet) instance(i int) string { return f.name(fmt.Sprintf("10.0.3.%d:8080", i)) }

func (f fleet) Ready() bool { return true }

func (f fleet) Leaks() (out []leak.Leak) {
	for i := range fleetLeaks {
		key := collector.Frame{Func: f.name(fmt.Sprintf("github.com/acme/service%d/internal/worker.(*Pool).run.func1", i)), File: f.name("/src/worker/pool.go"), Line: 100 + i}
		l := leak.Leak{
			ID: fmt.Sprintf("%012x", i), Service: f.service(i), Signature: "s1", State: leak.Firing, Evidence: leak.Stack, Missing: f.name("no dump: more than 1,000 goroutines"),
			Onset: f.now.Add(-time.Duration(i+1) * time.Hour / 2), DetectedAt: f.now.Add(-time.Duration(i) * time.Hour / 2), UpdatedAt: f.now,
			Version: f.name("v1.42.0"), Rate: trend.Interval{Value: 20 + float64(i), Low: 15, High: 30 + float64(i)}, Leaked: float64(1000 + f.leaked.Load()), Share: .94, InstancesTotal: fleetInstances,
			Stacks: []leak.StackGrowth{{Signature: "s1", Op: "chan send", Key: key, Base: 12, Head: 1012, Share: .94, Frames: []collector.Frame{
				{Func: "net/http.HandlerFunc.ServeHTTP", File: "/go/src/net/http/server.go", Line: 2200}, {Func: "net/http.serverHandler.ServeHTTP", File: "/go/src/net/http/server.go", Line: 3300}, key,
			}}},
			Base: &leak.ProfileRef{Key: "profiles/base.pb.gz", Instance: f.instance(0), Time: f.now.Add(-8 * time.Hour), Total: 80},
			Head: &leak.ProfileRef{Key: "profiles/head.pb.gz", Instance: f.instance(0), Time: f.now, Total: 1080},
		}
		if i >= 20 && i < 32 { // twelve services use the same library
			l.Stacks[0].Key = collector.Frame{Func: f.name("github.com/acme/bus.(*Client).Subscribe.func1"), File: f.name("/go/pkg/mod/github.com/acme/bus@v1.2.0/client.go"), Line: 88}
			l.Version = f.name(fmt.Sprintf("v2.%d.0", i))
		}
		switch {
		case i >= 150 && i < 160:
			l.PlateauedAt = f.now.Add(-time.Hour)
		case i >= 160 && i < 170:
			l.State, l.Evidence = leak.Suspected, leak.Growth
		case i >= 170 && i < 176:
			l.State, l.Evidence = leak.Ignored, leak.Aged
		case i >= 176 && i < 190:
			l.State, l.ResolvedAt, l.Resolution = leak.Resolved, f.now.Add(-time.Hour), f.name("restarted, and no goroutine stood there since")
		case i >= 190:
			l.Evidence = leak.Proven
		}
		if i == 1 {
			l.Onset = f.now.Add(-200 * 24 * time.Hour)
		}
		if i == 0 {
			l.Onset = f.now.Add(-5 * 24 * time.Hour)
		}
		for k := range 10 {
			l.Instances = append(l.Instances, f.instance(k))
		}
		out = append(out, l)
	}
	return out
}

func (f fleet) Leak(id string) (leak.Leak, bool) {
	for _, l := range f.Leaks() {
		if l.ID == id {
			return l, true
		}
	}
	return leak.Leak{}, false
}

func (f fleet) Services() (out []view.Service) {
	gates := []trend.Gate{trend.GateFollowsLoad, trend.GateOneStep, trend.GateSaturating, trend.GateCameBack, trend.GateNoTrend}
	for i := range fleetServices {
		s := view.Service{Labels: f.service(i), Instances: fleetInstances, Count: 4000, Floor: 3100, Status: trend.Quiet, Gate: gates[i%len(gates)], LastSample: f.now}
		if i < fleetLeaks {
			s.Status, s.Gate, s.Rate = trend.Leaking, trend.GateNone, trend.Interval{Value: 20, Low: 15, High: 30}
		}
		out = append(out, s)
	}
	return out
}

func (f fleet) Instances(labels.Labels) (out []view.Instance) {
	for i := range fleetInstances {
		out = append(out, view.Instance{Instance: trend.Instance{Name: f.instance(i), Count: 140, Floor: 100, LastSeen: f.now}, Labels: labels.FromStrings("instance", f.instance(i))})
	}
	return out
}

func (f fleet) Floors(labels.Labels, time.Time) trend.Floors {
	fl := trend.Floors{Start: f.now.Add(-12 * time.Hour), Length: 15 * time.Minute}
	for i := range 48 {
		fl.Values = append(fl.Values, float64(100+20*i))
	}
	return fl
}

// Confidences rise within three hours of the onset of a leak. The twelve services of one
// library were deployed together, nine hours ago; and nothing was judged before six days ago.
func (f fleet) Confidences(service labels.Labels, from time.Time, n int) []hourly.Hour {
	var i int
	_, number, _ := strings.Cut(service.Get("job"), "service-")
	_, _ = fmt.Sscanf(number, "%d", &i)
	since := time.Duration(i+1) * time.Hour / 2
	if i >= 20 && i < 32 {
		since = 9 * time.Hour
	}
	var r hourly.Ring
	for h := -6 * 24; h <= 0; h++ {
		at := f.now.Add(time.Duration(h) * time.Hour)
		confidence, rate := 0.05*float64(h*h%3), 0.
		if past := at.Sub(f.now.Add(-since)); i < fleetLeaks && past >= 0 {
			confidence, rate = min(.3*(1+past.Hours()), .97), 20+float64(i)
		}
		r.Observe(at, confidence, rate, time.Hour)
	}
	return r.Span(from, n)
}

func (f fleet) Explain(labels.Labels) (out []trend.Assessment) {
	for i := range fleetInstances {
		for _, d := range []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
			out = append(out, trend.Assessment{Instance: f.instance(i), Scale: d, Blocks: 48, Status: trend.Quiet, Gate: trend.GateFollowsLoad, Z: 1})
		}
	}
	return out
}

func (f fleet) TargetCount() int {
	return len(slices.DeleteFunc(f.Targets(), func(t view.Target) bool { return t.State == view.TargetGone }))
}

func (f fleet) Targets() (out []view.Target) {
	for i := range fleetServices {
		out = append(out, view.Target{Labels: f.service(i), URL: "http://" + f.instance(i) + "/debug/pprof/goroutine", State: view.TargetUp, LastPull: f.now, Next: f.now.Add(time.Minute), Duration: time.Millisecond, Cost: .1, Goroutines: 140, Error: f.name("")})
	}
	for i := range 12 {
		service := f.service(i % 3)
		instance := f.instance(i)
		t := view.Target{
			Labels: labels.NewBuilder(service).Set("instance", instance).Set("pod", f.name(fmt.Sprintf("service-%d-7c9d8f5b4-x%02dzq", i%3, i))).Set("node", f.name("ip-10-0-3-17.eu-central-1.compute.internal")).Set("zone", f.name("eu-central-1a")).Labels(),
			URL:    "https://" + instance + "/debug/pprof/goroutine", State: view.TargetUp, LastPull: f.now.Add(-time.Minute), Duration: 23 * time.Millisecond, Goroutines: 2018,
		}
		if i%2 == 0 {
			t.State, t.Error = view.TargetDown, f.name("answered 404 Not Found: the program does not serve /debug/pprof; import net/http/pprof, or set the path that it serves by the annotation profiles.grafana.com/goroutine.path")
		}
		out = append(out, t)
	}
	for i := range 3 {
		out = append(out, view.Target{Labels: f.service(i), State: view.TargetGone, Gone: f.now.Add(-time.Duration(i) * time.Minute)})
	}
	return out
}

// History returns the data of a Prometheus: noisy counts, a third of which climb.
func (f fleet) History(_ context.Context, _ labels.Labels, from, to time.Time, step time.Duration) (collector.History, error) {
	n := int(to.Sub(from) / step)
	h := collector.History{Start: from.Add(step), Step: step, Steps: n}
	for k := range fleetInstances {
		in := collector.NewInstanceHistory(labels.FromStrings("instance", f.instance(k)), n)
		for i := range n {
			now := h.Start.Add(time.Duration(i) * step)
			x := collector.Sample{Count: 100 + 30*math.Sin(2*math.Pi*now.Sub(time.Time{}.AddDate(2025, 0, 0)).Hours()/24+float64(k)/9) + float64((i*7919+k*104729)%17), Load: .3, Start: 1}
			if since := now.Sub(f.now.Add(-5 * 24 * time.Hour)).Hours(); k < 10 && since > 0 {
				x.Count += (2 + .2*float64(k)) * since
			}
			in.Observe(i, x)
			x.Count += 20 + float64((i*31+k)%23)
			in.Observe(i, x)
		}
		h.Instances = append(h.Instances, in)
	}
	return h, nil
}

// profiles of the archive have 3 000 stacks.
func (f fleet) ServiceProfiles(_ context.Context, _ labels.Labels, from, to time.Time) (out []leak.ProfileRef, err error) {
	for i := range 24 * 7 {
		if at := f.now.Add(-time.Duration(i) * time.Hour); !at.Before(from) && !at.After(to) {
			out = append([]leak.ProfileRef{{Key: fmt.Sprintf("profiles/%d.pb.gz", i), Instance: f.instance(0), Time: at}}, out...)
		}
	}
	return out, nil
}

func (f fleet) LoadProfile(_ context.Context, key string) (*collector.Profile, error) {
	p := &collector.Profile{Kind: collector.KindGoroutine, Format: collector.FormatProto, Time: f.now}
	for i := range 3000 {
		r := collector.Record{Count: 1}
		if i == 0 && !strings.Contains(key, "base") {
			r.Count = 1000
		}
		for d := range 12 {
			r.Frames = append(r.Frames, &collector.Frame{Func: f.name(fmt.Sprintf("github.com/acme/service/p%d.f%d", i%(1+37*(12-d)), d)), File: f.name("/src/p/f.go"), Line: d + 1})
		}
		p.Records = append(p.Records, r)
		p.Total += r.Count
	}
	return p, nil
}

func (f fleet) OpenProfile(context.Context, string) (io.ReadCloser, error) {
	return nil, fs.ErrNotExist
}

func (f fleet) Captures() []ondemand.Capture { return nil }
func (f fleet) Links() actions.Links {
	return actions.Links{
		Source:       []actions.SourceLink{{Prefix: "/src/", URL: "https://git.example.com/{version}/{path}#L{line}"}},
		Alertmanager: "http://alertmanager.example.com:9093",
		Issues:       []actions.IssueLink{{Name: "GitHub", URL: "https://github.com/acme/{job}/issues/new?title={title}&body={body}"}},
		Owners:       []actions.OwnerRule{{Owner: "#{namespace}-oncall"}},
	}
}
func (f fleet) RenderOptions() alerting.RenderOptions { return alerting.RenderOptions{} }
func (f fleet) Notices() []string                     { return []string{f.name("a notice")} }
func (f fleet) Now() time.Time                        { return time.Now() }
func (f fleet) RequiresLogin() bool                   { return false }

func (f fleet) Status() view.Status {
	return view.Status{
		Config:    f.name("global: {}"),
		Discovery: &view.Discovery{Sets: []view.DiscoverySet{{Name: f.name("targets[0]"), Targets: 1000}}, Problems: []string{f.name("Kubernetes does not let gorowatch list pods")}},
	}
}

// Pull takes no profile: the budget of the target is used up.
func (f fleet) Pull(context.Context, labels.Labels, view.Instance) (leak.ProfileRef, error) {
	return leak.ProfileRef{}, collector.Errorf(collector.ReasonBudget, "the budget of %s allows the next profile in 40 s", f.instance(0))
}

// triageStub has the triage of a fleet's leaks, in memory.
type triageStub struct {
	mtx     sync.Mutex
	entries map[string]triage.Entry
}

func (s *triageStub) Entry(leak string) triage.Entry {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	return s.entries[leak]
}

func (s *triageStub) CanSet() bool { return true }

func (s *triageStub) Set(_ context.Context, e triage.Entry) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	s.entries[e.Leak] = e
	return nil
}

// serve serves the pages of a fleet.
func serve(t *testing.T, name func(string) string) string {
	t.Helper()
	return newFleet(name).serve(t).URL
}

func newFleet(name func(string) string) fleet {
	return fleet{now: time.Now().Truncate(time.Second), name: name, leaked: &atomic.Int64{}, refresh: time.Minute}
}

// serve serves the pages of the fleet.
func (f fleet) serve(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	u, err := url.Parse("http://" + srv.Listener.Addr().String() + "/")
	require.NoError(t, err)
	h, err := web.New(web.Options{
		Backend: f, Profiles: f, History: f, Puller: f, Triage: &triageStub{entries: map[string]triage.Entry{}}, ExternalURL: u, Started: f.now.Add(-100 * time.Hour), Resolution: f.refresh,
	})
	require.NoError(t, err)
	srv.Config.Handler = h
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// places returns the pages of a fleet.
func places(b *tab) map[string]string {
	b.visit("/services")
	return map[string]string{
		"leaks": "/", "leak": "/leaks/000000000000", "services": "/services", "targets": "/targets", "status": "/status", "setup": "/setup", "fleet": "/fleet?state=week",
		"service": eval[string](b, "document.querySelector('table.services th a').getAttribute('href')"),
		"compare": "/compare?base=profiles/base.pb.gz&head=profiles/head.pb.gz",
	}
}

// TestFleet: the pages of a large fleet are small, and the chart of a week of thirty instances
// is drawn. The time is only logged, because it depends on this machine.
func TestFleet(t *testing.T) {
	b := open(t, serve(t, func(s string) string { return s }))
	for name, path := range places(b) {
		b.visit(path)
		size := eval[int](b, "performance.getEntriesByType('navigation')[0].decodedBodySize")
		t.Logf("%s: %d KB, in the browser after %.0f ms", name, size>>10, eval[float64](b, "performance.getEntriesByType('navigation')[0].responseEnd"))
		require.Less(t, size, 300<<10, name)
		eval[int](b, "[...document.querySelectorAll('details.gone')].map((d) => (d.open = true)).length")
		b.shoot("fleet-" + name)
		b.fitsEverywhere("fleet-" + name)
	}
	b.visit("/leaks/000000000000")
	require.Contains(t, b.text(), "10.0.3.0:8080")
	all := eval[float64](b, `new Promise((done) => {
		const chart = document.querySelector('.chart'), began = performance.now();
		delete chart.dataset.drawn;
		[...chart.querySelectorAll('.tools button')].find((b) => b.textContent === '7 d').click();
		const look = () => (chart.dataset.drawn ? done(performance.now() - began) : requestAnimationFrame(look));
		look();
	})`)
	t.Logf("7 days of %d instances: drawn in %s ms, %.0f ms after the click", fleetInstances, eval[string](b, "document.querySelector('.chart').dataset.drawn"), all)
	b.shoot("fleet-leak-7d")
	b.accessible()
	b.quiet()
}

// TestHostile: hostile names do not run as code, and no page is wider than the window.
func TestHostile(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>` + "\u202e{{.}}`${alert(1)}`"
	b := open(t, serve(t, func(s string) string { return s + evil + strings.Repeat("long", 300) }))
	for name, path := range places(b) {
		b.visit(path)
		require.Zero(t, eval[int](b, "document.querySelectorAll('main script, main img, main svg[onload], main [onerror]').length"), name)
		if name != "status" { // which shows the configuration unchanged
			require.NotContains(t, b.text(), "\u202e", name)
		}
		b.fits("hostile-"+name, func() {
			if name == "leak" {
				b.shoot("hostile-" + name)
			}
		})
	}
	b.quiet()
}
