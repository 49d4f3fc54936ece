package discovery

import (
	"errors"
	"testing"
	"time"

	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestPresenceByPrometheus(t *testing.T) {
	a := []string{"job", "api", "instance", "a:80"}
	there := func(t *testing.T, p *prometheus) {
		p.add(t, "http://a:80/metrics", a...)
		p.add(t, "http://b:80/metrics", "job", "api", "instance", "b:80")
	}
	for name, c := range map[string]struct {
		list func(t *testing.T, p *prometheus)
		want collector.Presence
	}{
		"scraped":                   {there, collector.PresencePresent},
		"dropped":                   {func(t *testing.T, p *prometheus) { p.add(t, "http://b:80/metrics", "job", "api", "instance", "b:80") }, collector.PresenceUnlisted},
		"nothing listens there":     {func(t *testing.T, p *prometheus) { there(t, p); p.targets[0].Unreachable = true }, collector.PresenceGone},
		"one of two answers":        {func(t *testing.T, p *prometheus) { there(t, p); there(t, p); p.targets[0].Unreachable = true }, collector.PresencePresent},
		"it has just started":       {func(*testing.T, *prometheus) {}, collector.PresenceUnknown},
		"an engine without targets": {func(_ *testing.T, p *prometheus) { p.err = collector.Errorf(collector.ReasonNotFound, "404") }, collector.PresenceUnknown},
		"it does not answer":        {func(_ *testing.T, p *prometheus) { p.err = errors.New("no answer") }, collector.PresenceUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			p := &prometheus{}
			c.list(t, p)
			f := finder(t, Options{Scraped: p, Static: []Static{{Address: "a:80"}}})
			require.Equal(t, c.want, f.Presence(t.Context(), noon, labels.FromStrings(a...)))
			require.Equal(t, c.want, f.Presence(t.Context(), noon.Add(30*time.Second), labels.FromStrings(a...)))
			require.Equal(t, 1, p.asked, "the list is young")
		})
	}
	require.Equal(t, collector.PresenceUnknown, finder(t, Options{}).Presence(t.Context(), noon, labels.FromStrings(a...)), "nobody can say")
}

func TestPresenceByServiceDiscovery(t *testing.T) {
	now := noon
	w := filled(t, WatcherOptions{Now: func() time.Time { return now }}, []Set{{PodAnnotations: true}},
		[]*targetgroup.Group{podGroup("a", true), podGroup("b", true)})
	update := func(groups ...*targetgroup.Group) { w.update(map[string][]*targetgroup.Group{"targets[0]": groups}) }
	of := func(f *Finder, pod string) collector.Presence {
		return f.Presence(t.Context(), now, labels.FromStrings("namespace", "prod", "pod", pod, "instance", "10.0.0.7:8080", "job", "api"))
	}
	prom := &prometheus{}
	prom.add(t, "http://10.0.0.7:8080/metrics", "job", "api", "instance", "10.0.0.7:8080")
	alone, both := finder(t, Options{Discovered: w}), finder(t, Options{Discovered: w, Scraped: prom})
	require.Equal(t, collector.PresencePresent, of(alone, "a"))
	require.Equal(t, collector.PresenceUnlisted, of(alone, "never"))

	now = now.Add(time.Minute)
	update(podGroup("a", true))
	require.Equal(t, collector.PresenceGone, of(alone, "b"))
	require.Equal(t, collector.PresenceGone, of(both, "b"), "its pod is deleted, whoever scrapes at its address")
	require.Equal(t, collector.PresencePresent, of(both, "a"))

	// The pod is still there, but its container has ended and nothing listens.
	now = now.Add(time.Minute)
	prom.targets[0].Unreachable = true
	require.Equal(t, collector.PresenceGone, of(both, "a"))

	// A cluster without any pod is most likely a mistake.
	update(group(nil))
	require.Equal(t, collector.PresencePresent, of(alone, "a"))
	now = now.Add(time.Hour)
	require.Equal(t, collector.PresenceUnknown, of(alone, "a"))
}

func TestPresenceByOwnScraping(t *testing.T) {
	own := &prometheus{}
	own.add(t, "http://a:80/metrics", "job", "api", "instance", "a:80")
	f := finder(t, Options{Own: own})
	of := func(instance string) collector.Presence {
		return f.Presence(t.Context(), noon, labels.FromStrings("job", "api", "instance", instance))
	}
	require.Equal(t, collector.PresencePresent, of("a:80"))
	require.Equal(t, collector.PresenceUnlisted, of("b:80"))
	own.targets[0].Unreachable = true
	require.Equal(t, collector.PresenceGone, of("a:80"))
}
