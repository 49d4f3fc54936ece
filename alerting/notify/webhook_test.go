package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/leak"
)

// bucket stores notes, unless it is full.
type bucket struct {
	mu    sync.Mutex
	notes map[string][]byte
	full  error
}

func (b *bucket) Notes(context.Context) (map[string][]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.notes), b.full
}

func (b *bucket) SaveNote(_ context.Context, id string, text []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.notes == nil {
		b.notes = map[string][]byte{}
	}
	if b.full == nil {
		b.notes[id] = text
	}
	return b.full
}

func (b *bucket) DeleteNote(_ context.Context, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.notes, id)
	return b.full
}

func (b *bucket) fails(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full = err
}

// hook answers the requests of a webhook, without a network.
type hook struct {
	mu       sync.Mutex
	url      string
	messages []payload
	asked    int
	times    []time.Time                  // of each request
	answer   func(m payload) (int, error) // nil: 200
	header   http.Header                  // of each answer
}

// payload is what receivers of Alertmanager's webhooks decode.
type payload struct {
	Version           string            `json:"version"`
	GroupKey          string            `json:"groupKey"`
	TruncatedAlerts   *int              `json:"truncatedAlerts"`
	Status            string            `json:"status"`
	Receiver          string            `json:"receiver"`
	GroupLabels       map[string]string `json:"groupLabels"`
	CommonLabels      map[string]string `json:"commonLabels"`
	CommonAnnotations map[string]string `json:"commonAnnotations"`
	ExternalURL       string            `json:"externalURL"`
	Alerts            amtemplate.Alerts `json:"alerts"`
}

func (h *hook) RoundTrip(req *http.Request) (*http.Response, error) {
	var m payload
	if err := json.NewDecoder(req.Body).Decode(&m); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.asked++
	h.times = append(h.times, time.Now())
	h.url = req.URL.String()
	answer := h.answer
	h.mu.Unlock()
	status, err := http.StatusOK, error(nil)
	if answer != nil { // which may take its time
		status, err = answer(m)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if status == http.StatusOK {
		h.messages = append(h.messages, m)
	}
	return &http.Response{StatusCode: status, Header: h.header.Clone(), Body: io.NopCloser(strings.NewReader("because")), Request: req}, nil
}

func (h *hook) answering(f func(m payload) (int, error)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

// take returns what has arrived since the last call: "firing a", "resolved a critical".
func (h *hook) take() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.messages {
		for _, a := range m.Alerts {
			text := a.Status + " " + a.Labels["leak"]
			if a.Labels["severity"] != string(alerting.Warning) {
				text += " " + a.Labels["severity"]
			}
			all = append(all, text)
		}
	}
	h.messages = nil
	return all
}

func (h *hook) webhook(name string) alerting.Webhook {
	u := &url.URL{Scheme: "http", Host: "hook", Path: "/T0/secret"}
	return alerting.Webhook{Name: name, URL: func() (*url.URL, error) { return u, nil }, Client: &http.Client{Transport: h}, ExternalURL: "http://gw/"}
}

func of(job string, l leak.Leak) leak.Leak {
	l.Service = labels.FromStrings("namespace", "prod", "job", job)
	return l
}

// TestWebhookStory: each state is delivered once, across restarts and outages.
func TestWebhookStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		var b bucket
		o := Options{Notes: &b, Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}, Render: alerting.RenderOptions{Limit: 10_000, CriticalWithin: time.Hour}}}
		w := start(t, o)
		a, x := near("a", 10), near("x", 10)
		w.minutes(5, fixed([]leak.Leak{a}))
		require.Equal(t, []string{"firing a"}, h.take())
		require.Equal(t, "http://hook/T0/secret", h.url)

		// A restart changes nothing.
		w.stop()
		w = start(t, o)
		w.minutes(3, fixed([]leak.Leak{a}))
		require.Empty(t, h.take())

		// The webhook is down for ten minutes. Meanwhile one leak begins and one becomes
		// critical.
		h.answering(func(payload) (int, error) { return 0, errors.New("connection refused") })
		a.Rate.Value = 2000
		w.minutes(10, fixed([]leak.Leak{a, x}))
		require.Less(t, h.asked, 40, "it is asked less and less often")
		require.Equal(t, 1, w.lines("; retrying"))
		require.Equal(t, alerting.Failing, w.Status()[0].State)
		require.Equal(t, 2, w.Status()[0].Queued)
		h.answering(nil)
		w.minutes(2, fixed([]leak.Leak{a, x}))
		require.ElementsMatch(t, []string{"firing a critical", "firing x"}, h.take())
		require.Equal(t, 1, w.lines("accepts alerts again"))

		// The bucket is full when the leak ends: the note follows later.
		b.fails(errors.New("no space left on device"))
		a = ended(a, time.Now())
		w.minutes(3, fixed([]leak.Leak{a, x}))
		require.ElementsMatch(t, []string{"resolved a", "resolved a critical"}, h.take())
		require.Equal(t, 1, w.lines("Cannot save webhook delivery state"))
		b.fails(nil)
		w.minutes(2, fixed([]leak.Leak{a, x}))
		w.stop()
		require.Equal(t, 1, w.lines("delivery state is saved again"))
		w = start(t, o)
		defer func() { w.stop() }()
		w.minutes(3, fixed([]leak.Leak{a, x}))
		require.Empty(t, h.take())

		// It comes back.
		a.State = leak.Firing
		w.minutes(2, fixed([]leak.Leak{a, x}))
		require.ElementsMatch(t, []string{"firing a", "firing a critical"}, h.take())

		// A day after all leaks are gone, the notes are deleted.
		require.Len(t, b.notes, 2)
		w.minutes(60*24+5, fixed(nil))
		require.Empty(t, h.take())
		require.Empty(t, b.notes)
		w.stop()
	})
}

