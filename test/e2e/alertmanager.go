package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Alertmanager is a real one that notifies a Receiver about every alert separately, at once.
type Alertmanager struct {
	*Program
	Address string // host:port
}

// StartAlertmanager runs an Alertmanager that notifies to.
func StartAlertmanager(t testing.TB, to *Receiver) *Alertmanager {
	t.Helper()
	access := ""
	if to.Token != "" {
		access = fmt.Sprintf(", http_config: {authorization: {credentials: %q}}", to.Token)
	}
	return StartAlertmanagerWith(t, fmt.Sprintf(`route:
  receiver: test
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: test
  webhook_configs: [{url: %q, send_resolved: true%s}]
`, to.URL, access))
}

// StartAlertmanagerWith runs an Alertmanager with a configuration.
func StartAlertmanagerWith(t testing.TB, text string) *Alertmanager {
	t.Helper()
	path := tool(t, "alertmanager", "alertmanager")
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	write(t, config, text)
	p, addr := startOnFreePort(t, "alertmanager", path,
		func(addr string) []string {
			return []string{
				"--config.file=" + config,
				"--storage.path=" + filepath.Join(dir, "data"),
				"--web.listen-address=" + addr,
				"--cluster.listen-address=",
			}
		},
		func(addr string) error { return answers("http://" + addr + "/-/ready") })
	return &Alertmanager{Program: p, Address: addr}
}

// Alert is an alert that Alertmanager passes on.
type Alert struct {
	Status      string            `json:"status"` // firing or resolved
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	UpdatedAt   time.Time         `json:"updatedAt"` // when it was last sent; only for alerts that Alertmanager holds
	Fingerprint string            `json:"fingerprint"`
}

// Alerts returns the active alerts of Alertmanager, as last sent.
func (a *Alertmanager) Alerts(t testing.TB) []Alert {
	t.Helper()
	var held []struct {
		Alert
		Status struct {
			State string `json:"state"`
		} `json:"status"`
	}
	getJSON(t, "http://"+a.Address+"/api/v2/alerts?active=true", &held)
	alerts := make([]Alert, 0, len(held))
	for _, h := range held {
		h.Alert.Status = "firing"
		alerts = append(alerts, h.Alert)
	}
	return alerts
}

// Receiver is a webhook that stores its notifications.
type Receiver struct {
	URL string
	// Token is the required bearer token; empty: none.
	Token string

	mu     sync.Mutex
	alerts []Alert
}

// StartReceiver listens for Alertmanager's webhooks until the test ends.
func StartReceiver(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

// ServeHTTP takes one notification.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var payload struct {
		Version string  `json:"version"`
		Alerts  []Alert `json:"alerts"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20)).Decode(&payload); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if payload.Version != "4" {
		http.Error(w, "version "+payload.Version+", want 4", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alerts = append(r.alerts, payload.Alerts...)
}

// Alerts returns all notifications so far, in order, of alerts that have these labels.
func (r *Receiver) Alerts(labels map[string]string) []Alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.alerts), func(a Alert) bool {
		for name, value := range labels {
			if a.Labels[name] != value {
				return true
			}
		}
		return false
	})
}

// History describes the course of an alert in a line: "firing, resolved".
func History(alerts []Alert) string {
	words := make([]string, 0, len(alerts))
	for _, a := range alerts {
		words = append(words, a.Status+" "+a.Labels["leak"])
	}
	if len(words) == 0 {
		return "silent"
	}
	return strings.Join(words, ", ")
}
