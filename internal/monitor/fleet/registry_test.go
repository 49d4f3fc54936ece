package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

func newRegistry() *Registry {
	return NewRegistry(Options{
		GroupBy: []string{"job"}, Block: time.Minute,
		Owns: func(service labels.Labels) bool { return service.Get("job") != "other" },
	})
}

// seriesAt returns a series with one sample.
func seriesAt(t time.Time, pairs ...string) collector.Series {
	return collector.Series{Labels: labels.FromStrings(pairs...), Samples: []collector.Sample{{T: t.UnixMilli(), Start: 1000}}}
}

// place passes a window and lists the names of the instances in their order.
func place(r *Registry, window ...collector.Series) (names []string) {
	for series, p := range r.Places(window) {
		if p.Service == nil {
			names = append(names, "not watched")
			continue
		}
		p.Instance.Extend(series.Samples)
		names = append(names, p.Service.Labels.Get("job")+"/"+p.Instance.Name)
	}
	return names
}

// Known series come first, new ones by their first samples. So a series that continues another
// one under other labels finds how far that one reached.
func TestPlaces(t *testing.T) {
	r := newRegistry()
	a := seriesAt(t0, "job", "api", "instance", "a")
	require.Equal(t, []string{"api/a"}, place(r, a))
	now := t0.Add(time.Minute)
	require.Equal(t, []string{"api/a", "not watched", "api/c", "api/b"}, place(r,
		seriesAt(now.Add(time.Second), "job", "api", "instance", "b"),
		collector.Series{Labels: labels.FromStrings("job", "api", "instance", "without samples")},
		seriesAt(now, "job", "other", "instance", "a"),
		seriesAt(now, "job", "api", "instance", "c"),
		seriesAt(now, "job", "api", "instance", "a"),
	))

	now = now.Add(time.Minute)
	relabelled := seriesAt(now, "job", "api", "instance", "a", "zone", "x")
	require.Equal(t, []string{"api/a"}, place(r, relabelled))
	current, found := r.CurrentLabels(a.Labels)
	require.True(t, found)
	require.Equal(t, relabelled.Labels, current)
	require.Equal(t, []string{`api/{instance="a", job="api"}`}, place(r, seriesAt(now, "job", "api", "instance", "a")), "both at a time are two")
}

// A removed instance is registered again under the same name, as another instance.
func TestRemovedInstances(t *testing.T) {
	r := newRegistry()
	a := seriesAt(t0, "job", "api", "instance", "a")
	place(r, a, seriesAt(t0, "job", "api", "instance", "b"))
	s := r.Lookup(labels.FromStrings("job", "api"))
	before := s.Instance("a")
	s.SetWatched([]trend.Instance{{Name: "b"}})
	s.Prune()
	require.Nil(t, s.Instance("a"))
	_, found := r.CurrentLabels(a.Labels)
	require.False(t, found)
	place(r, a)
	require.NotSame(t, before, s.Instance("a"))

	r.Remove(s)
	require.Nil(t, r.Lookup(s.Labels))
	place(r, a)
	require.NotSame(t, s, r.Lookup(s.Labels))
}

// The places of series without samples are dropped.
func TestPlacesAreBounded(t *testing.T) {
	r := newRegistry()
	for i := range 5000 {
		place(r, seriesAt(t0, "job", "other", "instance", fmt.Sprint(i)))
		r.Prune(1)
	}
	require.LessOrEqual(t, len(r.series), 1024+3)
}
