package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/collector"
	v1 "github.com/gorowatch/gorowatch/internal/api/v1"
	"github.com/gorowatch/gorowatch/internal/web/actions"
	"github.com/gorowatch/gorowatch/internal/web/view"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pagePaths are all pages of the state of leaking.
var pagePaths = []string{
	"/", "/?resolved=1", "/leaks/3f9c2a7b", "/leaks/a1b2c3d4", "/leaks/feedbeef", "/leaks/nosuch", "/services", "/services/nosuch",
	"/services/" + view.ServiceID(labels.FromStrings("job", "checkout", "namespace", "prod")),
	"/services/" + view.ServiceID(labels.FromStrings("job", "checkout", "namespace", "prod")) + "/profiles",
	compareURL(""), compareURL("/table"), "/compare", "/targets", "/status", "/setup", "/fleet", "/fleet?state=week", "/help/", "/help/configuration", "/nosuch",
}

// compareURL compares the profiles of archived.
func compareURL(part string) string {
	l := leaking().leaks[3]
	return "/compare" + part + "?" + url.Values{"base": {l.Base.Key}, "head": {l.Head.Key}}.Encode()
}

func TestPages(t *testing.T) {
	for path, want := range map[string][]string{
		"/": {
			"(2) Leaks · gorowatch", "Leaks 2 open", "firing 2 suspected 1 resolved 1", "Ordered by impact (growth × instances ÷ hours until one is full), the most first.",
			"firing aged main.logHandler.func1 handler.go:29 chan send, up to 118 min prod/checkout v1.42.0 +212 190 to 240 1,904 58 days left 9 h ago 14:02 UTC 3 of 8",
			"firing growth no stack yet prod/media-thumbnailer-worker +3.2", "2 days ago 02-28 20:59 UTC",
			"suspected growth", "prod/ledger", "Show 1 resolved",
		},
		"/?resolved=1":                 {"suspected growth", "prod/ledger", "resolved stack main.(*Cron).subscribe.func1 resolved 19:59 UTC : restarted at 19:58 UTC", "staging/rediscron", "Hide resolved leaks"},
		"/?state=resolved":             {"main.(*Cron).subscribe.func1", "staging/rediscron"},
		"/?evidence=aged":              {"firing 1", "prod/checkout"},
		"/?sort=service":               {"Ordered by service, from A to Z.", "prod/checkout", "prod/ledger", "prod/media-thumbnailer-worker"},
		"/?sort=leaked&order=asc":      {"Ordered by leaked goroutines, the fewest first.", "prod/ledger", "prod/media-thumbnailer-worker", "prod/checkout"},
		"/?group=function&sort=growth": {"Ordered by growth per hour, the fastest first.", "main.logHandler.func1 handler.go:29 1 leak firing 3f9c2a7b of prod/checkout , v1.42.0, +212 per hour 1 +212 1,904 9 h ago"},
		"/?q=LogHandler+chan&match=namespace%3D%22prod%22": {"Leaks 2 open", "prod/checkout"},
		"/?q=nosuch": {"No leak matches the filter."},
		"/?q=checkout%2Finternal%2Forders%2Fwatch.go": {"prod/checkout"},
		"/services?q=watcher":                         {"Services 5 watched", "leaking 1", "prod/checkout"},
		"/targets?q=watch.go":                         {"up 1", "http://10.0.3.17:8080/debug/pprof/goroutine"},
		"/services?q=pool":                            {"Services 5 watched", "provisional 1", "prod/pool"},
		"/services?state=quiet":                       {"leaking 1", "quiet 2", "prod/api", "prod/new"},
		"/services/" + view.ServiceID(labels.FromStrings("job", "checkout", "namespace", "prod")): {
			"prod/checkout leaking", "2,430 goroutines on 8 instances, never below 2,308 of late; it grows and does not come back: 212 goroutines per hour",
			"Leaks firing main.logHandler.func1 since 14:02 UTC", "all together leaking Growing for 9 h, by 19 times of what ran before: a leak 97 %, a pool or cache that fills 3 %. log-odds of a leak +3.5 = frequency +2.0, length and size +1.5, shape +0.0, rest +0.0",
			"all together 80 of 15 min leaking it grows and does not come back 212 1,900 9",
			"10.0.3.19:8080 30 of 60 s quiet the count follows the load", "Instances", "10.0.3.17:8080 2,018 1,990",
		},
		"/services/" + view.ServiceID(labels.FromStrings("job", "rediscron", "namespace", "staging")):           {"staging/rediscron not watched now", "This service is not watched now", "resolved main.(*Cron).subscribe.func1"},
		"/services/" + view.ServiceID(labels.FromStrings("job", "checkout", "namespace", "prod")) + "/profiles": {"Before nothing 2026-03-02 22:59:00 UTC 10.0.3.17:8080 2026-03-02 14:00:30 UTC"},
		compareURL(""):                   {"Difference of two profiles", "Before prod / checkout / 10.0.3.17:8080 9 h ago ( 2026-03-02 14:00:00 UTC )", "After prod / checkout / 10.0.3.17:8080 30 s ago ( 2026-03-02 22:59:00 UTC )", "Swap them", "go tool pprof"},
		compareURL("/table"):             {"61 goroutines before, 2,018 after: +1,957 .", "main.logHandler.func1 handler.go:29 chan send", "pprof labels of the growth: route =/cart 100 %", "12 1,916 +1,904 97 %", "49 102 +53 3 %"},
		"/targets?state=down":            {"1 up, 1 down, 1 not pulled", "down 1", "answered 404"},
		"/targets?match=job%3D%22api%22": {"prod/api 1 unknown unknown https://api-3.prod.svc:8443/internal/pprof/goroutine not pulled yet"},
		"/leaks/3f9c2a7b": {
			"prod/checkout firing aged prod/checkout leaks 212 goroutines per hour since 14:02 UTC ( 9 h ago ) , v1.42.0; 97 % of it sits in main.logHandler.func1 , handler.go:29 , sending on a channel.",
			"Usually: blocked sending on a channel",
			"created by main.logHandler handler.go:18", "Until 14:00 UTC as many as in main.(*Follower).wait follow.go:61 , 11 of each; there are 13 there now.", "12 1,916 +1,904 97 %", "google.golang.org/grpc.(*clientStream).RecvMsg stream.go:991",
			"Evidence growth", "212 goroutines per hour (95 %: 190 to 240), 1,904 leaked so far", "2 stacks explain 97 % of the growth, from 14:00 UTC to 22:59 UTC",
			"aged waiting times or ids show that these goroutines stay : shown blocked for up to 118 min proven", ": not shown Missing: the target has no /debug/pprof/goroutineleak",
			"as gzipped text: Dump : 8 h ago ( 14:30 UTC ), 10.0.3.17:8080, 170 goroutines Dump : 8 h ago ( 14:35 UTC )",
			"go tool pprof -http=: -base https://gorowatch.example.com/api/v1/profiles/prod/checkout/10.0.3.17%253A8080/20260302T140000Z.pb.gz https://",
			"Earlier profile : 9 h ago ( 14:00 UTC ), 10.0.3.17:8080, 61 goroutines", "Latest profile", "GoroutineLeak prod/checkout", "job =checkout", "10.0.4.2:8080",
		},
		"/leaks/a1b2c3d4": {"prod/media-thumbnailer-worker leaks 3.2 goroutines per hour since 2026-02-28 20:59 UTC ( 2 days ago ) .", "No growing stack is known: no profile: the target answers 404."},
		"/leaks/feedbeef": {"staging/rediscron resolved", "leaked 60 goroutines per hour", "Resolved 3 h ago ( 19:59 UTC ): restarted at 19:58 UTC"},
		"/services": {
			"Services 5 watched", "prod/checkout leaking it grows and does not come back leak: main.logHandler.func1 2,430 2,308 212 8 8 s ago",
			"prod/ledger suspicious growing, but not for long enough to be sure (needs at least 20 more minutes)", "prod/pool provisional growing, but perhaps only until a pool or cache is full",
			"prod/api quiet the count follows the load 4,211 1,803 – 12 12 s ago", "prod/new quiet there are too few samples yet (needs at least 7 more minutes)",
		},
		"/targets": {
			"1 up, 1 down, 1 not pulled", "prod/media-thumbnailer-worker 1 down down http://10.0.9.1:9090/debug/pprof/goroutine pulled 4 min ago", "answered 404 Not Found: the program does not serve /debug/pprof",
			"prod/checkout 1 up up http://10.0.3.17:8080/debug/pprof/goroutine pulled 30 s ago · next in 90 s · took 23ms · cost 412 ms so far · 2,018 goroutines", "pod =checkout-7c9d-x2x", "unknown",
			"1 gone in the last hour", "10.0.3.99:8080 22:47 UTC", "pod =checkout-5b7f-q4z",
		},
		"/fleet": {
			"Fleet 5 watched", "The last day · week", "Confidence: not judged below 20 % 20 % or more 50 % or more 80 % or more 95 % or more",
			"Service 03-02 06:00 12:00 18:00 Highest", "prod/checkout 95 % +212/h 17:00 UTC", "prod/api –",
		},
		"/setup": {
			"Setup 1 to fix", "ok Series are read from http://prometheus:9090 ok History is read all of the last 6 days",
			"ok Goroutines are found 312 instances by go_goroutines, 41 by go_goroutine_count optional Load is found 350 instances by process_cpu_seconds_total, 3 without With it, gorowatch separates leaks from traffic sooner.",
			"optional Profiles are pulled 1 target of 3 answered Most often: answered 404 Not Found", "ok Alerts are sent to http://am-0:9093 failed Alerts are sent http://am-1:9093/alerts: dial tcp 10.0.0.9:9093: connect: connection refused Check the address",
			"ok The bucket is written s3://gorowatch",
		},
		"/status": {
			"http://am-0:9093 working", "8,210 0 20 s ago", "http://am-1:9093/alerts failing since 22:50 UTC 2 of 10,000 8,190 3 9 min ago", "connection refused",
			"Read from http://prometheus:9090 History all of it is read, in 4,320 readings so far",
			"Goroutines 312 instances by go_goroutines, 41 by go_goroutine_count Load 350 instances by process_cpu_seconds_total, 3 without Start of the process 353 instances by process_start_time_seconds", "Service discovery targets[0] 12 targets", "Bucket s3://gorowatch Retention 15 days State can be written",
			"Go", "Started 2026-02-27 22:59 UTC ( 3 days ago )", "--log.level info --prometheus.url http://prometheus:9090", "password: <secret>",
		},
	} {
		t.Run(path, func(t *testing.T) {
			r := get(t, options(leaking()), path)
			require.Equal(t, http.StatusOK, r.StatusCode)
			require.Equal(t, "text/html; charset=utf-8", r.Header.Get("Content-Type"))
			rest := text(body(t, r))
			for _, w := range want {
				_, after, ok := strings.Cut(rest, w)
				require.True(t, ok, "%q is not in what follows:\n%s", w, rest)
				rest = after
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	o := options(&state{starting: true})
	of(o).status.Alertmanagers, of(o).status.Config, of(o).notices = nil, "", []string{"Cannot write to the archive: disk full"}
	for path, want := range map[string]string{
		"/":         "gorowatch does not know yet whether anything leaks. gorowatch is starting: the first evaluation is not done yet",
		"/setup":    "failed Profiles are pulled no target is known",
		"/services": "No service is watched yet.",
		"/targets":  "No target is known yet.",
		"/status":   "No Alertmanager is configured. Leaks are shown here, but no alerts are sent.",
	} {
		page := text(body(t, get(t, o, path)))
		require.Contains(t, page, want)
		require.Contains(t, page, "the first evaluation is not done yet")
		require.Contains(t, page, "Cannot write to the archive: disk full")
	}
	require.NotContains(t, text(body(t, get(t, options(leaking()), "/"))), "the first evaluation")
}

// TestTargetsFold: of many jobs those with a problem are open, and what was looked for.
func TestTargetsFold(t *testing.T) {
	s := large()
	s.targets = append(s.targets, view.Target{Labels: labels.FromStrings("namespace", "prod", "job", "broken"), State: view.TargetDown, Error: "404"})
	for path, want := range map[string]string{
		"/targets":                "the broken ones",
		"/targets?q=usual-name-7": "many", "/targets?match=namespace=team-001": "many", "/targets?state=up": "many",
	} {
		var open []string
		for _, m := range regexp.MustCompile(`<details class="job"( open)?>\s*<summary><strong>([^<]*)`).FindAllStringSubmatch(body(t, get(t, options(s), path)), -1) {
			if m[1] != "" {
				open = append(open, m[2])
			}
		}
		if want == "many" {
			require.Greater(t, len(open), 4, path)
			continue
		}
		require.Contains(t, open, "prod/broken")
		require.LessOrEqual(t, len(open), 3, open)
	}
}

// TestFleet: the colour is the confidence, and what is coloured is in words too.
func TestFleet(t *testing.T) {
	page := body(t, get(t, options(leaking()), "/fleet"))
	row := func(page, name string) string {
		_, rest, ok := strings.Cut(page, `title="`+name+`"`)
		require.True(t, ok, name)
		rest, _, _ = strings.Cut(rest, "</tr>")
		return rest
	}
	checkout := row(page, "prod/checkout")
	require.Equal(t, 24, strings.Count(checkout, "<td")-1)
	for words, class := range map[string]string{"14:00 UTC: 20 %, &#43;212/h": "h1", "15:00 UTC: 50 %, &#43;212/h": "h2", "16:00 UTC: 80 %, &#43;212/h": "h3", "21:00 UTC: 95 %, &#43;212/h": "h4"} {
		require.Contains(t, checkout, `<td class="`+class+`" title="`+words+`"></td>`)
	}
	require.Equal(t, 1, strings.Count(checkout, `class="none"`), "this hour is not judged yet")
	require.Equal(t, 24, strings.Count(row(page, "prod/api"), `class="none"`))
	require.Contains(t, page, `<table class="heat" data-from="2026-03-01T23:00:00Z" data-step="3600">`)

	week := body(t, get(t, options(leaking()), "/fleet?state=week"))
	checkout = row(week, "prod/checkout")
	require.Equal(t, 28, strings.Count(checkout, "<td")-1)
	require.Equal(t, 2, strings.Count(checkout, `class="h`))
	require.Contains(t, checkout, `<td class="h4" title="12:00 UTC: 95 %, &#43;212/h"></td>`)
	require.Contains(t, text(week), "Service 02-24 02-25 02-26 02-27 02-28 03-01 03-02 Highest prod/checkout")
	require.Contains(t, text(week), "How sure it was every 6 hours")

	require.Contains(t, text(body(t, get(t, options(&state{}), "/fleet"))), "No service is watched yet. Check the setup")
}

// TestNothingFound: before any service is found, no page says that nothing leaks.
func TestNothingFound(t *testing.T) {
	o := options(&state{})
	of(o).status.Series.Names, of(o).status.Series.Uses = []string{"go_goroutines", "go_goroutine_count"}, nil
	for path, want := range map[string]string{
		"/":         "gorowatch does not know yet whether anything leaks. No series with goroutine counts has been found so far. gorowatch looks again at each evaluation. Names: go_goroutines, go_goroutine_count. Source: http://prometheus:9090.",
		"/services": "No service is watched yet. A service appears here when samples of its goroutine counts are read. gorowatch looks again at each evaluation. Names: go_goroutines, go_goroutine_count.",
		"/setup":    "failed Goroutines are found no series has any of the names that are looked for: go_goroutines, go_goroutine_count",
	} {
		page := text(body(t, get(t, o, path)))
		require.Contains(t, page, want)
		require.NotContains(t, page, "No leak is open")
		require.NotContains(t, page, "0 services")
	}
	require.Contains(t, body(t, get(t, o, "/")), `href="/setup"`)
	of(o).status.Series.Error = "connection refused"
	require.Contains(t, text(body(t, get(t, o, "/"))), "does not know yet whether anything leaks. The series cannot be read: connection refused.")
}

func TestNotFound(t *testing.T) {
	r := get(t, options(leaking()), "/leaks/nosuch")
	require.Equal(t, http.StatusNotFound, r.StatusCode)
	page := text(body(t, r))
	require.Contains(t, page, "There is no leak with the id nosuch.")
	require.Contains(t, page, "Open leaks", "what there is instead")
	require.Contains(t, page, "prod/checkout")

	r = get(t, options(leaking()), "/no/such")
	require.Equal(t, http.StatusNotFound, r.StatusCode)
	require.Contains(t, text(body(t, r)), "There is no page at /no/such.")

	for _, path := range []string{"/api/v1/leaks/nosuch", "/api/v2/x", "/api/"} {
		r = get(t, options(leaking()), path)
		require.Equal(t, http.StatusNotFound, r.StatusCode, path)
		require.Equal(t, "application/json", r.Header.Get("Content-Type"))
		require.Contains(t, body(t, r), `{"status":"error","errorType":"not_found","error":"there is no`, path)
	}
	require.Equal(t, http.StatusNotFound, get(t, options(leaking()), "/static/nosuch").StatusCode)
	require.Equal(t, http.StatusNotFound, get(t, options(leaking()), "/static/").StatusCode)
}

// unsafe matches what the policy forbids, so a page with it is broken.
var unsafe = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|<iframe|<object|\sstyle=|<[^>]*\son[a-z]+=`)

// quoted matches the value of an attribute.
var quoted = regexp.MustCompile(`="[^"]*"`)

var link = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// TestSelfContained: a page loads nothing from elsewhere, and nothing on it needs more than the
// policy allows. Every link leads somewhere.
func TestSelfContained(t *testing.T) {
	o := options(leaking())
	o.Profiles.(*shelf).open = func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("profile")), nil }
	seen := map[string]bool{}
	open := visit(t, o)
	get := func(path string) *http.Response { return open(httptest.NewRequest(http.MethodGet, path, nil)) }
	for _, path := range pagePaths {
		r := get(path)
		require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", r.Header.Get("Content-Security-Policy"))
		require.Equal(t, "nosniff", r.Header.Get("X-Content-Type-Options"))
		page := body(t, r)
		require.Empty(t, unsafe.FindAllString(page, -1), path)
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			to := strings.ReplaceAll(m[1], "&amp;", "&")
			if strings.HasPrefix(to, "?") { // the same page, narrowed
				to, _, _ = strings.Cut(path, "?")
				to += strings.ReplaceAll(m[1], "&amp;", "&")
			}
			to, _, _ = strings.Cut(to, "#")
			if to == "" || seen[to] {
				continue
			}
			seen[to] = true
			if strings.HasPrefix(path, "/help/") && strings.HasPrefix(to, "https://") {
				continue // the documentation names it, for readers who follow it
			}
			require.True(t, strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//"), "%s: %s leads elsewhere", path, to)
			require.Equal(t, http.StatusOK, get(to).StatusCode, "%s: %s", path, to)
		}
	}
	require.Greater(t, len(seen), 12)
	css := body(t, get("/static/style.css"))
	require.NotContains(t, css, "url(")
	require.NotContains(t, css, "@import")
}

// TestHostile: hostile names do not change a page.
func TestHostile(t *testing.T) {
	bad := "\"'><script>alert(1)</script><img src=x onerror=alert(1)> \u202egnp.exe \u2066\u200f\u200b \x1b[31m\x07\u0085 <!here> \x00 {{.}} \xff " + strings.Repeat("longer", 200)
	f := collector.Frame{Func: bad, File: bad, Line: math.MaxInt}
	s := leaking()
	for i := range s.leaks {
		l := &s.leaks[i]
		l.Service = labels.FromStrings("job", bad, bad, bad)
		l.Missing, l.Resolution, l.Version, l.Instances = bad, bad, bad, slices.Repeat([]string{bad}, 500)
		l.Stacks = []leak.StackGrowth{{Op: bad, Key: f, Frames: slices.Repeat([]collector.Frame{f}, 500), CreatedBy: f, Share: math.NaN(), Labels: slices.Repeat([]leak.LabelShare{{Key: bad, Value: bad, Share: math.NaN()}}, 3), Partner: &leak.Partner{Signature: bad, Key: f, Both: math.MinInt64}}}
		l.Dumps = slices.Repeat([]leak.ProfileRef{{Key: "profiles/" + bad, Instance: bad}}, 50)
		l.Base = &leak.ProfileRef{Key: "profiles/" + bad, Instance: bad}
		l.Head, l.Rate = l.Base, trend.Interval{Value: math.NaN(), Low: math.Inf(-1), High: math.Inf(1)}
	}
	s.leaks[3].ID = bad
	s.leaks[2].State, s.leaks[2].Evidence = leak.State(bad), leak.Evidence(bad)
	s.services = []view.Service{{Labels: labels.FromStrings("job", bad), Status: trend.Status(bad), Gate: trend.Gate(bad), Count: math.NaN(), Floor: math.Inf(1)}}
	s.targets = []view.Target{{Labels: labels.FromStrings(bad, bad), URL: "javascript:alert(1)" + bad, State: view.TargetState(bad), Error: bad}}
	o := options(s)
	o.Flags, of(o).status.Config = map[string]string{bad: bad}, bad
	of(o).notices = []string{bad}
	ref := leak.ProfileRef{Key: "profiles/hostile/20260302T140000Z.pb.gz", Instance: bad, Time: at}
	o.Profiles = &shelf{refs: []leak.ProfileRef{ref}, byKey: map[string]*collector.Profile{ref.Key: {Total: 9, Records: []collector.Record{
		{Count: 9, State: bad, Frames: slices.Repeat([]*collector.Frame{&f}, 500), Labels: map[string]string{bad: bad}},
	}}}}
	o.History = climbing(bad, bad+"2")
	of(o).links = actions.Links{Source: []actions.SourceLink{{URL: "https://git.example.org/{version}/{path}#L{line}"}}, Alertmanager: "https://am.example.org"}
	s.members = []view.Instance{{Instance: trend.Instance{Name: bad, Count: math.NaN()}, Labels: labels.FromStrings(bad, bad)}}
	s.explain = []trend.Assessment{{
		Instance: bad, Status: trend.Status(bad), Gate: trend.Gate(bad), Z: math.NaN(), Grown: 1, Decides: true,
		Reasons: &trend.Reasons{Other: bad, OtherLength: 1, Explanations: []trend.Explanation{{Name: bad, Probability: math.NaN()}}, Parts: []trend.Part{{Name: bad, LogOdds: math.NaN()}}},
	}}
	o.Puller = pulling(func(context.Context, labels.Labels, view.Instance) (leak.ProfileRef, error) { return ref, nil })
	of(o).render = alerting.RenderOptions{Dashboard: "https://grafana.example.org/?{job}", Runbook: `"><script>alert(1)</script>`}
	of(o).status.Alertmanagers = []alerting.ReceiverStatus{{URL: bad, State: alerting.Health(bad), LastError: bad}}
	open := visit(t, o)
	get := func(path string) *http.Response { return open(httptest.NewRequest(http.MethodGet, path, nil)) }
	hostile := "/services/" + view.ServiceID(s.services[0].Labels)
	for _, path := range append([]string{
		"/leaks/" + url.PathEscape(bad), "/" + url.PathEscape(bad), hostile, hostile + "/profiles", "/compare?" + url.Values{"base": {bad}, "head": {"profiles/" + bad[:300]}}.Encode(),
		"/?q=" + url.QueryEscape(bad[:300]), "/?match=" + url.QueryEscape(bad[:300]), "/services?state=" + url.QueryEscape(bad), "/targets?q=x&match=" + url.QueryEscape(bad[:300]),
	}, pagePaths...) {
		page := body(t, get(path))
		part := strings.Contains(path, "/profiles") || strings.Contains(path, "/table")
		path = path[:min(len(path), 20)]
		require.Empty(t, unsafe.FindAllString(quoted.ReplaceAllString(page, `=""`), 3), path)
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			if strings.HasPrefix(path, "/help/") && strings.HasPrefix(m[1], "https://") {
				continue // the documentation names it
			}
			require.True(t, strings.HasPrefix(m[1], "/") || strings.HasPrefix(m[1], "#") || strings.HasPrefix(m[1], "?") || strings.HasPrefix(m[1], "https://am.example.org/#/silences/new?filter=%7B") || strings.HasPrefix(m[1], "https://grafana.example.org/?%22%27%3E%3C") || m[1] == "%22%3e%3cscript%3ealert%281%29%3c/script%3e", "%s on %s", m[1], path)
		}
		require.NotContains(t, page, "<img src=x", path)
		require.NotContains(t, page, "<!here", path)
		if !part {
			require.Equal(t, 1, strings.Count(page, "<main"), path)
			require.True(t, strings.HasSuffix(strings.TrimSpace(page), "</html>"), path)
		}
		if path != "/status" { // shows the configuration unchanged, in its own block
			for _, r := range page {
				require.True(t, r == '\n' || unicode.IsPrint(r), "%U on %s", r, path)
			}
		}
		require.Less(t, len(page), 300<<10, path)
	}
	for _, path := range []string{
		"/api/v1/leaks", "/api/v1/leaks/" + url.PathEscape(bad), "/api/v1/leaks/" + url.PathEscape(bad) + "/stacks", "/api/v1/services",
		"/api/v1" + hostile, "/api/v1" + hostile + "/history", "/api/v1" + hostile + "/profiles", "/api/v1/targets", "/api/v1/status",
		"/api/v1/diff?head=" + url.QueryEscape(o.Profiles.(*shelf).refs[0].Key),
	} {
		r := get(path)
		require.Equal(t, http.StatusOK, r.StatusCode, path)
		require.True(t, json.Valid([]byte(body(t, r))), path)
	}
}