// TestWebhookMessage: the message is the one that Alertmanager would send.
func TestWebhookMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		to := h.webhook("chat")
		to.MaxAlerts = 2
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{to}, Render: render()}})
		defer w.stop()
		leaks := []leak.Leak{of("shop", firing("a", time.Now())), of("shop", firing("b", time.Now())), of("shop", firing("c", time.Now())), of("pay", firing("d", time.Now()))}
		w.Update(leaks, time.Now())
		synctest.Wait()
		require.Len(t, h.messages, 3, "one a service, with two alerts at most")
		m := h.messages[1]
		require.Equal(t, "4", m.Version)
		require.Equal(t, "firing", m.Status)
		require.Equal(t, "chat", m.Receiver)
		require.Equal(t, "http://gw/", m.ExternalURL)
		require.NotNil(t, m.TruncatedAlerts)
		require.Zero(t, *m.TruncatedAlerts)
		require.Equal(t, map[string]string{"alertname": "GoroutineLeak", "job": "shop", "namespace": "prod"}, m.GroupLabels)
		require.Equal(t, `{}:{alertname="GoroutineLeak", job="shop", namespace="prod"}`, m.GroupKey)
		require.Equal(t, map[string]string{"alertname": "GoroutineLeak", "job": "shop", "namespace": "prod", "severity": "warning", "cluster": "eu-1"}, m.CommonLabels)
		require.Equal(t, "+212 goroutines/h (95 %: 190 to 240), 1,904 leaked, on 3 of 8 instances: 10.0.0.7:8080, 10.0.0.8:8080, 10.0.0.9:8080", m.CommonAnnotations["growth"])
		require.Len(t, m.Alerts, 2)
		alert := alerting.Render(leaks[0], alerting.Warning, render())
		require.Equal(t, alert.Annotations, map[string]string(m.Alerts[0].Annotations))
		require.Equal(t, alert.GeneratorURL, m.Alerts[0].GeneratorURL)
		require.True(t, m.Alerts[0].StartsAt.Equal(leaks[0].DetectedAt))
		require.Zero(t, m.Alerts[0].EndsAt)
		require.Len(t, m.Alerts[0].Fingerprint, 16)
		require.NotEqual(t, m.Alerts[0].Fingerprint, m.Alerts[1].Fingerprint)

		h.take()
		over := time.Now()
		w.Update([]leak.Leak{ended(leaks[0], over)}, over)
		synctest.Wait()
		require.Equal(t, "resolved", h.messages[0].Status)
		require.True(t, h.messages[0].Alerts[0].EndsAt.Equal(over))
	})
}

