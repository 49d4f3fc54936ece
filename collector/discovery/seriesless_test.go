package discovery

import (
	"context"
	"slices"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

// Targets without a series, each with labels by which Find finds it again.
func TestWithoutSeries(t *testing.T) {
	f := finder(t, Options{Static: []Static{
		{Address: "10.0.0.7:6060", Labels: labels.FromStrings("job", "batch")},
		{Address: "10.0.0.7:7070", Labels: labels.FromStrings("job", "batch")},
		{Address: "proxy:80", Labels: labels.FromStrings("job", "far", "instance", "b-1"), Access: Access{Path: "/b-1/pprof"}},
		{Address: "10.0.0.8:6060", Labels: labels.FromStrings("job", "web")},
		{Address: "10.0.0.8:6060", Labels: labels.FromStrings("job", "web", "again", "yes")},
	}})
	shop := labels.FromStrings("job", "web", "instance", "10.0.0.8:9090")
	got := f.WithoutSeries(noon, slices.Values([]labels.Labels{shop}))
	require.Equal(t, []labels.Labels{
		labels.FromStrings("job", "batch", "instance", "10.0.0.7:6060"),
		labels.FromStrings("job", "batch", "instance", "10.0.0.7:7070"),
		labels.FromStrings("job", "far", "instance", "b-1"),
	}, got)
	for i, want := range []string{"http://10.0.0.7:6060/debug/pprof/goroutine", "http://10.0.0.7:7070/debug/pprof/goroutine", "http://proxy:80/b-1/pprof/goroutine"} {
		target, err := f.Find(context.Background(), noon, got[i])
		require.NoError(t, err)
		require.Equal(t, want, target.URL.String())
	}
	require.Empty(t, f.WithoutSeries(noon, slices.Values(append(got, shop))))

	// What Prometheus scrapes is not one of gorowatch's targets.
	p := &prometheus{}
	p.add(t, "http://10.0.0.9:80/metrics", "job", "x", "instance", "10.0.0.9:80")
	require.Empty(t, finder(t, Options{Scraped: p}).WithoutSeries(noon, slices.Values([]labels.Labels{shop})))
	require.Zero(t, p.asked)
}
