package discovery

import (
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

func TestInstancesAreFoundAsTargetsAre(t *testing.T) {
	a := labels.FromStrings("namespace", "shop", "job", "checkout", "pod", "checkout-1", "instance", "10.0.0.1:8080")
	metrics := labels.FromStrings("namespace", "shop", "job", "checkout", "pod", "checkout-1", "instance", "10.0.0.1:9090")
	b := labels.FromStrings("namespace", "shop", "job", "cart", "pod", "cart-1", "instance", "10.0.0.2:8080")
	plain := labels.FromStrings("job", "batch", "instance", "host-7:9100")
	twin := labels.FromStrings("job", "cron", "instance", "host-7:9200")
	all := NewInstances(nil, []labels.Labels{a, metrics, b, plain, twin})
	for name, c := range map[string]struct {
		labels labels.Labels
		want   labels.Labels
		reason collector.Reason
	}{
		"namespace and pod":           {labels.FromStrings("namespace", "shop", "pod", "cart-1", "service_name", "cart"), b, ""},
		"two ports of a pod":          {labels.FromStrings("namespace", "shop", "pod", "checkout-1"), labels.EmptyLabels(), collector.ReasonAmbiguous},
		"two ports and the instance":  {labels.FromStrings("namespace", "shop", "pod", "checkout-1", "instance", "10.0.0.1:9090"), metrics, ""},
		"instance":                    {labels.FromStrings("instance", "10.0.0.2:8080"), b, ""},
		"the host of an instance":     {labels.FromStrings("instance", "10.0.0.2:6060"), b, ""},
		"a host with two":             {labels.FromStrings("instance", "host-7:6060"), labels.EmptyLabels(), collector.ReasonAmbiguous},
		"a host with two and the job": {labels.FromStrings("instance", "host-7:6060", "job", "cron"), twin, ""},
		"another job":                 {labels.FromStrings("instance", "10.0.0.2:8080", "job", "checkout"), labels.EmptyLabels(), collector.ReasonNoTarget},
		"unknown":                     {labels.FromStrings("instance", "10.9.9.9:1"), labels.EmptyLabels(), collector.ReasonNoTarget},
		"no labels to find it by":     {labels.FromStrings("service_name", "checkout"), labels.EmptyLabels(), collector.ReasonNoTarget},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := all.Find(c.labels)
			require.Equal(t, c.want, got)
			if c.reason == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, c.reason, collector.ReasonOf(err))
		})
	}
}

func TestInstancesAreFoundByMatch(t *testing.T) {
	a := labels.FromStrings("job", "checkout", "host", "h1", "instance", "10.0.0.1:8080")
	b := labels.FromStrings("job", "checkout", "host", "h2", "instance", "10.0.0.2:8080")
	x := NewInstances([]string{"job", "host"}, []labels.Labels{a, b})
	got, err := x.Find(labels.FromStrings("job", "checkout", "host", "h2"))
	require.NoError(t, err)
	require.Equal(t, b, got)
	_, err = x.Find(labels.FromStrings("host", "h2", "instance", "10.0.0.2:8080"))
	require.ErrorContains(t, err, "expected the labels job, host")
}
