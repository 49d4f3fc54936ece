package main

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"
)

// Alert is a posted alert, with its first and its last text.
type Alert struct {
	Job         string            `json:"job"`
	Labels      map[string]string `json:"labels"`
	At          time.Time         `json:"first"`
	Last        time.Time         `json:"last"`
	Resolved    bool              `json:"resolved"`
	First       map[string]string `json:"annotations_first"`
	Annotations map[string]string `json:"annotations_last"`
}

// Alertmanager accepts alerts like Alertmanager, and stores them.
type Alertmanager struct {
	server   *http.Server
	listener net.Listener

	mu     sync.Mutex
	alerts map[string]*Alert
	order  []*Alert
}

// newAlertmanager listens on its own address.
func newAlertmanager() (*Alertmanager, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &Alertmanager{listener: listener, alerts: map[string]*Alert{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/alerts", a.post)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(listener) }() // until it is closed
	return a, nil
}

func (a *Alertmanager) addr() string { return a.listener.Addr().String() }

func (a *Alertmanager) post(w http.ResponseWriter, r *http.Request) {
	var posted []struct {
		Labels, Annotations map[string]string
		EndsAt              time.Time
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&posted); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range posted {
		key := p.Labels["job"] + "\xff" + p.Labels["leak"] + "\xff" + p.Labels["severity"]
		alert := a.alerts[key]
		if alert == nil {
			alert = &Alert{Job: p.Labels["job"], Labels: p.Labels, At: now, First: p.Annotations}
			a.alerts[key] = alert
			a.order = append(a.order, alert)
		}
		alert.Last, alert.Annotations = now, p.Annotations
		alert.Resolved = !p.EndsAt.IsZero() && p.EndsAt.Before(now)
	}
}

// of returns the alerts about a job, the first one first.
func (a *Alertmanager) of(job string) (alerts []Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alert := range a.order {
		if alert.Job == job {
			alerts = append(alerts, *alert)
		}
	}
	return alerts
}
