package notify

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// No alert, message or metric contains a label of 200 kB as a whole.
func TestHugeLabels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		var am receiver
		huge := strings.Repeat("x", 200<<10)
		l := firing("a", time.Now())
		l.Service = labels.FromStrings("job", huge, "namespace", huge+"y")
		o := alerting.RenderOptions{ExternalLabels: labels.FromStrings("cluster", huge)}
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}, Alertmanagers: []alerting.Alertmanager{am.at("http://am")}, Render: o}})
		defer w.stop()
		w.Update([]leak.Leak{l}, time.Now())
		synctest.Wait()
		alert := am.take()[0].alerts[0]
		for _, name := range []string{"job", "namespace", "cluster"} {
			require.Len(t, alert.Labels.Get(name), 512, name)
		}
		require.NotEqual(t, alert.Labels.Get("job"), alert.Labels.Get("namespace"))
		text, err := json.Marshal(h.messages[0])
		require.NoError(t, err)
		require.Less(t, len(text), 16<<10)
		require.Equal(t, alert.Labels.Get("job"), h.messages[0].GroupLabels["job"])
		require.Equal(t, alert.Labels.Get("job"), h.messages[0].Alerts[0].Labels["job"])
		require.Less(t, w.log.Len(), 16<<10)

		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(alerting.NewGauges(func() []leak.Leak { return []leak.Leak{l} }, func() alerting.RenderOptions { return o }))
		families, err := reg.Gather()
		require.NoError(t, err)
		found := false
		for _, f := range families {
			for _, m := range f.GetMetric() {
				for _, x := range m.GetLabel() {
					require.LessOrEqual(t, len(x.GetValue()), 512)
					found = found || x.GetName() == "job" && x.GetValue() == alert.Labels.Get("job")
				}
			}
		}
		require.True(t, found, "a metric has the labels of the alert")
	})
}
