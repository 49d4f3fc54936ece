package alertmanager

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
	"github.com/gorowatch/gorowatch/internal/backoff"
)

const (
	// maxBatch is how many alerts one request has at most.
	maxBatch = 64
	// maxRetryAfter bounds the pause that an Alertmanager may ask for with Retry-After, because
	// a firing alert ends when it is not sent again.
	maxRetryAfter = time.Minute
)

// Loop sends the alerts of one queue to one Alertmanager. Its methods may be called
// from any goroutine.
type Loop struct {
	name    string // without secrets, also the label of the metrics
	logger  *slog.Logger
	metrics *Metrics
	queue   *queue
	// removed is done when the Alertmanager has left the configuration.
	removed context.Context
	cancel  context.CancelFunc

	mu          sync.Mutex // guards all below
	target      alerting.Alertmanager
	health      alerting.Health
	healthSince time.Time
	lastError   string
	lastSuccess time.Time
	sent        int64
	dropped     int64
	inFlight    int // alerts of the request that is being sent
	isRemoved   bool
	// isLegacy means that it accepts no label names beyond letters, digits and
	// underscores, as Alertmanager before 0.27.
	isLegacy bool
	// loggedRejections are the keys of alerts whose rejection was logged.
	loggedRejections map[string]bool
}

// NewLoop makes a Loop with an empty queue of a capacity. The name identifies the
// Alertmanager in logs and metrics and holds no secret.
func NewLoop(name string, target alerting.Alertmanager, capacity int, m *Metrics, logger *slog.Logger) *Loop {
	l := &Loop{
		name:             name,
		logger:           logger.With("alertmanager", name),
		metrics:          m,
		queue:            newQueue(capacity),
		health:           alerting.Unknown,
		loggedRejections: make(map[string]bool),
	}
	l.removed, l.cancel = context.WithCancel(context.Background())
	m.add(name)
	l.Replace(target)
	return l
}

// Name returns the name of the Alertmanager.
func (l *Loop) Name() string { return l.name }

// Replace replaces the client, timeout, user, query and relabelling of the same
// Alertmanager, and keeps the queue.
func (l *Loop) Replace(target alerting.Alertmanager) {
	target.Client = post.Confine(target.Client, "set the address, scheme and path_prefix of alerting.alertmanagers to where it answers")
	l.mu.Lock()
	defer l.mu.Unlock()
	l.target = target
}

// Enqueue queues alerts, relabelled as this Alertmanager wants them.
func (l *Loop) Enqueue(items []Item) {
	l.mu.Lock()
	rules := l.target.Relabel
	l.mu.Unlock()
	if len(rules) > 0 {
		kept := make([]Item, 0, len(items))
		for _, i := range items {
			var keep bool
			if i.Alert, keep = i.Alert.Relabel(rules); keep {
				kept = append(kept, i)
			}
		}
		items = kept
	}
	if len(items) == 0 {
		return
	}
	l.drop(l.queue.push(items...), droppedQueueFull)
	l.updateQueueLength()
}

// Remove ends Run and deletes the metrics of the Alertmanager.
func (l *Loop) Remove() {
	l.mu.Lock()
	l.isRemoved = true
	l.mu.Unlock()
	l.cancel()
	l.metrics.remove(l.name)
	if n := l.queue.len(); n > 0 {
		l.logger.Warn("Alertmanager removed from the configuration; its queued alerts are dropped", "alerts", n)
	}
}

// Run sends until ctx is done. Then it sends what is left, each batch once, until
// sending is done.
func (l *Loop) Run(ctx, sending context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	sending, kill := context.WithCancel(sending)
	defer kill()
	defer context.AfterFunc(l.removed, func() { stop(); kill() })()

	failures := 0 // in a row
	for {
		select {
		case <-ctx.Done():
			l.finish(sending)
			return
		case <-l.queue.work:
		}
		for l.queue.len() > 0 && ctx.Err() == nil {
			err := l.sendNext(sending)
			if err == nil {
				failures = 0
				continue
			}
			failures++
			wait := post.RetryPolicy().WaitAtLeast(failures, min(post.RetryAfter(err), maxRetryAfter))
			_ = backoff.Sleep(ctx, wait) // the loop checks ctx
		}
	}
}

// finish empties the queue as far as possible now, with one attempt for each alert.
func (l *Loop) finish(sending context.Context) {
	for left := l.queue.len(); left > 0 && sending.Err() == nil; {
		batch := l.queue.pop(min(left, maxBatch))
		left -= len(batch)
		if err := l.send(sending, batch); err != nil && !post.IsContentSuspect(err) {
			break
		}
	}
	if n := len(l.queue.clear()); n > 0 {
		l.drop(n, droppedShutdown)
		l.logger.Warn("Cannot deliver all alerts before exit", "alerts", n)
	}
	l.updateQueueLength()
}