// TestPrefix: pages work under a prefix, and behind a proxy that removes it.
func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		external, prefix string
		served, linked   string
	}{
		{"https://x.example.com", "", "", ""},
		{"https://x.example.com/", "/", "", ""},
		{"https://x.example.com/go/watch/", "", "/go/watch", "/go/watch"},
		{"https://x.example.com/go%20watch", "", "/go%20watch", "/go%20watch"},
		{"https://x.example.com/go/watch", "/", "", "/go/watch"},
		{"https://x.example.com/", "inner/", "/inner", ""},
	} {
		t.Run(c.external+" "+c.prefix, func(t *testing.T) {
			o := options(leaking())
			var err error
			o.ExternalURL, err = url.Parse(c.external)
			require.NoError(t, err)
			o.RoutePrefix = c.prefix
			for _, path := range []string{"/", "/leaks/3f9c2a7b", "/nosuch"} {
				page := body(t, get(t, o, c.served+path))
				for _, m := range link.FindAllStringSubmatch(page, -1) {
					if !strings.HasPrefix(m[1], "#") && !strings.HasPrefix(m[1], "?") {
						require.True(t, strings.HasPrefix(m[1], c.linked+"/"), "%s on %s", m[1], path)
						require.False(t, strings.HasPrefix(m[1], "//"), m[1])
					}
				}
			}
			require.Contains(t, body(t, get(t, o, c.served+"/leaks/3f9c2a7b")), strings.TrimRight(c.external, "/")+"/api/v1/profiles/")
			require.Equal(t, 200, get(t, o, c.served+"/-/healthy").StatusCode)
			var asked string
			o.Profiles = &shelf{open: func(key string) (io.ReadCloser, error) {
				asked = key
				return io.NopCloser(strings.NewReader("")), nil
			}}
			get(t, o, c.served+"/api/v1/profiles/a%252Fb/c%2520d/1.pb.gz")
			require.Equal(t, "profiles/a%2Fb/c%20d/1.pb.gz", asked)
			require.Equal(t, 200, get(t, o, c.served+"/static/style.css").StatusCode)
			if c.served != "" {
				r := get(t, o, "/")
				require.Equal(t, http.StatusFound, r.StatusCode)
				require.Equal(t, c.served+"/", r.Header.Get("Location"))
				require.Equal(t, 404, get(t, o, "/services").StatusCode)
			}
		})
	}
}

