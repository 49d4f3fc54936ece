package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
	"github.com/gorowatch/gorowatch/leak"
)

// maxRetryAfter bounds the pause that a webhook may ask for with Retry-After.
const maxRetryAfter = 15 * time.Minute

// Deliveries remembers which state of each alert a webhook accepted last, also across
// restarts.
type Deliveries interface {
	// Delivered returns the state that was accepted last; empty: none.
	Delivered(webhook, leakID string, s alerting.Severity) leak.State
	SetDelivered(webhook, leakID string, s alerting.Severity, state leak.State, at time.Time)
}

// Loop delivers alerts to one webhook. Its methods may be called from any goroutine.
//
// A full queue or a restart loses nothing, because Deliveries says what has arrived:
// the next update offers again what has not.
type Loop struct {
	name       string
	logger     *slog.Logger
	metrics    *Metrics
	deliveries Deliveries
	capacity   int
	work       chan struct{}
	// removed is done when the webhook has left the configuration.
	removed context.Context
	cancel  context.CancelFunc

	mu           sync.Mutex // guards all below
	target       alerting.Webhook
	configClient *http.Client            // the client of the configuration
	pending      map[string]pendingAlert // by key
	refusedUntil map[string]time.Time    // when a refused alert is tried again, by state key
	retries      map[string]retry        // of pending alerts that failed, by state key
	// pausedUntil is when the webhook gets the next message at the earliest. pauses
	// counts the pauses in a row.
	pausedUntil time.Time
	pauses      int
	isRemoved   bool
	health      alerting.Health
	healthSince time.Time
	lastError   string
	lastSuccess time.Time
	sent        int64
	dropped     int64
}

// NewLoop makes a Loop for a webhook, for which capacity alerts may wait.
func NewLoop(target alerting.Webhook, capacity int, d Deliveries, m *Metrics, logger *slog.Logger) *Loop {
	l := &Loop{
		name: target.Name, logger: logger.With("webhook", target.Name), metrics: m, deliveries: d, capacity: capacity,
		work: make(chan struct{}, 1), pending: map[string]pendingAlert{}, refusedUntil: map[string]time.Time{}, health: alerting.Unknown,
		retries: map[string]retry{},
	}
	l.removed, l.cancel = context.WithCancel(context.Background())
	m.add(l.name)
	l.Replace(target)
	return l
}

// Name returns the name of the webhook.
func (l *Loop) Name() string { return l.name }

// Replace replaces the configuration of the webhook and keeps what waits. If the
// client is another one, what failed is tried again at once: each configuration that
// is read has clients of its own, and the old one may have been the mistake.
func (l *Loop) Replace(target alerting.Webhook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	same := target.Client != nil && target.Client == l.configClient
	l.configClient = target.Client
	target.Client = post.Confine(target.Client, "set the url of the webhook to where it answers")
	l.target = target
	if same {
		return
	}
	clear(l.refusedUntil)
	clear(l.retries)
	l.pausedUntil, l.pauses = time.Time{}, 0
	l.wake()
}

// wake makes Run look at what is pending. The lock is held.
func (l *Loop) wake() {
	if len(l.pending) == 0 {
		return
	}
	select {
	case l.work <- struct{}{}:
	default:
	}
}

// Remove ends Run and deletes the metrics of the webhook.
func (l *Loop) Remove() {
	l.mu.Lock()
	l.isRemoved = true
	l.mu.Unlock()
	l.cancel()
	l.metrics.remove(l.name)
}

// Run delivers until ctx is done. Then it delivers what is left, each message once,
// until sending is done.
func (l *Loop) Run(ctx, sending context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, kill := context.WithCancel(sending)
	defer kill()
	defer context.AfterFunc(l.removed, func() { stop(); kill() })()

	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			l.sendDue(sending, true) // the next run offers again what fails now
			return
		case <-l.work:
		case <-next.C:
		}
		l.sendDue(sending, false)
		if wait, ok := l.untilNext(time.Now()); ok {
			next.Reset(wait)
		}
	}
}

// pause leaves the webhook alone for a while, and for at least the time it asks for.
func (l *Loop) pause(now time.Time, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pauses++
	l.pausedUntil = now.Add(post.RetryPolicy().WaitAtLeast(l.pauses, min(retryAfter, maxRetryAfter)))
}

// untilNext returns how long to wait for the next message that is due. ok is false if
// no alert is pending.
func (l *Loop) untilNext(now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first time.Time
	for _, p := range l.pending {
		if at := l.retries[p.StateKey()].next; !ok || at.Before(first) {
			first, ok = at, true
		}
	}
	if first.Before(l.pausedUntil) {
		first = l.pausedUntil
	}
	return max(first.Sub(now), 0), ok
}
