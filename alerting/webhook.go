package alerting

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/internal/leak"
)

// Webhook is a URL that is told of leaks directly, in the words of
// Alertmanager: each thing once, also over restarts.
type Webhook struct {
	// Name is its identity in the notes and in metrics. It holds no secret.
	Name string
	// URL is asked for before each request: it may be in a file.
	URL func() (*url.URL, error)
	// Client sends the requests. Nil: a plain one.
	Client *http.Client
	// Timeout of one request, DefaultTimeout if 0.
	Timeout time.Duration
	// SkipResolved: the end of a leak is not told.
	SkipResolved bool
	// MaxAlerts bounds the alerts of one message; those that are left come in
	// the next. 0: 64.
	MaxAlerts int
	// Relabel rewrites the labels of the alerts for it, or drops alerts.
	Relabel []*relabel.Config
	// ExternalURL is where people reach the pages, for the message.
	ExternalURL string
}

func (w *Webhook) complete() error {
	switch {
	case w.Name == "":
		return errors.New("the name is missing")
	case w.URL == nil:
		return errors.New("URL is missing")
	case w.Timeout < 0:
		return fmt.Errorf("timeout %s: must be positive", w.Timeout)
	case w.MaxAlerts < 0:
		return fmt.Errorf("max alerts %d: must not be negative", w.MaxAlerts)
	}
	w.Timeout = cmp.Or(w.Timeout, DefaultTimeout)
	w.MaxAlerts = cmp.Or(w.MaxAlerts, maxBatch)
	return nil
}

// news is an alert whose state a webhook does not know yet.
type news struct {
	notice
	alert Alert
}

// refusedFor is how long an alert is left alone that a webhook refused with an
// answer that trying again does not mend.
const refusedFor = 15 * time.Minute

// hookLoop tells one webhook the news. What it has been told is in the book, so
// there is nothing that a full queue or a restart could lose: the next Update
// brings again what has not been told.
type hookLoop struct {
	name     string
	logger   *slog.Logger
	metrics  *metrics
	book     *notebook
	capacity int
	work     chan struct{}
	// gone is done when it left the configuration.
	gone  context.Context
	leave context.CancelFunc

	mu      sync.Mutex // guards all below
	to      Webhook
	pending map[string]news      // by key
	refused map[string]time.Time // until when an alert is left alone, by key and state
	removed bool
	health  Health
	since   time.Time
	lastErr string
	success time.Time
	sent    int64
	dropped int64
}

func newHookLoop(w Webhook, capacity int, book *notebook, m *metrics, logger *slog.Logger) *hookLoop {
	h := &hookLoop{
		name: w.Name, logger: logger.With("webhook", w.Name), metrics: m, book: book, capacity: capacity,
		work: make(chan struct{}, 1), pending: map[string]news{}, refused: map[string]time.Time{}, health: Unknown,
	}
	h.gone, h.leave = context.WithCancel(context.Background())
	return h
}

// replace takes over a new configuration of the same webhook.
func (h *hookLoop) replace(to Webhook) {
	to.Client = careful(to.Client, "set the url of the webhook to where it answers")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.to = to
	clear(h.refused) // perhaps that was the mistake
}

// remove ends the loop and forgets the webhook.
func (h *hookLoop) remove() {
	h.mu.Lock()
	h.removed = true
	h.mu.Unlock()
	h.leave()
	h.metrics.removeWebhook(h.name)
}

// wants says whether there is something to say, or still to say: then with
// what is known by now. What was to be said and has passed is forgotten.
func (h *hookLoop) wants(x notice) bool {
	state, key := x.leak.State, x.key()
	told := h.book.told(h.name, x.leak.ID, x.severity)
	h.mu.Lock()
	defer h.mu.Unlock()
	news := told != state && (state == leak.Firing || told == leak.Firing)
	if !news {
		delete(h.pending, key)
		return false
	}
	if until, ok := h.refused[key+string(state)]; ok && time.Now().Before(until) {
		return false
	}
	return true
}