func TestReady(t *testing.T) {
	s := &state{starting: true}
	require.Equal(t, http.StatusServiceUnavailable, get(t, options(s), "/-/ready").StatusCode)
	require.Equal(t, http.StatusOK, get(t, options(s), "/-/healthy").StatusCode)
	s.starting = false
	require.Equal(t, http.StatusOK, get(t, options(s), "/-/ready").StatusCode)
}

func TestReload(t *testing.T) {
	o := options(&state{})
	require.Equal(t, http.StatusForbidden, do(t, o, httptest.NewRequest(http.MethodPost, "/-/reload", nil)).StatusCode)
	calls := 0
	o.Reloader = reloading(func(context.Context) error {
		if calls++; calls == 3 {
			return errors.New("evaluation_interval: not a duration")
		}
		return nil
	})
	require.Equal(t, http.StatusMethodNotAllowed, get(t, o, "/-/reload").StatusCode)
	foreign := httptest.NewRequest(http.MethodPost, "/-/reload", nil)
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, do(t, o, foreign).StatusCode, "another site's page cannot reload")
	require.Zero(t, calls)
	require.Equal(t, http.StatusOK, do(t, o, httptest.NewRequest(http.MethodPost, "/-/reload", nil)).StatusCode)
	require.Equal(t, http.StatusOK, do(t, o, httptest.NewRequest(http.MethodPut, "/-/reload", nil)).StatusCode)
	r := do(t, o, httptest.NewRequest(http.MethodPost, "/-/reload", nil))
	require.Equal(t, http.StatusInternalServerError, r.StatusCode)
	require.Contains(t, body(t, r), "not a duration")
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	o := options(leaking())
	o.Registerer, o.Gatherer = reg, reg
	h, err := New(o)
	require.NoError(t, err)
	for _, path := range []string{"/leaks/a", "/leaks/b", "/x/" + strings.Repeat("y", 100), "/metrics"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if path == "/metrics" {
			page := w.Body.String()
			require.Contains(t, page, `gorowatch_web_requests_total{code="404",handler="/leaks/{id}"} 2`)
			require.Contains(t, page, `gorowatch_web_requests_total{code="200",handler="/services"} 0`)
			require.NotContains(t, page, "yyy", "no path becomes a label")
		}
	}
	problems, err := testutil.GatherAndLint(reg)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestNewWantsABackend(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "Backend is missing")
}

