package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/backoff"
)

const (
	maxBatch = 64
	// mostWait bounds how long an Alertmanager is left alone that asks for it
	// with Retry-After: an alert that fires ends when it is not sent again.
	mostWait = time.Minute
)

// retryPolicy says how long an Alertmanager, a webhook or the bucket is left alone
// that has failed: many who wait for the same must not come back at the same
// moment.
var retryPolicy = backoff.Policy{First: 500 * time.Millisecond, Max: 30 * time.Second, Jitter: 0.1}

// Health is whether an Alertmanager takes our alerts.
type Health string

// The states of health.
const (
	Unknown Health = "unknown" // nothing was sent yet
	Working Health = "working"
	Failing Health = "failing"
)

// sendLoop sends the alerts of one queue to one Alertmanager.
type sendLoop struct {
	name    string // displayURL, also the label
	logger  *slog.Logger
	metrics *metrics
	queue   *queue
	// fresh: it has not been told what fires. The Notifier's lock guards it.
	fresh bool
	// gone is done when it left the configuration.
	gone  context.Context
	leave context.CancelFunc

	mu       sync.Mutex // guards all below
	to       Alertmanager
	health   Health
	since    time.Time // of health
	lastErr  string
	success  time.Time
	sent     int64
	dropped  int64
	onTheWay int // alerts of the request that is being sent
	removed  bool
	// legacy: it takes no label names beyond letters, digits and underscores, as
	// Alertmanager before 0.27.
	legacy   bool
	rejected map[string]bool // alerts that were logged as rejected
}

func newSendLoop(name string, to Alertmanager, capacity int, m *metrics, logger *slog.Logger) *sendLoop {
	s := &sendLoop{
		name:     name,
		logger:   logger.With("alertmanager", name),
		metrics:  m,
		queue:    newQueue(capacity),
		fresh:    true,
		health:   Unknown,
		rejected: make(map[string]bool),
	}
	s.gone, s.leave = context.WithCancel(context.Background())
	s.replace(to)
	return s
}

// replace takes over a new client, timeout, user and query of the same
// Alertmanager.
func (s *sendLoop) replace(to Alertmanager) {
	to.Client = confined(to.Client, "set the address, scheme and path_prefix of alerting.alertmanagers to where it answers")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to = to
}