// add takes news, to be sent when the update has ended.
func (h *hookLoop) add(x news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var keep bool
	if x.alert.Labels, keep = relabelled(x.alert.Labels, h.to.Relabel); !keep {
		return
	}
	if x.leak.State == leak.Resolved && h.to.SkipResolved {
		h.book.tell(h.name, x.leak.ID, x.severity, told{leak.Resolved, time.Now()})
		return
	}
	if len(h.pending) >= h.capacity {
		return // the next Update brings it again
	}
	h.pending[x.key()] = x
	h.metrics.pending.WithLabelValues(h.name).Set(float64(len(h.pending)))
}

// updated ends an update: what is about leaks that are not known any more is
// forgotten, and the rest sent, once all of it is there.
func (h *hookLoop) updated(live map[string]bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key, x := range h.pending {
		if !live[x.leak.ID] {
			delete(h.pending, key)
		}
	}
	now := time.Now()
	for key, until := range h.refused {
		if !now.Before(until) {
			delete(h.refused, key)
		}
	}
	if len(h.pending) > 0 {
		select {
		case h.work <- struct{}{}:
		default:
		}
	}
}

// run tells what there is until ctx is done, then what is left, once.
func (h *hookLoop) run(ctx, sending context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, kill := context.WithCancel(sending)
	defer kill()
	defer context.AfterFunc(h.gone, func() { stop(); kill() })()

	backoff := minBackoff
	for {
		select {
		case <-ctx.Done():
			_ = h.tell(sending) // what could not be told is news after the restart
			return
		case <-h.work:
		}
		for h.tell(sending) != nil && ctx.Err() == nil {
			backoff = pause(ctx, backoff)
		}
		backoff = minBackoff
	}
}

// tell sends what is pending, a message for each service. An error says that it
// should be tried again later.
func (h *hookLoop) tell(ctx context.Context) error {
	for _, group := range h.groups() {
		if err := h.deliver(ctx, group); err != nil {
			return err
		}
	}
	return nil
}

// deliver sends a message, or its alerts one by one if one of them may be why
// the webhook does not take it.
func (h *hookLoop) deliver(ctx context.Context, group []news) error {
	h.mu.Lock()
	to := h.to
	h.mu.Unlock()
	err := h.send(ctx, to, group)
	switch {
	case err == nil:
		h.took(group)
	case ctx.Err() != nil: // we ended it
		return err
	case failureOf(err) == failRejected && len(group) > 1:
		for i := range group {
			if err := h.deliver(ctx, group[i:i+1]); err != nil {
				return err
			}
		}
	case refuses(err):
		h.refuse(group, err)
	default:
		h.failed(err)
		return err
	}
	return nil
}

// groups are the messages that there are to send: the news of each service, the
// longest known first.
func (h *hookLoop) groups() (out [][]news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]news, 0, len(h.pending))
	for _, x := range h.pending {
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b news) int {
		return cmp.Or(labels.Compare(a.leak.Service, b.leak.Service), leak.ByDetection(a.leak, b.leak), cmp.Compare(a.severity, b.severity))
	})
	for i, x := range all {
		last := len(out) - 1
		if i == 0 || !labels.Equal(all[i-1].leak.Service, x.leak.Service) || len(out[last]) >= h.to.MaxAlerts {
			out = append(out, nil)
			last++
		}
		out[last] = append(out[last], x)
	}
	return out
}

