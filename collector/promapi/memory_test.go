package promapi

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestMemory(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	at := float64(now.Unix())
	instance := func(pod, container string) map[string]string {
		m := map[string]string{"namespace": "prod", "job": "shop", "instance": pod + ":80", "pod": pod}
		if container != "" {
			m["container"] = container
		}
		return m
	}
	spec := func(pod, container string) map[string]string {
		return map[string]string{"namespace": "prod", "pod": pod, "container": container}
	}
	var asked []string
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, expr string) {
		asked = append(asked, expr)
		switch {
		case strings.Contains(expr, "container_spec"):
			matrix(w, nil, stream(spec("a-1", "app"), value{at, "1000"}), stream(spec("a-1", "proxy"), value{at, "5000"}),
				stream(spec("b.2", "app"), value{at, "2000"}), stream(spec("b.2", "proxy"), value{at, "50"}))
		case strings.Contains(expr, "deriv"):
			matrix(w, nil, stream(instance("a-1", "app"), value{at, "0.1"}), stream(instance("b.2", ""), value{at, "-1"}))
		default:
			matrix(w, nil, stream(instance("a-1", "app"), value{at, "400"}), stream(instance("b.2", ""), value{at, "300"}),
				stream(instance("c", "other"), value{at, "300"}), stream(map[string]string{"job": "shop", "instance": "vm"}, value{at, "7"}))
		}
	})
	service := labels.FromStrings("namespace", "prod", "job", "shop")
	got, err := s.Memory(t.Context(), service, []string{"namespace", "job"}, now, now.Add(-5*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []collector.Memory{
		{Labels: labels.FromMap(instance("a-1", "app")), Used: 400, Limit: 1000, PerHour: 360},
		{Labels: labels.FromMap(instance("b.2", "")), Used: 300, Limit: 2000, PerHour: -3600},
	}, got)
	require.Equal(t, []string{
		`go_memstats_stack_inuse_bytes{namespace="prod",job="shop"} + go_memstats_heap_inuse_bytes{namespace="prod",job="shop"}`,
		`max by (namespace, pod, container) (container_spec_memory_limit_bytes{namespace="prod",pod=~"a-1|b\\.2|c",container!~"|POD"} > 0)`,
		`deriv(go_memstats_stack_inuse_bytes{namespace="prod",job="shop"}[5h]) + deriv(go_memstats_heap_inuse_bytes{namespace="prod",job="shop"}[5h])`,
	}, asked)
}

// Without labels of a pod, no more queries are made.
func TestMemoryOutsideKubernetes(t *testing.T) {
	asked := 0
	s, _ := server(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		asked++
		matrix(w, nil, stream(map[string]string{"job": "shop", "instance": "vm"}, value{1.0, "7"}))
	})
	got, err := s.Memory(t.Context(), labels.FromStrings("job", "shop"), []string{"job"}, time.Unix(1, 0), time.Unix(0, 0))
	require.NoError(t, err)
	require.Empty(t, got)
	require.Equal(t, 1, asked)

	s, _ = server(t, func(w http.ResponseWriter, _ *http.Request, _ string) { http.Error(w, "no", http.StatusForbidden) })
	_, err = s.Memory(t.Context(), labels.FromStrings("job", "shop"), []string{"job"}, time.Unix(1, 0), time.Unix(0, 0))
	require.Equal(t, collector.ReasonUnauthorized, collector.ReasonOf(err))
}