// add queues items, with their labels as this Alertmanager wants them.
func (s *sendLoop) add(items []item) {
	s.mu.Lock()
	rules := s.to.Relabel
	s.mu.Unlock()
	if len(rules) > 0 {
		kept := make([]item, 0, len(items))
		for _, i := range items {
			var keep bool
			if i.alert.Labels, keep = relabelled(i.alert.Labels, rules); keep {
				kept = append(kept, i)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		return
	}
	s.drop(s.queue.push(items...), lossQueueFull)
	s.measure()
}

// remove ends the loop and forgets the Alertmanager.
func (s *sendLoop) remove() {
	s.mu.Lock()
	s.removed = true
	s.mu.Unlock()
	s.leave()
	s.metrics.remove(s.name)
	if n := s.queue.len(); n > 0 {
		s.logger.Warn("Alertmanager left the configuration with alerts waiting", "alerts", n)
	}
}

// run sends until ctx is done, then what is left, each batch once, while
// sending is not done.
func (s *sendLoop) run(ctx, sending context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, kill := context.WithCancel(sending)
	defer kill()
	defer context.AfterFunc(s.gone, func() { stop(); kill() })()

	failures := 0 // in a row
	for {
		select {
		case <-ctx.Done():
			s.finish(sending)
			return
		case <-s.queue.work:
		}
		for s.queue.len() > 0 && ctx.Err() == nil {
			err := s.sendNext(sending)
			if err == nil {
				failures = 0
				continue
			}
			failures++
			_ = backoff.Sleep(ctx, retryPolicy.WaitAtLeast(failures, min(requestedWait(err), mostWait))) // the loop looks at ctx
		}
	}
}

// finish empties the queue as far as that is possible now, with one attempt for
// each alert.
func (s *sendLoop) finish(sending context.Context) {
	for left := s.queue.len(); left > 0 && sending.Err() == nil; {
		batch := s.queue.pop(min(left, maxBatch))
		left -= len(batch)
		if err := s.send(sending, batch); err != nil && !mayLieInMessage(err) {
			break
		}
	}
	if n := len(s.queue.clear()); n > 0 {
		s.drop(n, lossShutdown)
		s.logger.Warn("Alerts could not be delivered before the end", "alerts", n)
	}
	s.measure()
}

// sendNext sends one batch. An error says that it should be tried again later.
func (s *sendLoop) sendNext(ctx context.Context) error { return s.send(ctx, s.queue.pop(maxBatch)) }

// send sends a batch of the queue; what was not delivered is in the queue
// afterwards. It is first in line again, unless what was in the request may be
// why: then it comes last.
func (s *sendLoop) send(ctx context.Context, batch []item) error {
	now := time.Now()
	alive := batch[:0]
	for _, i := range batch {
		if i.expires.IsZero() || now.Before(i.expires) {
			alive = append(alive, i)
		}
	}
	s.drop(len(batch)-len(alive), lossExpired)

	s.record(func() { s.onTheWay = len(alive) })
	n, err := s.deliver(ctx, alive)
	s.record(func() { s.onTheWay = 0 })
	if left := alive[n:]; mayLieInMessage(err) {
		for i := range left {
			left[i].failures++
		}
		s.drop(s.queue.putLast(left), lossQueueFull)
	} else {
		s.drop(s.queue.putBack(left), lossQueueFull)
	}
	s.measure()
	return err
}

// deliver sends items, in halves where an Alertmanager rejects what is in them,
// so that one alert that it does not take keeps no other from arriving. It
// returns how many of them are done with, and why not all.
func (s *sendLoop) deliver(ctx context.Context, items []item) (done int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	err = s.post(ctx, items)
	switch {
	case err == nil:
		s.took(items)
		return len(items), nil
	case ctx.Err() != nil: // we ended it: no failure of the Alertmanager
		return 0, err
	case failureOf(err) != failRejected:
		s.failed(err)
		return 0, err
	case len(items) == 1:
		if s.retryLegacy(ctx, items) {
			s.took(items)
		} else {
			s.reject(items[0], err)
		}
		return 1, nil
	}
	half := len(items) / 2
	if done, err = s.deliver(ctx, items[:half]); err != nil {
		return done, err
	}
	done, err = s.deliver(ctx, items[half:])
	return half + done, err
}

// retryLegacy sends an alert that was rejected once more, if its label names may
// be why, with names that every Alertmanager takes. If that works, all alerts
// are sent so.
func (s *sendLoop) retryLegacy(ctx context.Context, items []item) bool {
	ls := items[0].alert.Labels
	if labels.Equal(legacyNames(ls), ls) {
		return false
	}
	s.mu.Lock()
	was := s.legacy
	s.legacy = true
	s.mu.Unlock()
	if was {
		return false
	}
	ok := s.post(ctx, items) == nil
	s.record(func() {
		s.legacy = ok
		if ok {
			s.logger.Warn("Alertmanager takes no label names beyond letters, digits and underscores: others are sent with underscores", "labels", ls)
		}
	})
	return ok
}

// legacyNames are labels with names of letters, digits and underscores alone.
func legacyNames(ls labels.Labels) labels.Labels {
	b := labels.NewScratchBuilder(ls.Len())
	ls.Range(func(l labels.Label) { b.Add(model.EscapeName(l.Name, model.UnderscoreEscaping), l.Value) })
	b.Sort()
	return b.Labels()
}

// post sends items in one request. The error is a *requestError.
func (s *sendLoop) post(ctx context.Context, items []item) error {
	s.mu.Lock()
	to, legacy := s.to, s.legacy
	s.mu.Unlock()

	alerts := make([]Alert, len(items))
	for i := range items {
		alerts[i] = items[i].alert
		if legacy {
			alerts[i].Labels = legacyNames(alerts[i].Labels)
		}
	}
	begin := time.Now()
	err := post(ctx, to, alerts)
	if ctx.Err() != nil {
		return err
	}
	s.record(func() {
		s.metrics.latency.WithLabelValues(s.name).Observe(time.Since(begin).Seconds())
		if err != nil {
			s.metrics.errors.WithLabelValues(s.name, string(failureOf(err))).Inc()
		}
	})
	return err
}

// post sends alerts to an Alertmanager. The error is a *requestError.
func post(ctx context.Context, to Alertmanager, alerts []Alert) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return &requestError{why: failOther, err: fmt.Errorf("encoding alerts: %w", err)}
	}
	return send(ctx, to.Client, to.Timeout, to.URL.JoinPath("api", "v2", "alerts").String(), body)
}

