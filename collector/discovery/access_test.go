package discovery

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// shopOnly returns an access to hosts of the shop.
func shopOnly() Access {
	return Access{Client: &http.Client{}, Name: "targets[0]", Port: 6060, Allow: func(host string) bool { return strings.HasSuffix(host, ".shop.svc") || host == "::1" }}
}

// If Prometheus names a host that is not allowed, the error says so, and that host gets no
// request.
func TestRuleForHostsThatAreNotAllowed(t *testing.T) {
	scraped := &prometheus{}
	scraped.add(t, "http://a.shop.svc:8080/metrics", "job", "shop", "instance", "a")
	scraped.add(t, "http://evil.example:8080/metrics", "job", "shop", "instance", "b")
	scraped.add(t, "http://[::1]:8080/metrics", "job", "shop", "instance", "c")
	scraped.add(t, "http://a.shop.svc@evil.example:8080/metrics", "job", "shop", "instance", "d")
	scraped.add(t, "http://evil.example:8080/metrics", "job", "other", "instance", "e")
	other := &http.Client{}
	f := finder(t, Options{Scraped: scraped, Client: other, Rules: []Rule{
		{Matchers: []*labels.Matcher{matcher(t, labels.MatchEqual, "job", "shop")}, Access: shopOnly()},
		{Matchers: []*labels.Matcher{matcher(t, labels.MatchRegexp, "job", ".*")}, Access: Access{Client: other}},
	}})
	require.Equal(t, "http://a.shop.svc:6060/debug/pprof/goroutine", urlOf(t, f, "job", "shop", "instance", "a"))
	require.Equal(t, "http://[::1]:6060/debug/pprof/goroutine", urlOf(t, f, "job", "shop", "instance", "c"))
	require.Equal(t, "http://evil.example:8080/debug/pprof/goroutine", urlOf(t, f, "job", "other", "instance", "e"))
	for _, instance := range []string{"b", "d"} {
		ls := labels.FromStrings("job", "shop", "instance", instance)
		_, err := f.Find(t.Context(), noon, ls)
		require.EqualError(t, err, `not asked: targets[0].allow does not name the host "evil.example", so it does not get the credentials`)
		require.Equal(t, collector.ReasonNoTarget, collector.ReasonOf(err))
		require.False(t, f.Survey(noon).Has(ls))
	}
}

// The same holds for what service discovery finds, for its metrics too.
func TestFoundHostsThatAreNotAllowed(t *testing.T) {
	w := filled(t, WatcherOptions{}, []Set{{Access: shopOnly()}}, []*targetgroup.Group{
		group(model.LabelSet{}, "a.shop.svc:80"), group(model.LabelSet{}, "evil.example:80"), group(model.LabelSet{"__profile_path__": "/x"}, "a.shop.svc.evil.example:80"),
	})
	got := map[string]string{}
	for _, e := range w.Endpoints(noon) {
		if e.Err != nil {
			require.Nil(t, e.URL())
			got[e.Labels.Get("instance")] = e.Err.Error()
			continue
		}
		got[e.Labels.Get("instance")] = e.URL().String()
	}
	require.Equal(t, map[string]string{
		"a.shop.svc:80":              "http://a.shop.svc:6060/debug/pprof/goroutine",
		"evil.example:80":            `not asked: targets[0].allow does not name the host "evil.example", so it does not get the credentials`,
		"a.shop.svc.evil.example:80": `not asked: targets[0].allow does not name the host "a.shop.svc.evil.example", so it does not get the credentials`,
	}, got)
}