// TestPlateaued: a leak that no longer grows is still one.
func TestPlateaued(t *testing.T) {
	s := leaking()
	l := &s.leaks[3]
	l.PlateauedAt, l.DeployedAt, l.Reopened = at.Add(-time.Hour), at.Add(-540*time.Minute), 1
	l.Transitions = []leak.Transition{{Time: at.Add(-500 * time.Minute), To: leak.Firing, Why: "the counts grow"}, {Time: at.Add(-time.Hour), From: leak.Firing, To: leak.Plateaued, Why: "no more since 21:59 UTC"}}
	page := text(body(t, get(t, options(s), "/leaks/3f9c2a7b")))
	require.Contains(t, page, "prod/checkout plateaued aged prod/checkout holds 1,904 leaked goroutines , and no more of them since 21:59 UTC ( 60 min ago ); they leaked since 14:02 UTC ( 9 h ago ) , v1.42.0, deployed 13:59 UTC ( 9 h ago ); 97 %")
	require.Contains(t, page, "History 8 h ago ( 14:39 UTC ) firing the counts grow 60 min ago ( 21:59 UTC ) plateaued no more since 21:59 UTC")
	h := apiData[v1.History](t, options(s), historyURL("leak=3f9c2a7b"))
	require.Equal(t, []v1.Deploy{{Time: seconds(l.DeployedAt), Instances: 8, Version: "v1.42.0"}}, h.Deploys)
}

