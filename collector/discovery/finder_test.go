package discovery

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// prometheus is a list of targets, and how often it was requested.
type prometheus struct {
	targets []collector.ScrapeTarget
	err     error
	asked   int
}

func (p *prometheus) Targets(context.Context) ([]collector.ScrapeTarget, error) {
	p.asked++
	return p.targets, p.err
}

func (p *prometheus) add(t *testing.T, metrics string, ls ...string) {
	u, err := url.Parse(metrics)
	require.NoError(t, err)
	p.targets = append(p.targets, collector.ScrapeTarget{Labels: labels.FromStrings(ls...), Scheme: u.Scheme, Host: u.Host})
}

func matcher(t *testing.T, typ labels.MatchType, name, value string) *labels.Matcher {
	m, err := labels.NewMatcher(typ, name, value)
	require.NoError(t, err)
	return m
}

func finder(t *testing.T, o Options) *Finder {
	t.Helper()
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	f, err := New(o)
	require.NoError(t, err)
	return f
}

func TestNewNeedsAClient(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "Client is required")
}

func TestStaticTargets(t *testing.T) {
	special := &http.Client{}
	f := finder(t, Options{Static: []Static{
		{Address: "10.0.0.7:6060", Labels: labels.FromStrings("job", "batch"), Access: Access{Client: special}},
		{Address: "proxy:80", Labels: labels.FromStrings("job", "batch", "instance", "b-1"), Access: Access{Scheme: "https", Path: "/b-1/pprof"}},
		{Address: "[fd00::7]:6060", Labels: labels.FromStrings("job", "six")},
		{Address: "10.0.0.8:6060"},
		{Address: "10.0.0.8:7070", Labels: labels.FromStrings("job", "never")},
	}})
	for name, c := range map[string]struct {
		instance []string
		want     string
	}{
		"same address":               {[]string{"job", "batch", "instance", "10.0.0.7:6060"}, "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"same host, another port":    {[]string{"job", "batch", "instance", "10.0.0.7:8080"}, "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"host alone":                 {[]string{"job", "batch", "instance", "10.0.0.7"}, "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"more labels":                {[]string{"job", "batch", "instance", "10.0.0.7:80", "zone", "a"}, "http://10.0.0.7:6060/debug/pprof/goroutine"},
		"by instance, not by host":   {[]string{"job", "batch", "instance", "b-1"}, "https://proxy:80/b-1/pprof/goroutine"},
		"no labels: the host counts": {[]string{"job", "x", "instance", "10.0.0.8:80"}, "http://10.0.0.8:6060/debug/pprof/goroutine"},
		"the first counts":           {[]string{"job", "never", "instance", "10.0.0.8:80"}, "http://10.0.0.8:6060/debug/pprof/goroutine"},
		"IPv6":                       {[]string{"job", "six", "instance", "[fd00::7]:8080"}, "http://[fd00::7]:6060/debug/pprof/goroutine"},
		"IPv6 without port":          {[]string{"job", "six", "instance", "[fd00::7]"}, "http://[fd00::7]:6060/debug/pprof/goroutine"},
		"IPv6 without brackets":      {[]string{"job", "six", "instance", "fd00::7"}, "http://[fd00::7]:6060/debug/pprof/goroutine"},
		"another job":                {[]string{"job", "other", "instance", "10.0.0.7:6060"}, ""},
		"another host":               {[]string{"job", "batch", "instance", "10.0.0.9:6060"}, ""},
		"another instance":           {[]string{"job", "batch", "instance", "b-2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			instance := labels.FromStrings(c.instance...)
			target, err := f.Find(t.Context(), noon, instance)
			if c.want == "" {
				require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
				require.EqualError(t, err, fmt.Sprintf("the configuration has no target with job=%q, instance=%q; add a static target for it", instance.Get("job"), instance.Get("instance")))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, target.URL.String())
		})
	}
	target, err := f.Find(t.Context(), noon, labels.FromStrings("job", "batch", "instance", "10.0.0.7:80"))
	require.NoError(t, err)
	require.Same(t, special, target.Client)
}

func TestRulesForScrapedTargets(t *testing.T) {
	plain, pay, rest := &http.Client{}, &http.Client{Timeout: 1}, &http.Client{Timeout: 2}
	prom := &prometheus{}
	prom.add(t, "http://10.0.0.1:8080/metrics?x=y", "job", "shop", "instance", "10.0.0.1:8080")
	prom.add(t, "https://10.0.0.2:8443/metrics", "job", "pay", "instance", "10.0.0.2:8443")
	prom.add(t, "http://[fd00::3]:8080/metrics", "job", "pay-old", "instance", "three")
	prom.add(t, "http://[fd00::4]/metrics", "job", "pay-old", "instance", "four")
	prom.add(t, "http://five.example.org/metrics", "job", "other", "instance", "five")
	f := finder(t, Options{Client: plain, Scraped: prom, Rules: []Rule{
		{Matchers: []*labels.Matcher{matcher(t, labels.MatchEqual, "job", "pay")}, Access: Access{Scheme: "http", Path: "/internal/pprof/", Port: 6060, Client: pay}},
		{Matchers: []*labels.Matcher{matcher(t, labels.MatchRegexp, "job", "pay.*"), matcher(t, labels.MatchNotEqual, "instance", "")}, Access: Access{Port: 7070, Client: rest}},
		{Matchers: []*labels.Matcher{matcher(t, labels.MatchEqual, "job", "other")}, Access: Access{Path: "/", Client: rest}},
	}})
	for _, c := range []struct {
		job, instance string
		want          string
		client        *http.Client
	}{
		{"shop", "10.0.0.1:8080", "http://10.0.0.1:8080/debug/pprof/goroutine", plain},
		{"pay", "10.0.0.2:8443", "http://10.0.0.2:6060/internal/pprof/goroutine", pay},
		{"pay-old", "three", "http://[fd00::3]:7070/debug/pprof/goroutine", rest},
		{"pay-old", "four", "http://[fd00::4]:7070/debug/pprof/goroutine", rest},
		{"other", "five", "http://five.example.org/goroutine", rest},
	} {
		target, err := f.Find(t.Context(), noon, labels.FromStrings("job", c.job, "instance", c.instance))
		require.NoError(t, err, c.instance)
		require.Equal(t, c.want, target.URL.String())
		require.Same(t, c.client, target.Client, c.instance)
	}
	require.Equal(t, 1, prom.asked)
}

func TestStaticComesBeforeScraped(t *testing.T) {
	prom := &prometheus{}
	prom.add(t, "http://a:80/metrics", "job", "x", "instance", "a:80")
	f := finder(t, Options{Scraped: prom, Static: []Static{{Address: "a:6060", Labels: labels.FromStrings("job", "x")}}})
	target, err := f.Find(t.Context(), noon, labels.FromStrings("job", "x", "instance", "a:80"))
	require.NoError(t, err)
	require.Equal(t, "a:6060", target.URL.Host)
	require.Zero(t, prom.asked)
}

// If the instance label is the node, only other labels distinguish the pods on it.
func TestClosestOfSeveral(t *testing.T) {
	prom := &prometheus{}
	for _, pod := range []string{"p-1", "p-2", "p-3"} {
		prom.add(t, "http://"+pod+":80/metrics", "job", "x", "instance", "node-7", "pod", pod, "namespace", "prod")
	}
	f := finder(t, Options{Scraped: prom})
	for _, pod := range []string{"p-1", "p-2", "p-3"} {
		target, err := f.Find(t.Context(), noon, labels.FromStrings("job", "x", "instance", "node-7", "pod", pod, "cluster", "added-later"))
		require.NoError(t, err)
		require.Equal(t, pod+":80", target.URL.Host)
	}
}

// Two targets that the labels of the series cannot distinguish are an error, not a guess.
func TestTwoTargetsThatClaimAnInstance(t *testing.T) {
	prom := &prometheus{}
	prom.add(t, "http://10.0.0.1:80/metrics", "job", "x", "instance", "node-7", "pod", "p-1")
	prom.add(t, "http://10.0.0.2:80/metrics", "job", "x", "instance", "node-7", "pod", "p-2")
	f := finder(t, Options{Scraped: prom})
	_, err := f.Find(t.Context(), noon, labels.FromStrings("job", "x", "instance", "node-7"))
	require.Equal(t, collector.ReasonAmbiguous, collector.ReasonOf(err))
	require.EqualError(t, err, "not asked: 2 targets claim to be this instance (scraped by Prometheus: http://10.0.0.1:80, http://10.0.0.2:80); tell them apart with labels, or with match")

	// Two metrics endpoints of one process are one place.
	prom.add(t, "http://10.0.0.3:80/metrics", "job", "y", "instance", "z")
	prom.add(t, "http://10.0.0.3:80/metrics/more", "job", "y", "instance", "z")
	target, err := f.Find(t.Context(), noon.Add(time.Minute), labels.FromStrings("job", "y", "instance", "z"))
	require.NoError(t, err)
	require.Equal(t, "10.0.0.3:80", target.URL.Host)
}

// Known, for pages, makes no request.
func TestKnownAsksNobody(t *testing.T) {
	prom := &prometheus{}
	prom.add(t, "http://a:80/metrics", "job", "x", "instance", "a")
	f := finder(t, Options{Scraped: prom})
	a := labels.FromStrings("job", "x", "instance", "a")
	_, err := f.Known(noon, a)
	require.EqualError(t, err, "not looked up yet")
	require.Zero(t, prom.asked)
	_, err = f.Find(t.Context(), noon, a)
	require.NoError(t, err)
	target, err := f.Known(noon.Add(time.Hour), a)
	require.NoError(t, err)
	require.Equal(t, "a:80", target.URL.Host)
	require.Equal(t, 1, prom.asked)
}

// The list is valid for a minute. At 12:00:03 a new instance comes too early. At 12:00:06, a
// tenth of the minute later, Prometheus gets a request.
func TestListIsAskedForWhenItIsOld(t *testing.T) {
	prom := &prometheus{}
	prom.add(t, "http://a:80/metrics", "job", "x", "instance", "a")
	f := finder(t, Options{Scraped: prom})
	find := func(after time.Duration, instance string) error {
		_, err := f.Find(t.Context(), noon.Add(after), labels.FromStrings("job", "x", "instance", instance))
		return err
	}
	require.NoError(t, find(0, "a"))
	require.NoError(t, find(59*time.Second, "a"))
	require.Equal(t, 1, prom.asked)
	require.NoError(t, find(60*time.Second, "a"))
	require.Equal(t, 2, prom.asked)

	prom.add(t, "http://b:80/metrics", "job", "x", "instance", "b")
	err := find(63*time.Second, "b")
	require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
	require.EqualError(t, err, `Prometheus scrapes no target with job="x", instance="b"; add a static target for it`)
	require.Equal(t, 2, prom.asked)
	require.NoError(t, find(66*time.Second, "b"))
	require.Equal(t, 3, prom.asked)

	// An instance that is nowhere does not cause a request each time.
	for s := range 60 {
		require.Error(t, find(66*time.Second+time.Duration(s)*time.Second, "c"))
	}
	require.Equal(t, 3+9, prom.asked)
}

func TestOldListGoesOnWhileThereIsNoNewOne(t *testing.T) {
	prom := &prometheus{err: collector.Errorf(collector.ReasonNotFound, "prometheus http://prom:9090: targets: 404 Not Found")}
	f := finder(t, Options{Scraped: prom})
	a, b := labels.FromStrings("job", "x", "instance", "a"), labels.FromStrings("job", "x", "instance", "b")
	_, err := f.Find(t.Context(), noon, a)
	require.Equal(t, collector.ReasonNotFound, collector.ReasonOf(err))
	require.EqualError(t, err, "its address cannot be looked up: prometheus http://prom:9090: targets: 404 Not Found")

	prom.err = nil
	prom.add(t, "http://a:80/metrics", "job", "x", "instance", "a")
	_, err = f.Find(t.Context(), noon.Add(time.Minute), a)
	require.NoError(t, err)

	prom.err, prom.targets = collector.Errorf(collector.ReasonTimeout, "too slow"), nil
	_, err = f.Find(t.Context(), noon.Add(10*time.Minute), a)
	require.NoError(t, err, "from the previous list")
	require.Equal(t, 3, prom.asked)
	_, err = f.Find(t.Context(), noon.Add(10*time.Minute), b)
	require.Equal(t, collector.ReasonTimeout, collector.ReasonOf(err), "not that there is no such target: that is not known")
	require.EqualError(t, err, "its address cannot be looked up: too slow")
	require.Equal(t, 3, prom.asked, "it has just failed")

	prom.err = nil
	_, err = f.Find(t.Context(), noon.Add(11*time.Minute), a)
	require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err), "it is gone")
}
