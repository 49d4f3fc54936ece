package promapi

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/collector/tsdb"
	"github.com/gorowatch/gorowatch/test/promtest"
)

// otelFleet appends an hour of OpenTelemetry's metrics: of a pod that target_info names, of one
// that the labels name as attributes, and of two without a pod.
func otelFleet(t *testing.T, srv *promtest.Server) {
	for i := range 61 {
		s := 60 * float64(i)
		srv.Append(t, t0.Add(time.Duration(i)*time.Minute), map[string]float64{
			`go_goroutine_count{job="shop/checkout",instance="c-1",service_name="checkout"}`:                                                         10,
			`target_info{job="shop/checkout",instance="c-1",k8s_namespace_name="shop",k8s_pod_name="checkout-1",k8s_container_name="app",other="1"}`: 1,
			`container_cpu_usage_seconds_total{namespace="shop",pod="checkout-1",container="app",job="kubelet"}`:                                     0.5 * s,
			`container_cpu_usage_seconds_total{namespace="shop",pod="checkout-1",container="proxy",job="kubelet"}`:                                   9 * s,
			`container_start_time_seconds{namespace="shop",pod="checkout-1",container="app",job="kubelet"}`:                                          float64(t0.Unix() - 7200),
			`go_goroutine_count{job="shop/cart",instance="c-2",k8s_namespace_name="shop",k8s_pod_name="cart-1",otel_scope_name="x"}`:                 20,
			`container_cpu_usage_seconds_total{namespace="shop",pod="cart-1",container="app",job="kubelet"}`:                                         0.25 * s,
			`go_goroutine_count{job="batch",instance="c-3"}`:                                                                                         30,
			`process_cpu_seconds_total{job="batch",instance="c-3"}`:                                                                                  0.1 * s,
			`target_info{job="batch",instance="c-3",service_version="1"}`:                                                                            1,
			`go_goroutine_count{job="twice",instance="c-4"}`:                                                                                         40,
			`target_info{job="twice",instance="c-4",k8s_pod_name="a"}`:                                                                               1,
			`target_info{job="twice",instance="c-4",k8s_pod_name="b"}`:                                                                               1,
		})
	}
}

// If labels name no pod, OpenTelemetry's target_info does: then the container's load and start
// are used. There is one query for each instance.
func TestPodsOfTargetInfo(t *testing.T) {
	srv, s := real(t, nil)
	otelFleet(t, srv)
	disk, err := tsdb.Open(tsdb.Options{Dir: srv.Dir})
	require.NoError(t, err)
	defer func() { require.NoError(t, disk.Close()) }()
	want := map[string]float64{ // the load
		`{container="app", instance="c-1", job="shop/checkout", namespace="shop", pod="checkout-1", service_name="checkout"}`: 0.5,
		`{instance="c-2", job="shop/cart", k8s_namespace_name="shop", k8s_pod_name="cart-1", namespace="shop", pod="cart-1"}`: 0.25,
		`{instance="c-3", job="batch"}`: 0.1,
		`{instance="c-4", job="twice"}`: math.NaN(),
	}
	for minute := 30; minute < 40; minute++ {
		from, to := t0.Add(time.Duration(minute)*time.Minute), t0.Add(time.Duration(minute+1)*time.Minute)
		w, err := s.Window(t.Context(), from, to)
		require.NoError(t, err)
		asked := strings.Join(srv.Queries(), "\n")
		require.Equal(t, minute == 30, strings.Contains(asked, "target_info"), asked)
		d, err := disk.Window(t.Context(), from, to)
		require.NoError(t, err)
		require.Len(t, w.Series, len(want))
		require.Len(t, d.Series, len(want))
		for _, x := range append(w.Series, d.Series...) {
			load, ok := want[x.Labels.String()]
			require.True(t, ok, x.Labels)
			require.Equal(t, fmt.Sprintf("%.3f", load), fmt.Sprintf("%.3f", x.Samples[0].Load), "%s at %d", x.Labels, minute)
		}
	}
	require.Contains(t, s.Signals(), signals.Use{Signal: "load", Name: "container_cpu_usage_seconds_total", Instances: 2})

	// The chart of the service finds the series, which have other labels, and the load of the
	// container.
	service := labels.FromStrings("job", "shop/checkout", "namespace", "shop")
	h, err := s.History(t.Context(), service, []string{"namespace", "job"}, t0.Add(20*time.Minute), t0.Add(40*time.Minute), time.Minute)
	require.NoError(t, err)
	require.Len(t, h.Instances, 1)
	require.Equal(t, 10.0, h.Instances[0].Max[10])
	require.InDelta(t, 0.5, h.Instances[0].Load[10], 1e-9)
	require.Equal(t, float64(t0.Unix()-7200), h.Instances[0].Start[10])
}