// A plateaued leak, and one without a leaking process at the moment, do not read as growing by
// 0. The larger one comes first.
func TestLeaksThatDoNotGrow(t *testing.T) {
	s := leaking()
	first, second := &s.leaks[3], &s.leaks[1]
	first.PlateauedAt, first.Rate, second.Rate, second.Leaked, second.Instances = at.Add(-time.Hour), trend.Interval{}, trend.Interval{}, 0, nil
	list := text(body(t, get(t, options(s), "/")))
	require.Contains(t, list, "0 stopped 60 min ago")
	require.Contains(t, list, "– no leaking process is running now")
	require.Contains(t, list, "0 of 1")
	require.NotContains(t, list, "+0")
	require.Less(t, strings.Index(list, "prod/checkout"), strings.Index(list, "prod/media-thumbnailer-worker"), "1,904 before 0")

	page := text(body(t, get(t, options(s), "/leaks/3f9c2a7b")))
	require.Contains(t, page, "Growth per hour 0 since 21:59 UTC")
	require.Contains(t, page, "no growth since 21:59 UTC , 1,904 leaked")
	require.NotContains(t, page, "+0 ")
	page = text(body(t, get(t, options(s), "/leaks/a1b2c3d4")))
	require.Contains(t, page, "prod/media-thumbnailer-worker leaked since 2026-02-28 20:59 UTC ( 2 days ago ) (no leaking process is running now)")
	require.Contains(t, page, "Growth per hour – no leaking process is running now")
	require.Contains(t, page, "no leaking process is running now, 0 leaked")
	require.NotContains(t, page, "+0 ")

	second.Leaked, second.Instances = 75, []string{"w-0"}
	page = text(body(t, get(t, options(s), "/leaks/a1b2c3d4")))
	require.Contains(t, page, "prod/media-thumbnailer-worker holds 75 leaked goroutines since 2026-02-28 20:59 UTC ( 2 days ago ) (growth not measured yet)")
}