// TestWebhookRefuses: an alert that the webhook refuses does not block others, and is tried
// again at intervals.
func TestWebhookRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		w := start(t, Options{Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		defer w.stop()
		h.answering(func(m payload) (int, error) {
			if slices.ContainsFunc(m.Alerts, func(a amtemplate.Alert) bool { return a.Labels["leak"] == "leak-0003" }) {
				return http.StatusBadRequest, nil
			}
			return http.StatusOK, nil
		})
		leaks := many(5)
		w.minutes(31, fixed(leaks))
		require.ElementsMatch(t, []string{"firing leak-0000", "firing leak-0001", "firing leak-0002", "firing leak-0004"}, h.take())
		require.Equal(t, 3, w.lines("rejects an alert"), "each quarter of an hour: %s", w.log)
		require.Contains(t, w.log.String(), "400 Bad Request: because")
		require.InDelta(t, 3, w.metric("gorowatch_alerting_webhook_messages_total", "webhook", "chat", "result", "rejected"), 0)
		h.answering(nil)
		w.minutes(16, fixed(leaks))
		require.Equal(t, []string{"firing leak-0003"}, h.take())
		require.NotContains(t, w.log.String(), "secret")
	})
}

// TestWebhookConfiguration: what a reload may change.
func TestWebhookConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h, other hook
		config := func(ws ...alerting.Webhook) Config { return Config{Webhooks: ws} }
		w := start(t, Options{Config: config(h.webhook("chat"))})
		defer w.stop()
		leaks := many(3)
		w.minutes(1, fixed(leaks))
		require.Len(t, h.take(), 3)

		err := w.ApplyConfig(config(alerting.Webhook{}, alerting.Webhook{Name: "x"}, h.webhook("chat"), h.webhook("chat")))
		require.EqualError(t, err, "webhook 1: the name is missing\nwebhook 2: URL is missing\nwebhook 4: the name \"chat\" is taken")

		silent := other.webhook("silent")
		silent.SkipResolved = true
		silent.Relabel = rules(t, `[{source_labels: [leak], regex: leak-0001, action: drop}]`)
		moved := h.webhook("chat")
		moved.URL = func() (*url.URL, error) { return nil, errors.New("url_file: no such file") }
		require.NoError(t, w.ApplyConfig(config(moved, silent)))
		leaks[2] = ended(leaks[2], time.Now())
		w.minutes(3, fixed(leaks))
		require.Empty(t, h.take())
		require.Contains(t, w.log.String(), "no such file")
		require.Equal(t, []string{"firing leak-0000"}, other.take(), "no resolution of an alert that it never got")
		leaks[0] = ended(leaks[0], time.Now())
		w.minutes(3, fixed(leaks))
		require.Empty(t, other.take())

		require.NoError(t, w.ApplyConfig(config(h.webhook("chat"))))
		w.minutes(3, fixed(leaks))
		require.ElementsMatch(t, []string{"resolved leak-0002", "resolved leak-0000"}, h.take())
		families, err := w.reg.Gather()
		require.NoError(t, err)
		require.NotContains(t, fmt.Sprint(families), "silent")
	})
}

// TestNotesThatCannotBeRead: without the notes, alerts arrive twice rather than never.
func TestNotesThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h hook
		b := bucket{notes: map[string][]byte{"leak-0000": []byte("{"), "leak-0001": []byte(`{"told":{"chat":{"warning":{"state":"firing"}}}}`)}}
		w := start(t, Options{Notes: &b, Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		w.minutes(2, fixed(many(2)))
		require.Equal(t, []string{"firing leak-0000"}, h.take())
		require.Equal(t, 1, w.lines("Cannot read the delivery state"))
		w.stop()
		b.fails(errors.New("denied"))
		w = start(t, Options{Notes: &b, Config: Config{Webhooks: []alerting.Webhook{h.webhook("chat")}}})
		defer w.stop()
		require.Equal(t, 1, w.lines("Cannot load webhook delivery state"))
	})
}
