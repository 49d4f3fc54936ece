package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The servers and the services work without gorowatch: Prometheus sees the leak of one twin and
// none of the other.
func TestPrometheusSeesWhatLeaks(t *testing.T) {
	leaky := StartScenario(t, "logwriter", "")
	fixed := StartScenario(t, "logwriter", "", "--fixed")
	prometheus := StartPrometheus(t,
		Job{Name: "logwriter", Labels: map[string]string{"namespace": "leaky"}, Targets: []string{leaky.Address}},
		Job{Name: "logwriter-fixed", Labels: map[string]string{"namespace": "fixed"}, Targets: []string{fixed.Address}},
	)
	Eventually(t, startTime, "both are scraped", func() error {
		if up := prometheus.Value(t, "up"); up != 2 {
			return fmt.Errorf("%g are up, want 2", up)
		}
		return nil
	})
	load := Load{
		Every: 100 * time.Millisecond, AtATime: 4, Patience: time.Second,
		Method: http.MethodPost, Body: "an entry",
		Path: func(int) string { return "/entries" },
	}
	traffic := []*Traffic{load.Start(t, leaky.Address), load.Start(t, fixed.Address)}
	Eventually(t, startTime, "the leak shows", func() error {
		more := prometheus.Value(t, `go_goroutines{namespace="leaky"}`) - prometheus.Value(t, `go_goroutines{namespace="fixed"}`)
		if more < 20 {
			return fmt.Errorf("%g goroutines more than in the twin, want 20", more)
		}
		return nil
	})
	for _, tr := range traffic {
		require.NotZero(t, tr.Answered.Load(), "%s", tr)
		require.Zero(t, tr.Failed.Load(), "%s", tr)
	}
}

func TestAlertmanagerTellsTheReceiver(t *testing.T) {
	receiver := StartReceiver(t)
	alertmanager := StartAlertmanager(t, receiver)
	post := func(endsAt time.Time) {
		body := fmt.Sprintf(`[{"labels": {"alertname": "Test", "leak": "1a"}, "annotations": {"summary": "hello"}, "endsAt": %q}]`, endsAt.Format(time.RFC3339Nano))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+alertmanager.Address+"/api/v2/alerts", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
	}
	wait := func(want string) {
		Eventually(t, startTime, want, func() error {
			if got := History(receiver.Alerts(map[string]string{"alertname": "Test"})); got != want {
				return fmt.Errorf("got %s", got)
			}
			return nil
		})
	}
	post(time.Now().Add(time.Hour))
	wait("firing 1a")
	require.Equal(t, "hello", alertmanager.Alerts(t)[0].Annotations["summary"])
	require.Empty(t, receiver.Alerts(map[string]string{"alertname": "Other"}))
	post(time.Now())
	wait("firing 1a, resolved 1a")
}

func TestScenariosEndAndComeBackOnTheSameAddress(t *testing.T) {
	first := StartScenario(t, "execjob", "")
	client := Load{Every: 50 * time.Millisecond, AtATime: 1, Patience: 100 * time.Millisecond, Method: http.MethodPost, Path: func(int) string { return "/report" }}
	traffic := client.Start(t, first.Address)
	Eventually(t, startTime, "a client gives up", func() error {
		if traffic.GaveUp.Load() == 0 {
			return errNotYet
		}
		return nil
	})
	first.Stop(t)
	second := StartScenario(t, "execjob", first.Address, "--fixed")
	require.Equal(t, first.Address, second.Address)
}