// took records that items arrived.
func (s *sendLoop) took(items []item) {
	s.record(func() {
		s.metrics.sent.WithLabelValues(s.name).Add(float64(len(items)))
		s.sent += int64(len(items))
		s.success = time.Now()
		s.lastErr = ""
		for _, i := range items {
			delete(s.rejected, i.key)
		}
		switch s.health {
		case Failing:
			s.logger.Info("Alertmanager takes alerts again", "after", time.Since(s.since).Round(time.Second))
		case Unknown:
			s.logger.Info("Alertmanager takes alerts")
		}
		s.become(Working)
	})
}

// failed records that the Alertmanager did not answer as it should.
func (s *sendLoop) failed(err error) {
	s.record(func() {
		if s.health != Failing {
			s.logger.Warn("Alertmanager does not take alerts, trying on", "err", err)
		}
		s.lastErr = err.Error()
		s.become(Failing)
	})
}

// reject gives up one alert that the Alertmanager does not take.
func (s *sendLoop) reject(i item, err error) {
	s.drop(1, lossRejected)
	s.record(func() {
		s.lastErr = "rejects an alert: " + err.Error()
		if s.health == Unknown { // perhaps it is no Alertmanager at all
			s.become(Failing)
		}
		if s.rejected[i.key] {
			return
		}
		if len(s.rejected) >= s.queue.capacity {
			clear(s.rejected)
		}
		s.rejected[i.key] = true
		s.logger.Warn("Alertmanager rejects an alert, which is dropped", "leak", i.key, "err", err)
	})
}

// become changes the health. The lock is held.
func (s *sendLoop) become(h Health) {
	if s.health != h {
		s.health, s.since = h, time.Now()
	}
}

func (s *sendLoop) drop(n int, why loss) {
	if n == 0 {
		return
	}
	s.record(func() {
		s.metrics.dropped.WithLabelValues(s.name, string(why)).Add(float64(n))
		s.dropped += int64(n)
	})
}

func (s *sendLoop) measure() {
	s.record(func() { s.metrics.queue.WithLabelValues(s.name).Set(float64(s.queue.len() + s.onTheWay)) })
}

// record runs f under the lock, unless the Alertmanager is gone: its series
// must not come back.
func (s *sendLoop) record(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.removed {
		f()
	}
}

func (s *sendLoop) status() AlertmanagerStatus {
	queued := s.queue.len()
	s.mu.Lock()
	defer s.mu.Unlock()
	return AlertmanagerStatus{
		URL:         s.name,
		State:       s.health,
		LastError:   s.lastErr,
		LastSuccess: s.success,
		Since:       s.since,
		Queued:      queued + s.onTheWay,
		Capacity:    s.queue.capacity,
		Sent:        s.sent,
		Dropped:     s.dropped,
	}
}
