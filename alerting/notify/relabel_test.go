package notify

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v2"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

func rules(t *testing.T, text string) (out []*relabel.Config) {
	t.Helper()
	require.NoError(t, yaml.UnmarshalStrict([]byte(text), &out))
	for _, r := range out {
		require.NoError(t, r.Validate(model.UTF8Validation))
	}
	return out
}

// TestRelabel: the rules for all apply before those of an Alertmanager, and both see the
// external labels.
func TestRelabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var one, two receiver
		second := two.at("http://two")
		second.Relabel = rules(t, `
- {source_labels: [where], regex: 'eu-1/(.+)', target_label: team, replacement: 'team-$1'}
- {source_labels: [leak], regex: leak-0002, action: drop}`)
		o := render()
		w := start(t, Options{Config: Config{
			Alertmanagers: []alerting.Alertmanager{one.at("http://one"), second}, Render: o,
			Relabel: rules(t, `
- {source_labels: [cluster, job], separator: /, target_label: where}
- {regex: cluster, action: labeldrop}
- {source_labels: [leak], regex: leak-0001, action: drop}`),
		}})
		defer w.stop()
		for range 3 {
			w.Update(many(3), time.Now())
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		got := one.got()
		require.Len(t, got, 2)
		require.Equal(t, labels.FromStrings("alertname", "GoroutineLeak", "severity", "warning", "leak", "leak-0000", "namespace", "prod", "job", "checkout", "where", "eu-1/checkout"), got["leak-0000"][0].Labels)
		require.Len(t, got["leak-0002"], 3)
		got = two.got()
		require.Len(t, got, 1)
		require.Equal(t, "team-checkout", got["leak-0000"][2].Labels.Get("team"))
		require.Zero(t, w.Status()[0].Dropped, "what is left out on purpose is no loss")
	})
}

// TestLegacyNames: an Alertmanager that takes no UTF-8 in label names gets the alerts with
// other names.
func TestLegacyNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var old receiver
		old.answering(func(_ *http.Request, alerts []alerting.Alert) (int, error) {
			for _, a := range alerts {
				bad := strings.Contains(a.Labels.Get("job"), "worse")
				a.Labels.Range(func(l labels.Label) { bad = bad || !model.LegacyValidation.IsValidLabelName(l.Name) })
				if bad {
					return http.StatusBadRequest, nil
				}
			}
			return http.StatusOK, nil
		})
		w := start(t, Options{Config: Config{Alertmanagers: []alerting.Alertmanager{old.at("http://old")}}})
		defer w.stop()
		leaks := many(20)
		leaks[3].Service = labels.FromStrings("k8s.pod/name é", "x", "job", "dots")
		leaks[7].Service = labels.FromStrings("k8s.pod/name é", "x", "job", "worse")
		leaks[9].Service = labels.FromStrings("job", "worse")
		w.minutes(1, fixed(leaks))
		got := old.got()
		require.Len(t, got, 18)
		require.Equal(t, "x", got["leak-0003"][0].Labels.Get("k8s_pod_name__"))
		require.Equal(t, 1, w.lines("accepts only letters"))
		require.Equal(t, 2, w.lines("rejects an alert"))
		require.InDelta(t, 2, w.metric("gorowatch_alerting_dropped_total", "alertmanager", "http://old", "reason", "rejected"), 0)

		w.minutes(1, fixed([]leak.Leak{leaks[3]}))
		require.Len(t, old.take(), 1, "it is known now")
	})
}