func TestAPI(t *testing.T) {
	var leaks struct {
		Status string
		Data   struct{ Leaks []map[string]any }
	}
	require.NoError(t, json.Unmarshal([]byte(body(t, get(t, options(leaking()), "/api/v1/leaks"))), &leaks))
	require.Equal(t, "success", leaks.Status)
	require.Len(t, leaks.Data.Leaks, 4)
	l := leaks.Data.Leaks[0]
	require.Equal(t, "3f9c2a7b", l["id"])
	require.Equal(t, map[string]any{"namespace": "prod", "job": "checkout"}, l["service"])
	require.Equal(t, map[string]any{"value": 212.4, "low": 190.0, "high": 240.2}, l["growth_per_hour"])
	require.Equal(t, "2026-03-02T14:02:30Z", l["onset"])
	require.Nil(t, l["resolved_at"])
	require.Contains(t, l, "resolved_at")
	stack := l["stacks"].([]any)[0].(map[string]any)
	require.Equal(t, []any{"main.logHandler.func1 handler.go:29"}, stack["frames"])
	require.Equal(t, "chan send", stack["state"])
	require.InDelta(t, 1904, stack["delta"], 0)
	require.InDelta(t, 7080, stack["wait_seconds"], 0)

	var one struct{ Data map[string]any }
	require.NoError(t, json.Unmarshal([]byte(body(t, get(t, options(leaking()), "/api/v1/leaks/3f9c2a7b"))), &one))
	require.Equal(t, l, one.Data)

	require.Contains(t, body(t, get(t, options(leaking()), "/api/v1/leaks?state=resolved")), "feedbeef")
	require.NotContains(t, body(t, get(t, options(leaking()), "/api/v1/leaks?state=resolved")), "3f9c2a7b")
	r := get(t, options(leaking()), "/api/v1/leaks?state=x")
	require.Equal(t, http.StatusBadRequest, r.StatusCode)
	require.JSONEq(t, `{"status":"error","errorType":"bad_data","error":"state: expected suspected, firing, plateaued, resolved or ignored"}`, body(t, r))

	require.JSONEq(t, `{"status":"success","data":{"total":1,"services":[{"id":"cc6d04b05767","leaks":[],"labels":{"job":"api","namespace":"prod"},"instances":12,"goroutines":4211,"floor":null,
		"growth_per_hour":{"value":0,"low":0,"high":0},"status":"quiet","gate":"follows_load","why":"the count follows the load","help":"verdicts/follows_load","confidence":0,"last_sample":"2026-03-02T22:59:18Z"}]}}`,
		body(t, get(t, options(&state{services: []view.Service{{
			Labels: labels.FromStrings("job", "api", "namespace", "prod"), Instances: 12, Count: 4211,
			Floor: math.NaN(), Status: trend.Quiet, Gate: trend.GateFollowsLoad, LastSample: at.Add(-12 * time.Second),
		}}}), "/api/v1/services")))
	held := &state{services: []view.Service{{Labels: labels.FromStrings("job", "api"), Instances: 1, Status: trend.Leaking, SuppressedReason: "4 of the 6 profiles"}}}
	require.Contains(t, body(t, get(t, options(held), "/api/v1/services")), `"why":"it grows and does not come back; no alert yet: 4 of the 6 profiles","help":"verdicts/leaking","confidence":0,"suppressed_reason":"4 of the 6 profiles"`)
	for _, page := range []string{"/services", "/services/" + view.ServiceID(labels.FromStrings("job", "api"))} {
		require.Contains(t, body(t, get(t, options(held), page)), "no alert yet: 4 of the 6 profiles")
	}
	require.JSONEq(t, `{"status":"success","data":{"total":1,"targets":[{"labels":{"job":"a"},"url":"http://a","state":"down","last_pull":null,"next_pull":null,"duration_seconds":0,"cost_seconds":0,"goroutines":0,"error":"refused"}]}}`,
		body(t, get(t, options(&state{targets: []view.Target{{Labels: labels.FromStrings("job", "a"), URL: "http://a", State: view.TargetDown, Error: "refused"}}}), "/api/v1/targets")))
	gone := &state{targets: []view.Target{{Labels: labels.FromStrings("job", "a"), State: view.TargetGone, Gone: at}}}
	require.JSONEq(t, `{"status":"success","data":{"total":0,"targets":[]}}`, body(t, get(t, options(gone), "/api/v1/targets")))
	require.Contains(t, body(t, get(t, options(gone), "/api/v1/targets?state=gone")), `"gone_since":"2026-03-02T22:59:30Z"`)
	for _, path := range []string{"leaks", "services", "targets"} {
		require.JSONEq(t, `{"status":"success","data":{"total":0,"`+path+`":[]}}`, body(t, get(t, options(&state{}), "/api/v1/"+path)), "empty is a list")
	}
}

