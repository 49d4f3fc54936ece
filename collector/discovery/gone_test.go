package discovery

import (
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
)

func podGroup(name string, annotated bool) *targetgroup.Group {
	g := group(model.LabelSet{
		"__meta_kubernetes_namespace": "prod", podMeta + "name": model.LabelValue(name), podMeta + "ip": "10.0.0.7",
	}, "10.0.0.7:8080")
	if annotated {
		g.Labels[podMeta+"annotation_pyroscope_io_scrape"] = "true"
	}
	return g
}

// The series of a pod continue for minutes after it is gone. From that moment its instance has
// no target, even at an address that Prometheus may still have. A pod that exists and no longer
// asks for profiles is not gone.
func TestPodsThatAreGone(t *testing.T) {
	now := noon
	w := filled(t, WatcherOptions{Now: func() time.Time { return now }}, []Set{{PodAnnotations: true}},
		[]*targetgroup.Group{podGroup("a", true), podGroup("b", true), podGroup("c", true)})
	instance := func(pod string) labels.Labels {
		return labels.FromStrings("namespace", "prod", "pod", pod, "instance", "10.0.0.7:8080", "job", "api")
	}
	update := func(groups ...*targetgroup.Group) { w.update(map[string][]*targetgroup.Group{"targets[0]": groups}) }
	gone := func(pod string) bool { _, gone := w.Gone(instance(pod)); return gone }

	now = now.Add(time.Minute)
	update(podGroup("a", true), podGroup("b", false))
	require.False(t, gone("a"))
	require.False(t, gone("b"), "it asks for nothing any more")
	require.True(t, gone("c"))
	require.False(t, gone("never"))
	since, _ := w.Gone(instance("c"))
	require.Equal(t, now, since)

	prom := &prometheus{}
	prom.add(t, "http://10.0.0.7:8080/metrics", "job", "api", "instance", "10.0.0.7:8080", "namespace", "prod", "pod", "c")
	f := finder(t, Options{Discovered: w, Scraped: prom})
	_, err := f.Find(t.Context(), now, instance("c"))
	require.EqualError(t, err, "the pod has been gone since 12:01:00")

	update(podGroup("a", true), podGroup("c", true))
	require.False(t, gone("c"), "it is back, under the same name")
	require.True(t, gone("b"))
	now = now.Add(memoryOfPods + time.Second)
	update(podGroup("a", true))
	require.False(t, gone("b"), "nobody remembers it")
	require.True(t, gone("c"))
}