// message is the payload of Alertmanager's webhooks, version 4.
type message struct {
	*amtemplate.Data
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

func newMessage(to Webhook, group []news) message {
	b := labels.NewBuilder(group[0].leak.Service)
	b.Set(labels.AlertName, AlertName)
	by := b.Labels()
	m := message{
		Version:  "4",
		GroupKey: "{}:" + by.String(),
		Data: &amtemplate.Data{
			Receiver: to.Name, Status: string(model.AlertResolved), GroupLabels: by.Map(), ExternalURL: to.ExternalURL,
			CommonLabels: group[0].alert.Labels.Map(), CommonAnnotations: amtemplate.KV{},
		},
	}
	for name, value := range group[0].alert.Annotations {
		m.CommonAnnotations[name] = value
	}
	for _, x := range group {
		a := amtemplate.Alert{
			Status: string(model.AlertResolved), Labels: x.alert.Labels.Map(), Annotations: x.alert.Annotations,
			StartsAt: x.alert.StartsAt, GeneratorURL: x.alert.GeneratorURL, Fingerprint: fingerprint(x.alert.Labels),
		}
		if x.leak.State == leak.Firing {
			a.Status, m.Status = string(model.AlertFiring), string(model.AlertFiring)
		} else {
			a.EndsAt = x.alert.EndsAt // as there, that of what fires is not told
		}
		m.Alerts = append(m.Alerts, a)
		common(m.CommonLabels, a.Labels)
		common(m.CommonAnnotations, a.Annotations)
	}
	return m
}

// common leaves in all what is in the other too.
func common(all, other amtemplate.KV) {
	for name, value := range all {
		if v, ok := other[name]; !ok || v != value {
			delete(all, name)
		}
	}
}

// fingerprint is that by which Alertmanager knows an alert.
func fingerprint(ls labels.Labels) string {
	set := make(model.LabelSet, ls.Len())
	ls.Range(func(l labels.Label) { set[model.LabelName(l.Name)] = model.LabelValue(l.Value) })
	return set.Fingerprint().String()
}

func (h *hookLoop) send(ctx context.Context, to Webhook, group []news) error {
	u, err := to.URL()
	if err != nil {
		return &requestError{failOther, err}
	}
	body, err := json.Marshal(newMessage(to, group))
	if err != nil {
		return &requestError{failOther, fmt.Errorf("encoding alerts: %w", err)}
	}
	return send(ctx, to.Client, to.Timeout, u.String(), body)
}

// refuses tells whether trying again soon is of no use.
func refuses(err error) bool {
	switch failureOf(err) {
	case failRejected, fail4xx, failAuth, failRedirect:
		return true
	}
	return false
}

// took notes that news arrived.
func (h *hookLoop) took(group []news) {
	now := time.Now()
	for _, x := range group {
		h.book.tell(h.name, x.leak.ID, x.severity, told{x.leak.State, now})
	}
	h.record(group, "ok", func() {
		h.sent += int64(len(group))
		h.success, h.lastErr = now, ""
		switch h.health {
		case Failing:
			h.logger.Info("The webhook takes alerts again", "after", now.Sub(h.since).Round(time.Second))
		case Unknown:
			h.logger.Info("The webhook takes alerts")
		}
		h.become(Working)
	})
}

// refuse leaves alone for a while what the webhook does not take.
func (h *hookLoop) refuse(group []news, err error) {
	until := time.Now().Add(refusedFor)
	h.record(group, string(failureOf(err)), func() {
		h.lastErr = "refuses: " + err.Error()
		h.dropped += int64(len(group))
		for _, x := range group {
			h.refused[x.key()+string(x.leak.State)] = until
			h.logger.Warn("The webhook refuses an alert, which is tried again later", "leak", x.leak.ID, "severity", x.severity, "in", refusedFor, "err", err)
		}
		h.become(Failing)
	})
}

// record forgets that news is pending and counts how it went.
func (h *hookLoop) record(group []news, result string, f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, x := range group {
		if p, ok := h.pending[x.key()]; ok && p.leak.State == x.leak.State {
			delete(h.pending, x.key())
		}
	}
	if h.removed {
		return
	}
	h.metrics.told.WithLabelValues(h.name, result).Inc()
	h.metrics.pending.WithLabelValues(h.name).Set(float64(len(h.pending)))
	f()
}

// failed records that the webhook did not answer as it should.
func (h *hookLoop) failed(err error) {
	h.record(nil, string(failureOf(err)), func() {
		if h.health != Failing {
			h.logger.Warn("The webhook does not take alerts, trying on", "err", err)
		}
		h.lastErr = err.Error()
		h.become(Failing)
	})
}

// become changes the health. The lock is held.
func (h *hookLoop) become(x Health) {
	if h.health != x {
		h.health, h.since = x, time.Now()
	}
}

func (h *hookLoop) status() AlertmanagerStatus {
	h.mu.Lock()
	defer h.mu.Unlock()
	return AlertmanagerStatus{
		Webhook: true, URL: h.name, State: h.health, Since: h.since, LastError: h.lastErr, LastSuccess: h.success,
		Queued: len(h.pending), Capacity: h.capacity, Sent: h.sent, Dropped: h.dropped,
	}
}
