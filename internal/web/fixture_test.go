package web

import (
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/hourly"
	"github.com/gorowatch/gorowatch/internal/ondemand"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// at is the present in these tests.
var at = time.Date(2026, 3, 2, 22, 59, 30, 0, time.UTC)

// state is a State made of its fields.
type state struct {
	starting bool
	leaks    []leak.Leak
	services []view.Service
	targets  []view.Target
	members  []view.Instance
	floors   trend.Floors
	ring     map[string]*hourly.Ring // by the job of the service
	explain  []trend.Assessment
}

func (s *state) Ready() bool              { return !s.starting }
func (s *state) Leaks() []leak.Leak       { return s.leaks }
func (s *state) Services() []view.Service { return s.services }
func (s *state) Targets() []view.Target   { return s.targets }
func (s *state) TargetCount() (n int) {
	for _, t := range s.targets {
		if t.State != view.TargetGone {
			n++
		}
	}
	return n
}

func (s *state) Leak(id string) (leak.Leak, bool) {
	for _, l := range s.leaks {
		if l.ID == id {
			return l, true
		}
	}
	return leak.Leak{}, false
}

func (s *state) Instances(labels.Labels) []view.Instance      { return s.members }
func (s *state) Floors(labels.Labels, time.Time) trend.Floors { return s.floors }
func (s *state) Explain(labels.Labels) []trend.Assessment     { return s.explain }

func (s *state) Confidences(service labels.Labels, from time.Time, n int) []hourly.Hour {
	if r := s.ring[service.Get("job")]; r != nil {
		return r.Span(from, n)
	}
	return nil
}

// backend is a Backend made of its fields.
type backend struct {
	view.State
	captures []ondemand.Capture
	links    actions.Links
	render   alerting.RenderOptions
	notices  []string
	status   view.Status
	now      func() time.Time // at if nil
	login    func() bool      // none if nil
}

func (b *backend) Captures() []ondemand.Capture          { return b.captures }
func (b *backend) Links() actions.Links                  { return b.links }
func (b *backend) RenderOptions() alerting.RenderOptions { return b.render }
func (b *backend) Notices() []string                     { return b.notices }
func (b *backend) Status() view.Status                   { return b.status }

func (b *backend) RequiresLogin() bool { return b.login != nil && b.login() }

func (b *backend) Now() time.Time {
	if b.now == nil {
		return at
	}
	return b.now()
}

// reloading is a Reloader.
type reloading func(context.Context) error

func (r reloading) Reload(ctx context.Context) error { return r(ctx) }

// of returns the backend that options made.
func of(o Options) *backend { return o.Backend.(*backend) }

// pulling is a Puller.
type pulling func(context.Context, labels.Labels, view.Instance) (leak.ProfileRef, error)

func (p pulling) Pull(ctx context.Context, service labels.Labels, in view.Instance) (leak.ProfileRef, error) {
	return p(ctx, service, in)
}

// shelf is Profiles made of a map; a nil profile cannot be read.
type shelf struct {
	refs    []leak.ProfileRef
	byKey   map[string]*collector.Profile
	listing error
	open    func(key string) (io.ReadCloser, error)
}

func (s *shelf) ServiceProfiles(_ context.Context, _ labels.Labels, from, to time.Time) (out []leak.ProfileRef, err error) {
	for _, ref := range s.refs {
		if !ref.Time.Before(from) && !ref.Time.After(to) {
			out = append(out, ref)
		}
	}
	return out, s.listing
}

func (s *shelf) LoadProfile(_ context.Context, key string) (*collector.Profile, error) {
	p, ok := s.byKey[key]
	switch {
	case !ok:
		return nil, fmt.Errorf("load %s: %w", key, fs.ErrNotExist)
	case p == nil:
		return nil, collector.Errorf(collector.ReasonNotProfile, "secret hunter2")
	}
	return p, nil
}

func (s *shelf) OpenProfile(_ context.Context, key string) (io.ReadCloser, error) {
	if s.open == nil {
		return nil, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return s.open(key)
}

// archived has an earlier profile and a present one, for the first leak of leaking.
func archived() *shelf {
	l := leaking().leaks[3]
	goroutines := func(now time.Time, leaked, others int64) *collector.Profile {
		return &collector.Profile{Kind: collector.KindGoroutine, Format: collector.FormatProto, Time: now, Total: leaked + others, Records: []collector.Record{
			{Count: leaked, Frames: []*collector.Frame{{Func: "runtime.gopark"}, {Func: "runtime.chansend"}, {Func: "runtime.chansend1"}, &l.Stacks[0].Key}, Labels: map[string]string{"route": "/cart"}},
			{Count: others, Frames: []*collector.Frame{{Func: "runtime.gopark"}, {Func: "runtime.netpollblock"}, {Func: "internal/poll.runtime_pollWait"}, {Func: "net/http.(*conn).serve", File: "/go/src/net/http/server.go", Line: 2100}}},
		}}
	}
	return &shelf{
		refs: []leak.ProfileRef{*l.Base, *l.Head},
		byKey: map[string]*collector.Profile{
			l.Base.Key: goroutines(l.Base.Time, 12, 49), l.Head.Key: goroutines(l.Head.Time, 1916, 102),
		},
	}
}

// counts is a History that yields what it is.
type counts func(from, to time.Time, step time.Duration) (collector.History, error)

func (c counts) History(_ context.Context, _ labels.Labels, from, to time.Time, step time.Duration) (collector.History, error) {
	return c(from, to, step)
}

// climbing returns the counts of instances of which the first few leak.
func climbing(names ...string) counts {
	return func(from, to time.Time, step time.Duration) (collector.History, error) {
		n := int(to.Sub(from) / step)
		h := collector.History{Start: from.Add(step), Step: step, Steps: n}
		for k, name := range names {
			in := collector.NewInstanceHistory(labels.FromStrings("instance", name, "job", "checkout", "namespace", "prod"), n)
			for i := range n {
				now := h.Start.Add(time.Duration(i) * step)
				x := collector.Sample{Count: 60 + 10*math.Sin(float64(i)/9+float64(k)), Load: 0.2, Start: float64(from.Add(-time.Hour).Unix())}
				if hours := now.Sub(at.Add(-537 * time.Minute)).Hours(); k < 3 && hours > 0 {
					x.Count += 71 * hours
				}
				in.Observe(i, x)
				x.Count += 15
				in.Observe(i, x)
			}
			h.Instances = append(h.Instances, in)
		}
		return h, nil
	}
}

// leaking makes a state with many leaks.
func leaking() *state {
	checkout := labels.FromStrings("job", "checkout", "namespace", "prod")
	logs := collector.Frame{Func: "main.logHandler.func1", File: "/src/checkout/handler.go", Line: 29}
	first := leak.Leak{
		ID: "3f9c2a7b", Service: checkout, Signature: "s1", State: leak.Firing, Evidence: leak.Aged,
		Missing: "the target has no /debug/pprof/goroutineleak (Go 1.27 has)",
		Onset:   at.Add(-537 * time.Minute), DetectedAt: at.Add(-500 * time.Minute), UpdatedAt: at.Add(-30 * time.Second),
		Version: "v1.42.0", Rate: trend.Interval{Value: 212.4, Low: 190, High: 240.2}, Leaked: 1904, Share: 0.973,
		Instances: []string{"10.0.3.17:8080", "10.0.3.18:8080", "10.0.4.2:8080"}, InstancesTotal: 8,
		Stacks: []leak.StackGrowth{{
			Signature: "s1", Op: "chan send", Key: logs, Base: 12, Head: 1916, Share: .973, Wait: 118 * time.Minute,
			Frames:    []collector.Frame{logs},
			CreatedBy: collector.Frame{Func: "main.logHandler", File: "/src/checkout/handler.go", Line: 18},
			Partner:   &leak.Partner{Signature: "s3", Key: collector.Frame{Func: "main.(*Follower).wait", File: "/src/checkout/follow.go", Line: 61}, Both: 11, At: at.Add(-539 * time.Minute), Head: 13},
		}, {
			Signature: "s2", Op: "select", Base: 3, Head: 55, Share: .027,
			Key: collector.Frame{Func: "github.com/acme/checkout/internal/orders.(*Watcher).loop", File: "/src/checkout/internal/orders/watch.go", Line: 114},
			Frames: []collector.Frame{
				{Func: "google.golang.org/grpc/internal/transport.(*recvBufferReader).readClient", File: "/go/pkg/mod/google.golang.org/grpc@v1.80.0/internal/transport/transport.go", Line: 200},
				{Func: "google.golang.org/grpc.(*clientStream).RecvMsg", File: "/go/pkg/mod/google.golang.org/grpc@v1.80.0/stream.go", Line: 991},
				{Func: "github.com/acme/checkout/internal/orders.(*Watcher).loop", File: "/src/checkout/internal/orders/watch.go", Line: 114},
				{Func: "github.com/acme/checkout/internal/orders.(*Watcher).Start.func1", File: "/src/checkout/internal/orders/watch.go", Line: 61},
			},
		}},
		Base: &leak.ProfileRef{Key: "profiles/prod/checkout/10.0.3.17%3A8080/20260302T140000Z.pb.gz", Instance: "10.0.3.17:8080", Time: at.Add(-539 * time.Minute), Total: 61},
		Head: &leak.ProfileRef{Key: "profiles/prod/checkout/10.0.3.17%3A8080/20260302T225900Z.pb.gz", Instance: "10.0.3.17:8080", Time: at.Add(-30 * time.Second), Total: 2018},
		Dumps: []leak.ProfileRef{
			{Key: "profiles/prod/checkout/10.0.3.17%3A8080/20260302T143000Z.debug2.txt.gz", Instance: "10.0.3.17:8080", Time: at.Add(-509 * time.Minute), Total: 170},
			{Key: "profiles/prod/checkout/10.0.3.17%3A8080/20260302T143500Z.debug2.txt.gz", Instance: "10.0.3.17:8080", Time: at.Add(-504 * time.Minute), Total: 188},
		},
	}
	second := leak.Leak{
		ID: "a1b2c3d4", Service: labels.FromStrings("job", "media-thumbnailer-worker", "namespace", "prod"), State: leak.Firing, Evidence: leak.Growth,
		Missing: "no profile: the target answers 404", Onset: at.Add(-50 * time.Hour), DetectedAt: at.Add(-20 * time.Hour), UpdatedAt: at,
		Rate: trend.Interval{Value: 3.2, Low: 2.1, High: 4.4}, Leaked: 160, Instances: []string{"w-0"}, InstancesTotal: 1,
	}
	suspected := leak.Leak{
		ID: "0badcafe", Service: labels.FromStrings("job", "ledger", "namespace", "prod"), State: leak.Suspected, Evidence: leak.Growth,
		Onset: at.Add(-time.Hour), UpdatedAt: at, Rate: trend.Interval{Value: 30, Low: 10, High: 50}, Leaked: 30, Instances: []string{"l-0"}, InstancesTotal: 2,
	}
	cron := collector.Frame{Func: "main.(*Cron).subscribe.func1", File: "/src/cron/cron.go", Line: 33}
	resolved := leak.Leak{
		ID: "feedbeef", Service: labels.FromStrings("job", "rediscron", "namespace", "staging"), State: leak.Resolved, Evidence: leak.Stack,
		Onset: at.Add(-30 * time.Hour), DetectedAt: at.Add(-29 * time.Hour), UpdatedAt: at, ResolvedAt: at.Add(-3 * time.Hour),
		Resolution: "restarted at 19:58 UTC, and no goroutine stood there since", Version: "v0.9.1",
		Rate: trend.Interval{Value: 60, Low: 59, High: 61}, Leaked: 0, Share: 1, Instances: []string{"c-0"}, InstancesTotal: 1,
		Stacks: []leak.StackGrowth{{Op: "chan receive", Key: cron, Frames: []collector.Frame{cron}, Base: 1, Head: 1601, Share: 1}},
	}
	floors := trend.Floors{Start: at.Add(-12 * time.Hour), Length: 15 * time.Minute}
	for i := range 48 {
		floors.Values = append(floors.Values, 60+max(0, float64(i-12))*50)
	}
	// checkout was judged for two days, and leaks since its onset.
	ring := &hourly.Ring{}
	for h := -48; h < 0; h++ {
		confidence, rate := 0., 0.
		if h >= -8 {
			confidence, rate = []float64{.2, .5, .8, .95}[min(h+8, 3)], first.Rate.Value
		}
		ring.Observe(at.Add(time.Duration(h)*time.Hour), confidence, rate, time.Hour)
	}
	return &state{
		floors: floors, ring: map[string]*hourly.Ring{"checkout": ring},
		members: []view.Instance{
			{Instance: trend.Instance{Name: "10.0.3.17:8080", Count: 2018, Floor: 1990, Started: at.Add(-100 * time.Hour), LastSeen: at}, Labels: labels.FromStrings("instance", "10.0.3.17:8080")},
			{Instance: trend.Instance{Name: "10.0.3.19:8080", Count: 80, Floor: 60, Started: at.Add(-100 * time.Hour), LastSeen: at}, Labels: labels.FromStrings("instance", "10.0.3.19:8080")},
		},
		explain: []trend.Assessment{
			{
				Scale: 15 * time.Minute, Blocks: 80, Status: trend.Leaking, Z: 9, Rate: first.Rate, Grown: 1900, Confidence: .97, Decides: true,
				Reasons: &trend.Reasons{
					Length: 9 * time.Hour, Ratio: 19, Other: "saturating", OtherLength: 4 * time.Hour, OtherRatio: 1,
					Explanations: []trend.Explanation{{Name: "leak", Probability: .97}, {Name: "saturating", Probability: .03}},
					Parts:        []trend.Part{{Name: "frequency", LogOdds: 2}, {Name: "length_and_size", LogOdds: 1.5}, {Name: "shape"}, {Name: "rest"}},
				},
			},
			{Instance: "10.0.3.19:8080", Scale: time.Minute, Blocks: 30, Status: trend.Quiet, Gate: trend.GateFollowsLoad, Z: .3, Decides: true},
		},
		leaks: []leak.Leak{resolved, second, suspected, first},
		services: []view.Service{
			{Labels: labels.FromStrings("job", "api", "namespace", "prod"), Instances: 12, Count: 4211, Floor: 1803, Status: trend.Quiet, Gate: trend.GateFollowsLoad, LastSample: at.Add(-12 * time.Second)},
			{Labels: checkout, Instances: 8, Count: 2430, Floor: 2308, Rate: first.Rate, Status: trend.Leaking, LastSample: at.Add(-8 * time.Second)},
			{Labels: labels.FromStrings("job", "ledger", "namespace", "prod"), Instances: 2, Count: 130, Floor: 120, Rate: suspected.Rate, Status: trend.Suspicious, Gate: trend.GateTooShort, Wait: 20 * time.Minute, LastSample: at.Add(-9 * time.Second)},
			{Labels: labels.FromStrings("job", "new", "namespace", "prod"), Instances: 1, Count: 9, Floor: 9, Status: trend.Quiet, Gate: trend.GateTooLittle, Wait: 7 * time.Minute, LastSample: at.Add(-2 * time.Second)},
			{Labels: labels.FromStrings("job", "pool", "namespace", "prod"), Instances: 1, Count: 190, Floor: 180, Rate: trend.Interval{Value: 4}, Status: trend.Provisional, Gate: trend.GateSaturating, LastSample: at.Add(-4 * time.Second)},
		},
		targets: []view.Target{
			{Labels: labels.FromStrings("instance", "10.0.3.17:8080", "job", "checkout", "namespace", "prod", "pod", "checkout-7c9d-x2x"), URL: "http://10.0.3.17:8080/debug/pprof/goroutine", State: view.TargetUp, LastPull: at.Add(-30 * time.Second), Duration: 23 * time.Millisecond, Next: at.Add(90 * time.Second), Cost: .412, Goroutines: 2018},
			{Labels: labels.FromStrings("instance", "w-0", "job", "media-thumbnailer-worker", "namespace", "prod"), URL: "http://10.0.9.1:9090/debug/pprof/goroutine", State: view.TargetDown, LastPull: at.Add(-4 * time.Minute), Duration: 3 * time.Millisecond, Error: "answered 404 Not Found: the program does not serve /debug/pprof"},
			{Labels: labels.FromStrings("instance", "api-3", "job", "api", "namespace", "prod"), URL: "https://api-3.prod.svc:8443/internal/pprof/goroutine", State: view.TargetUnknown},
			{Labels: labels.FromStrings("instance", "10.0.3.99:8080", "job", "checkout", "namespace", "prod", "pod", "checkout-5b7f-q4z"), State: view.TargetGone, Gone: at.Add(-12 * time.Minute)},
		},
	}
}

// options are those for pages that a person sees.
func options(s view.State) Options {
	return Options{
		Backend: &backend{State: s, status: view.Status{
			Series: &view.Series{Source: "http://prometheus:9090", History: 6 * 24 * time.Hour, Done: 1, Read: at.Add(-30 * time.Second), Cycles: 4320, Uses: []signals.Use{
				{Signal: "goroutines", Name: "go_goroutines", Instances: 312}, {Signal: "goroutines", Name: "go_goroutine_count", Instances: 41},
				{Signal: "load", Name: "process_cpu_seconds_total", Instances: 350}, {Signal: "load", Instances: 3},
				{Signal: "start_time", Name: "process_start_time_seconds", Instances: 353},
			}},
			Discovery: &view.Discovery{Sets: []view.DiscoverySet{{Name: "targets[0]", Targets: 12}}},
			Storage:   &view.Storage{URL: "s3://gorowatch", Retention: 15 * 24 * time.Hour},
			Config:    "alertmanagers:\n- url: http://am-0:9093\n  basic_auth:\n    password: <secret>\n",
			Alertmanagers: []alerting.ReceiverStatus{
				{URL: "http://am-0:9093", State: alerting.Working, Since: at.Add(-70 * time.Hour), LastSuccess: at.Add(-20 * time.Second), Capacity: 10000, Sent: 8210},
				{URL: "http://am-1:9093/alerts", State: alerting.Failing, Since: at.Add(-9 * time.Minute), LastSuccess: at.Add(-9 * time.Minute), Capacity: 10000, Queued: 2, Sent: 8190, Dropped: 3, LastError: "dial tcp 10.0.0.9:9093: connect: connection refused"},
			},
		}},
		Profiles: archived(), History: climbing("10.0.3.17:8080", "10.0.3.18:8080", "10.0.4.2:8080", "10.0.3.19:8080", "10.0.3.20:8080"),
		Gatherer: prometheus.NewRegistry(), Started: at.Add(-72 * time.Hour),
		ExternalURL: &url.URL{Scheme: "https", Host: "gorowatch.example.com"}, AllowedHosts: []string{"example.com"}, // that of httptest
		Flags: map[string]string{"prometheus.url": "http://prometheus:9090", "log.level": "info"},
	}
}

// pprofName returns the key of a profile in the path of a view of pprof.
func pprofName(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

func get(t *testing.T, o Options, path string) *http.Response {
	t.Helper()
	return do(t, o, httptest.NewRequest(http.MethodGet, path, nil))
}

func do(t *testing.T, o Options, r *http.Request) *http.Response {
	t.Helper()
	return visit(t, o)(r)
}

// visit makes one handler for many requests.
func visit(t *testing.T, o Options) func(*http.Request) *http.Response {
	t.Helper()
	h, err := New(o)
	require.NoError(t, err)
	return func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	return string(b)
}

// text returns the text of a page: without tags, with single spaces.
func text(page string) string {
	var b strings.Builder
	in := false
	for _, r := range page {
		switch {
		case r == '<':
			in = true
			b.WriteByte(' ')
		case r == '>':
			in = false
		case !in:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}
