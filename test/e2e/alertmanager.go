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

// Alertmanager is a real one that tells a Receiver about every alert by
// itself, at once.
type Alertmanager struct {
	*Program
	Address string // host:port
}

// StartAlertmanager runs an Alertmanager that notifies to.
func StartAlertmanager(t testing.TB, to *Receiver) *Alertmanager {
	t.Helper()
	path := tool(t, "alertmanager", "alertmanager")
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	access := ""
	if to.Token != "" {
		access = fmt.Sprintf(", http_config: {authorization: {credentials: %q}}", to.Token)
	}
	write(t, config, fmt.Sprintf(`route:
  receiver: test
  group_by: ['...']
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
- name: test
  webhook_configs: [{url: %q, send_resolved: true%s}]
`, to.URL, access))
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

// Alert is an alert as Alertmanager passes it on.
type Alert struct {
	Status      string            `json:"status"` // firing or resolved
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	UpdatedAt   time.Time         `json:"updatedAt"` // when it was sent last; of those that are held alone
	Fingerprint string            `json:"fingerprint"`
}

// Alerts are those that Alertmanager holds active now, as they were sent last.
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

// Receiver is a webhook that keeps the notifications it gets.
type Receiver struct {
	URL string
	// Token is the bearer token that it wants; empty: none.
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

// Alerts are all notifications so far, in order, of alerts that have these
// labels.
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

// History is how an alert went, in a line for people: "firing, resolved".
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
