package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// An incoming alert goes through a real Alertmanager to gorowatch, which takes profiles at
// once. The leak goes to a webhook directly, once, although gorowatch is killed and started
// again.
func TestWebhooksInAndOut(t *testing.T) {
	t.Parallel()
	built(t, buildGorowatch, "gorowatch")
	built(t, buildScenarios, leaks[0].name)
	receiver := StartReceiver(t)
	const name = "webrequest"
	leaky := StartScenario(t, name, "")
	prometheus := StartPrometheus(t, job(leakyNamespace, name, leaky.Address))
	config := fmt.Sprintf(`
global: {evaluation_interval: 1s}
prometheus: {url: %s, load: 'rate(process_cpu_seconds_total[15s])'}
trend: {base: 1s}
profiles: {baseline_interval: 10s, suspicion_interval: 2s}
alerting:
  inbound: {credentials_file: inbound-token}
  webhooks:
  - {name: chat, url: %q}
  annotations: {runbook_url: 'https://wiki.example.org/{{ .Labels.job }}'}
`, prometheus.URL, receiver.URL)
	dir, bucket := t.TempDir(), t.TempDir()
	const token = "abacus"
	write(t, filepath.Join(dir, "inbound-token"), token+"\n")
	storage := "--storage.url=file://" + filepath.ToSlash(bucket)
	gorowatch := StartGorowatch(t, dir, config, storage)
	gorowatch.WaitReady(t)

	// In: an alert for the service, and one for another.
	inbound := &Receiver{URL: gorowatch.URL + "/api/v1/alertmanager-webhook", Token: token}
	alertmanager := StartAlertmanager(t, inbound)
	alert := func(job string) map[string]any {
		return map[string]any{"labels": map[string]string{"alertname": "TooManyGoroutines", "namespace": leakyNamespace, "job": job}}
	}
	body, err := json.Marshal([]any{alert(name), alert("nosuch")})
	require.NoError(t, err)
	Eventually(t, startTime, "Alertmanager's word is taken", func() error {
		resp, err := http.Post("http://"+alertmanager.Address+"/api/v2/alerts", "application/json", bytes.NewReader(body))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var answer struct {
			Data struct {
				Captures []struct {
					Why      string
					Profiles []struct{ Key string }
				}
			}
		}
		getJSON(t, gorowatch.URL+"/api/v1/captures?match="+url.QueryEscape(`job="`+name+`"`), &answer)
		if c := answer.Data.Captures; len(c) == 0 || len(c[0].Profiles) == 0 || c[0].Why != "TooManyGoroutines" {
			return fmt.Errorf("captured: %+v", answer)
		}
		return nil
	})
	require.NotZero(t, gorowatch.Metric(t, `gorowatch_inbound_alerts_total{result="unknown"}`))

	// Out.
	Eventually(t, untilAlerts, "the webhook is notified", func() error {
		if len(receiver.Alerts(service(leakyNamespace, name))) == 0 {
			return fmt.Errorf("it is silent")
		}
		return nil
	})
	id := receiver.Alerts(nil)[0].Labels["leak"]
	require.Equal(t, "https://wiki.example.org/"+name, receiver.Alerts(nil)[0].Annotations["runbook_url"])
	note := filepath.Join(bucket, "notes", id+".json")
	Eventually(t, startTime, "it is noted", func() error { _, err := os.Stat(note); return err })
	gorowatch.Kill(t)
	gorowatch = StartGorowatch(t, dir, config, storage)
	gorowatch.WaitReady(t)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Second) {
		require.Equal(t, "firing "+id, History(receiver.Alerts(nil)), "each thing once")
	}
	require.NotZero(t, gorowatch.Metric(t, "gorowatch_leak_goroutines"))
}
