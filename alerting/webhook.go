package alerting

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	amtemplate "github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/relabel"

	"github.com/gorowatch/gorowatch/leak"
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

// How messages that fail are tried again.
const (
	// failuresInARow end a round: most likely the webhook fails for all.
	failuresInARow = 3
	// failuresTogether is after how many failures of a message its alerts are
	// sent one by one: one of them may be why.
	failuresTogether = 3
	// mostPause bounds how long a webhook is left alone that asks for it with
	// Retry-After.
	mostPause = 15 * time.Minute
)

// retry is what has become of an alert that could not be told.
type retry struct {
	// failures are those that may lie in the message, last is when anything
	// failed.
	failures int
	last     time.Time
	// next is when it is tried again at the earliest.
	next time.Time
}

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
	given   *http.Client         // the client of the configuration
	pending map[string]news      // by key
	refused map[string]time.Time // until when an alert is left alone, by key and state
	retries map[string]retry     // of pending alerts that failed, by key and state
	// pausedUntil is when the webhook is asked again at the earliest, and pauses
	// how often in a row it was left alone.
	pausedUntil time.Time
	pauses      int
	removed     bool
	health      Health
	since       time.Time
	lastErr     string
	success     time.Time
	sent        int64
	dropped     int64
}

func newHookLoop(w Webhook, capacity int, book *notebook, m *metrics, logger *slog.Logger) *hookLoop {
	h := &hookLoop{
		name: w.Name, logger: logger.With("webhook", w.Name), metrics: m, book: book, capacity: capacity,
		work: make(chan struct{}, 1), pending: map[string]news{}, refused: map[string]time.Time{}, health: Unknown,
		retries: map[string]retry{},
	}
	h.gone, h.leave = context.WithCancel(context.Background())
	return h
}

// replace takes over a new configuration of the same webhook. One with the same
// client is the same: each configuration that is read has clients of its own.
func (h *hookLoop) replace(to Webhook) {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := to.Client != nil && to.Client == h.given
	h.given = to.Client
	to.Client = confined(to.Client, "set the url of the webhook to where it answers")
	h.to = to
	if same {
		return
	}
	// Perhaps that was the mistake.
	clear(h.refused)
	clear(h.retries)
	h.pausedUntil, h.pauses = time.Time{}, 0
	h.wake()
}

// wake makes the loop look at what is pending. The lock is held.
func (h *hookLoop) wake() {
	if len(h.pending) == 0 {
		return
	}
	select {
	case h.work <- struct{}{}:
	default:
	}
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
	if until, ok := h.refused[x.occasion()]; ok && time.Now().Before(until) {
		return false
	}
	return true
}

// add takes news, to be sent when the update has ended.
func (h *hookLoop) add(x news) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.book.told(h.name, x.leak.ID, x.severity) == x.leak.State {
		return // it has been delivered since wants was asked
	}
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
	waiting := make(map[string]bool, len(h.pending))
	for _, x := range h.pending {
		waiting[x.occasion()] = true
	}
	maps.DeleteFunc(h.retries, func(key string, _ retry) bool { return !waiting[key] })
	h.wake()
}

// run tells what there is until ctx is done, then what is left, once.
func (h *hookLoop) run(ctx, sending context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, kill := context.WithCancel(sending)
	defer kill()
	defer context.AfterFunc(h.gone, func() { stop(); kill() })()

	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			h.tell(sending, true) // what could not be told is news after the restart
			return
		case <-h.work:
		case <-again.C:
		}
		h.tell(sending, false)
		if wait, ok := h.next(time.Now()); ok {
			again.Reset(wait)
		}
	}
}

// tell sends what is due, a message for each service, or all that is pending if
// these are the last words. A message that fails keeps no other from being sent;
// a webhook that fails for all is left alone for a while.
func (h *hookLoop) tell(ctx context.Context, last bool) {
	inARow := 0
	for _, group := range h.groups(time.Now(), last) {
		err := h.deliver(ctx, group)
		switch {
		case err == nil:
			inARow = 0
			continue
		case ctx.Err() != nil:
			return
		case mayLieInMessage(err) && requestedWait(err) == 0:
			if inARow++; inARow < failuresInARow {
				continue
			}
		}
		h.pause(time.Now(), requestedWait(err))
		return
	}
}

// pause leaves the webhook alone for a while, and for least at least.
func (h *hookLoop) pause(now time.Time, least time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pauses++
	h.pausedUntil = now.Add(retryPolicy.WaitAtLeast(h.pauses, min(least, mostPause)))
}

