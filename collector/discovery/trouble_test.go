package discovery

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// What a mechanism's library logs is logged, and is a warning while it lasts.
func TestTrouble(t *testing.T) {
	now := noon
	reg := prom.NewRegistry()
	w, err := NewWatcher(WatcherOptions{Now: func() time.Time { return now }, Registerer: reg})
	require.NoError(t, err)
	t.Cleanup(w.Stop)
	var log bytes.Buffer
	l := w.Listen(slog.New(slog.NewTextHandler(&log, nil))).With("component", "kubernetes").WithGroup("g")

	l.Info("Listing", "err", "none of our business")
	l.Error("No error to speak of", "reflector", "x")
	require.Empty(t, w.Warnings(now))

	list := errors.New(`failed to list *v1.Pod: pods is forbidden: User "system:serviceaccount:monitoring:gorowatch" cannot list resource "pods" in API group "" in the namespace "shop"`)
	watch := errors.New(`endpointslices.discovery.k8s.io is forbidden: User "me" cannot watch resource "endpointslices" in API group "discovery.k8s.io" at the cluster scope`)
	l.Error("Failed to watch", "reflector", "x", "err", list)
	l.Error("Failed to watch", "reflector", "x", "err", list)
	now = now.Add(time.Second)
	l.Error("Failed to watch", "err", watch)
	l.Warn("Unable to refresh target groups", "err", "no such host")
	require.Equal(t, []string{
		"Kubernetes does not let me watch endpointslices.discovery.k8s.io in any namespace, so that their targets are not found: give it a role with get, list and watch of endpointslices.discovery.k8s.io there",
		"Kubernetes does not let system:serviceaccount:monitoring:gorowatch list pods in the namespace shop, so that their targets are not found: give it a role with get, list and watch of pods there",
		"Service discovery: Unable to refresh target groups: no such host",
	}, w.Warnings(now))
	require.Contains(t, log.String(), "component=kubernetes")
	require.Contains(t, log.String(), "cannot list resource")
	problems := func() float64 {
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range families {
			if f.GetName() == "gorowatch_discovery_problems" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	require.Equal(t, 3.0, problems())

	now = now.Add(troubleTime - time.Second)
	require.Len(t, w.Problems(now), 2, "one was not heard again")
	now = now.Add(time.Hour)
	require.Empty(t, w.Problems(now))
	require.Zero(t, problems())

	for i := range 3 * maxTrouble {
		now = now.Add(time.Millisecond)
		l.Error("Cannot", "err", fmt.Sprintf("reason %02d", i))
	}
	require.Len(t, w.Problems(now), maxTrouble)
	require.Contains(t, w.Problems(now), fmt.Sprintf("Service discovery: Cannot: reason %02d", 3*maxTrouble-1))
	count, err := testutil.GatherAndCount(reg, "gorowatch_discovery_problems")
	require.NoError(t, err)
	require.Equal(t, 1, count)
}