// The labels of an instance decide on its shard, whatever target_info says, and on the service
// that it is shown with. So each is read by one shard, with the load and the start of its
// container.
func TestPodsOfShards(t *testing.T) {
	srv, _ := real(t, nil)
	otelFleet(t, srv)
	loads := map[string]float64{"c-1": 0.5, "c-2": 0.25, "c-3": 0.1, "c-4": math.NaN()}
	pods := map[string]string{"c-1": "checkout-1", "c-2": "cart-1"}
	for _, groupBy := range [][]string{{"namespace", "job"}, {"job"}, {"namespace"}, {"job", "pod"}} {
		for n := 1; n <= 4; n++ {
			seen := map[string]int{}
			for shard := range n {
				owns := anyOwner(shard, n)
				_, s := real(t, func(o *Options) {
					o.URL = srv.URL
					o.Share = &Share{GroupBy: groupBy, Owns: owns}
				})
				for minute := 30; minute < 38; minute++ {
					w, err := s.Window(t.Context(), t0.Add(time.Duration(minute)*time.Minute), t0.Add(time.Duration(minute+1)*time.Minute))
					require.NoError(t, err)
					require.Empty(t, w.Warnings)
					for _, x := range w.Series {
						instance := x.Labels.Get("instance")
						seen[instance]++
						service := labels.NewBuilder(x.Labels).Keep(groupBy...).Labels()
						require.True(t, owns(service), "%s in shard %d of %d", x.Labels, shard, n)
						require.Equal(t, fmt.Sprintf("%.3f", loads[instance]), fmt.Sprintf("%.3f", x.Samples[0].Load), x.Labels)
						shown := map[string]string{"pod": pods[instance], "namespace": map[bool]string{true: "shop"}[pods[instance] != ""]}
						for _, name := range groupBy {
							shown[name] = map[string]string{"job": x.Labels.Get("job")}[name] // its own labels
						}
						for name, value := range shown {
							require.Equal(t, value, x.Labels.Get(name), "%s by %s", x.Labels, groupBy)
						}
						if instance != "c-1" || minute > 30 {
							continue
						}
						h, err := s.History(t.Context(), service, groupBy, t0.Add(20*time.Minute), t0.Add(40*time.Minute), time.Minute)
						require.NoError(t, err)
						i := slices.IndexFunc(h.Instances, func(h collector.InstanceHistory) bool { return labels.Equal(h.Labels, x.Labels) })
						require.GreaterOrEqual(t, i, 0, "%s by %s", x.Labels, groupBy)
						require.Equal(t, 10.0, h.Instances[i].Max[10])
						require.InDelta(t, 0.5, h.Instances[i].Load[10], 1e-9)
						require.Equal(t, float64(t0.Unix()-7200), h.Instances[i].Start[10])
					}
				}
			}
			require.Equal(t, map[string]int{"c-1": 8, "c-2": 8, "c-3": 8, "c-4": 8}, seen, "%d shards by %s", n, groupBy)
		}
	}
}

// Instances of other shards do not count towards our limit.
func TestLimitOfShards(t *testing.T) {
	srv, _ := real(t, nil)
	otelFleet(t, srv)
	_, s := real(t, func(o *Options) {
		o.URL = srv.URL
		o.SeriesLimit = 2
		o.Share = &Share{GroupBy: []string{"job"}, Owns: func(service labels.Labels) bool { return strings.HasPrefix(service.Get("job"), "shop/") }}
	})
	for minute := 30; minute < 33; minute++ {
		w, err := s.Window(t.Context(), t0.Add(time.Duration(minute)*time.Minute), t0.Add(time.Duration(minute+1)*time.Minute))
		require.NoError(t, err)
		require.Empty(t, w.Warnings)
		require.Len(t, w.Series, 2)
	}
}