// next is how long to wait for the next message that is due; ok is false if none
// is pending.
func (h *hookLoop) next(now time.Time) (wait time.Duration, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var first time.Time
	for _, x := range h.pending {
		if at := h.retries[x.occasion()].next; !ok || at.Before(first) {
			first, ok = at, true
		}
	}
	if first.Before(h.pausedUntil) {
		first = h.pausedUntil
	}
	return max(first.Sub(now), 0), ok
}

// deliver sends a message, or its alerts one by one if one of them may be why
// the webhook does not take it. An error says that it should be tried again
// later.
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
		var failed error
		for i := range group {
			err := h.deliver(ctx, group[i:i+1])
			if err != nil && !mayLieInMessage(err) {
				return err
			}
			failed = cmp.Or(err, failed)
		}
		return failed
	case isFinal(err):
		h.refuse(group, err)
	default:
		h.failed(group, err)
		return err
	}
	return nil
}

// groups are the messages that there are to send at a time: the news of each
// service, the longest known first. What has failed comes last. With all, what
// is not due yet is among them.
func (h *hookLoop) groups(now time.Time, all bool) [][]news {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !all && now.Before(h.pausedUntil) {
		return nil
	}
	due := make([]news, 0, len(h.pending))
	for _, x := range h.pending {
		if all || !now.Before(h.retries[x.occasion()].next) {
			due = append(due, x)
		}
	}
	slices.SortFunc(due, func(a, b news) int {
		return cmp.Or(labels.Compare(a.leak.Service, b.leak.Service), leak.ByDetection(a.leak, b.leak), cmp.Compare(a.severity, b.severity))
	})
	type message struct {
		alerts []news
		failed time.Time // last
		alone  bool
	}
	var out []message
	for _, x := range due {
		tried := h.retries[x.occasion()]
		alone := tried.failures >= failuresTogether
		i := len(out) - 1
		if i < 0 || alone || out[i].alone || len(out[i].alerts) >= h.to.MaxAlerts || !labels.Equal(out[i].alerts[0].leak.Service, x.leak.Service) {
			out, i = append(out, message{alone: alone}), i+1
		}
		m := &out[i]
		m.alerts = append(m.alerts, x)
		if tried.last.After(m.failed) {
			m.failed = tried.last
		}
	}
	slices.SortStableFunc(out, func(a, b message) int { return a.failed.Compare(b.failed) })
	groups := make([][]news, len(out))
	for i, m := range out {
		groups[i] = m.alerts
	}
	return groups
}

// message is the payload of Alertmanager's webhooks, version 4.
type message struct {
	*amtemplate.Data
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

func newMessage(to Webhook, group []news) message {
	b := labels.NewBuilder(shortLabels(group[0].leak.Service))
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
		return &requestError{why: failOther, err: err}
	}
	body, err := json.Marshal(newMessage(to, group))
	if err != nil {
		return &requestError{why: failOther, err: fmt.Errorf("encoding alerts: %w", err)}
	}
	return send(ctx, to.Client, to.Timeout, u.String(), body)
}

// took notes that news arrived.
func (h *hookLoop) took(group []news) {
	now := time.Now()
	for _, x := range group {
		h.book.tell(h.name, x.leak.ID, x.severity, told{x.leak.State, now})
	}
	h.record(group, "ok", func() {
		h.sent += int64(len(group))
		h.success, h.pauses = now, 0
		if len(h.retries) > 0 {
			return // others still fail
		}
		h.lastErr = ""
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
			h.refused[x.occasion()] = until
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
		delete(h.retries, x.occasion())
	}
	if h.removed {
		return
	}
	h.metrics.told.WithLabelValues(h.name, result).Inc()
	h.metrics.pending.WithLabelValues(h.name).Set(float64(len(h.pending)))
	f()
}

// failed records that a message could not be delivered, and when it is tried
// again.
func (h *hookLoop) failed(group []news, err error) {
	now := time.Now()
	h.record(nil, string(failureOf(err)), func() {
		if h.health != Failing {
			h.logger.Warn("The webhook does not take alerts, trying on", "leak", group[0].leak.ID, "err", err)
		}
		h.lastErr = err.Error()
		h.become(Failing)
		for _, x := range group {
			r := h.retries[x.occasion()]
			r.last = now
			if mayLieInMessage(err) {
				r.failures++
				r.next = now.Add(retryPolicy.Wait(r.failures))
			}
			h.retries[x.occasion()] = r
		}
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