func TestProfile(t *testing.T) {
	var raw bytes.Buffer
	z := gzip.NewWriter(&raw)
	_, err := z.Write([]byte("a profile"))
	require.NoError(t, err)
	require.NoError(t, z.Close())

	const key = "profiles/prod/check%2Fout/10.0.3.17%3A8080/20260302T140000Z.pb.gz"
	var asked []string
	s := &shelf{open: func(k string) (io.ReadCloser, error) {
		asked = append(asked, k)
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	}}
	o := options(leaking())
	o.Profiles = s
	u, err := url.Parse(alerting.ProfileURL(o.ExternalURL, key))
	require.NoError(t, err)
	r := get(t, o, u.EscapedPath())
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, []string{key}, asked, "the link of an alert leads to the profile")
	require.Equal(t, "attachment; filename=10.0.3.17-3A8080_20260302T140000Z.pb.gz", r.Header.Get("Content-Disposition"))
	require.Equal(t, "application/octet-stream", r.Header.Get("Content-Type"))
	require.Equal(t, raw.String(), body(t, r), "as it was sent, still compressed")

	asked = nil
	s.open = func(k string) (io.ReadCloser, error) {
		if asked = append(asked, k); k != key {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader(raw.Bytes())), nil
	}
	old := strings.Replace(u.EscapedPath(), "/api/v1/profiles/", "/api/v1/profiles/profiles/", 1)
	require.Equal(t, http.StatusOK, get(t, o, old).StatusCode, "so do the links of older alerts")
	require.Equal(t, []string{"profiles/" + key, key}, asked)

	for _, path := range []string{
		"", "..%2fleaks%2f3f9c2a7b.json", "profiles/", "profiles/..%2f..%2fetc%2fpasswd", "profiles/%2e%2e/leaks/x.json", "profiles/a%5cb", "profiles/a%00b",
		"%2fetc%2fpasswd", "profiles/%2fetc", "profiles/a/%2e/b", "profiles/%ff",
	} {
		asked = nil
		r := get(t, o, "/api/v1/profiles/"+path)
		require.NotEqual(t, http.StatusOK, r.StatusCode, path)
		require.Empty(t, asked, path)
	}

	s.open = nil
	require.Equal(t, http.StatusNotFound, get(t, o, u.EscapedPath()).StatusCode)
	s.open = func(string) (io.ReadCloser, error) { return nil, errors.New("s3://bucket?secret=hunter2: down") }
	r = get(t, o, u.EscapedPath())
	require.Equal(t, http.StatusBadGateway, r.StatusCode)
	require.NotContains(t, body(t, r), "hunter2")
}

// TestBrokenProfile: half a profile does not look like a whole one.
func TestBrokenProfile(t *testing.T) {
	o := options(leaking())
	o.Profiles = &shelf{open: func(string) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), brokenReader{})), nil
	}}
	h, err := New(o)
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	defer srv.Close()
	c := srv.Client()
	r, err := c.Get(srv.URL + "/api/v1/profiles/a/b.pb.gz")
	if err == nil {
		_, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	require.Error(t, err)
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("gone") }
