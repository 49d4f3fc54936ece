package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// sendNext sends one batch. An error means that it should be tried again later.
func (l *Loop) sendNext(ctx context.Context) error { return l.send(ctx, l.queue.pop(maxBatch)) }

// send sends a batch of the queue and puts back what was not delivered: in front, or
// last if the content of the request may be why it failed.
func (l *Loop) send(ctx context.Context, batch []Item) error {
	now := time.Now()
	alive := batch[:0]
	for _, i := range batch {
		if i.Expires.IsZero() || now.Before(i.Expires) {
			alive = append(alive, i)
		}
	}
	l.drop(len(batch)-len(alive), droppedExpired)

	l.update(func() { l.inFlight = len(alive) })
	n, err := l.deliver(ctx, alive)
	l.update(func() { l.inFlight = 0 })
	if left := alive[n:]; post.IsContentSuspect(err) {
		for i := range left {
			left[i].failures++
		}
		l.drop(l.queue.putLast(left), droppedQueueFull)
	} else {
		l.drop(l.queue.putBack(left), droppedQueueFull)
	}
	l.updateQueueLength()
	return err
}

// deliver sends items. Where the Alertmanager rejects the content, it sends them in
// halves, so that one bad alert does not stop the others. It returns how many items
// are done, and why not all.
func (l *Loop) deliver(ctx context.Context, items []Item) (done int, err error) {
	if len(items) == 0 {
		return 0, nil
	}
	err = l.post(ctx, items)
	switch {
	case err == nil:
		l.recordSuccess(items)
		return len(items), nil
	case ctx.Err() != nil: // canceled by us: not a failure of the Alertmanager
		return 0, err
	case post.FailureOf(err) != post.Rejected:
		l.recordFailure(err)
		return 0, err
	case len(items) == 1:
		if l.retryLegacy(ctx, items) {
			l.recordSuccess(items)
		} else {
			l.dropRejected(items[0], err)
		}
		return 1, nil
	}
	half := len(items) / 2
	if done, err = l.deliver(ctx, items[:half]); err != nil {
		return done, err
	}
	done, err = l.deliver(ctx, items[half:])
	return half + done, err
}

// retryLegacy sends a rejected alert again with label names that every Alertmanager
// accepts, if its names may be why it was rejected. If that works, all later alerts
// are sent with such names.
func (l *Loop) retryLegacy(ctx context.Context, items []Item) bool {
	ls := items[0].Alert.Labels
	if labels.Equal(legacyNames(ls), ls) {
		return false
	}
	l.mu.Lock()
	was := l.isLegacy
	l.isLegacy = true
	l.mu.Unlock()
	if was {
		return false
	}
	ok := l.post(ctx, items) == nil
	l.update(func() {
		l.isLegacy = ok
		if ok {
			l.logger.Warn("Alertmanager accepts only letters, digits and underscores in label names; other characters are sent as underscores", "labels", ls)
		}
	})
	return ok
}

// legacyNames replaces all characters of label names but letters, digits and
// underscores.
func legacyNames(ls labels.Labels) labels.Labels {
	b := labels.NewScratchBuilder(ls.Len())
	ls.Range(func(l labels.Label) { b.Add(model.EscapeName(l.Name, model.UnderscoreEscaping), l.Value) })
	b.Sort()
	return b.Labels()
}

// post sends items in one request and measures it. The error is a *post.Error.
func (l *Loop) post(ctx context.Context, items []Item) error {
	l.mu.Lock()
	target, isLegacy := l.target, l.isLegacy
	l.mu.Unlock()

	alerts := make([]alerting.Alert, len(items))
	for i := range items {
		alerts[i] = items[i].Alert
		if isLegacy {
			alerts[i].Labels = legacyNames(alerts[i].Labels)
		}
	}
	begin := time.Now()
	err := postAlerts(ctx, target, alerts)
	if ctx.Err() != nil {
		return err
	}
	l.update(func() {
		l.metrics.latency.WithLabelValues(l.name).Observe(time.Since(begin).Seconds())
		if err != nil {
			l.metrics.errors.WithLabelValues(l.name, string(post.FailureOf(err))).Inc()
		}
	})
	return err
}

// postAlerts sends alerts to an Alertmanager. The error is a *post.Error.
func postAlerts(ctx context.Context, target alerting.Alertmanager, alerts []alerting.Alert) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return post.NewError(fmt.Errorf("encoding alerts: %w", err))
	}
	return post.JSON(ctx, target.Client, target.Timeout, target.URL.JoinPath("api", "v2", "alerts").String(), body)
}
