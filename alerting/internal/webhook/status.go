package webhook

import (
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/post"
)

// refusalPause is how long an alert waits that the webhook refused with an answer
// which another attempt does not change.
const refusalPause = 15 * time.Minute

// recordSuccess records that the webhook accepted a message.
func (l *Loop) recordSuccess(alerts []pendingAlert) {
	now := time.Now()
	for _, p := range alerts {
		l.deliveries.SetDelivered(l.name, p.Leak.ID, p.Severity, p.Leak.State, now)
	}
	l.record(alerts, "ok", func() {
		l.sent += int64(len(alerts))
		l.lastSuccess, l.pauses = now, 0
		if len(l.retries) > 0 {
			return // others still fail
		}
		l.lastError = ""
		switch l.health {
		case alerting.Failing:
			l.logger.Info("Webhook accepts alerts again", "after", now.Sub(l.healthSince).Round(time.Second))
		case alerting.Unknown:
			l.logger.Info("Webhook accepts alerts")
		}
		l.setHealth(alerting.Working)
	})
}

// recordRefusal records that the webhook refused a message for good. Its alerts are
// left out for a while.
func (l *Loop) recordRefusal(alerts []pendingAlert, err error) {
	until := time.Now().Add(refusalPause)
	l.record(alerts, string(post.FailureOf(err)), func() {
		l.lastError = "refuses: " + err.Error()
		l.dropped += int64(len(alerts))
		for _, p := range alerts {
			l.refusedUntil[p.StateKey()] = until
			l.logger.Warn("Webhook rejects an alert; it is retried later", "leak", p.Leak.ID, "severity", p.Severity, "in", refusalPause, "err", err)
		}
		l.setHealth(alerting.Failing)
	})
}

// recordFailure records that a message could not be delivered, and when its alerts
// are tried again.
func (l *Loop) recordFailure(alerts []pendingAlert, err error) {
	now := time.Now()
	l.record(nil, string(post.FailureOf(err)), func() {
		if l.health != alerting.Failing {
			l.logger.Warn("Cannot send alerts to the webhook; retrying", "leak", alerts[0].Leak.ID, "err", err)
		}
		l.lastError = err.Error()
		l.setHealth(alerting.Failing)
		for _, p := range alerts {
			r := l.retries[p.StateKey()]
			r.lastFailure = now
			if post.IsContentSuspect(err) {
				r.failures++
				r.next = now.Add(post.RetryPolicy().Wait(r.failures))
			}
			l.retries[p.StateKey()] = r
		}
	})
}

// record counts the result of a message, takes finished alerts out of what is
// pending, and calls f under the lock. Once the webhook is removed it no longer
// counts, because the metrics are deleted and must not appear again.
func (l *Loop) record(finished []pendingAlert, result string, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range finished {
		if p, ok := l.pending[x.Key()]; ok && p.Leak.State == x.Leak.State {
			delete(l.pending, x.Key())
		}
		delete(l.retries, x.StateKey())
	}
	if l.isRemoved {
		return
	}
	l.metrics.messages.WithLabelValues(l.name, result).Inc()
	l.metrics.pending.WithLabelValues(l.name).Set(float64(len(l.pending)))
	f()
}

// setHealth changes the health. The lock is held.
func (l *Loop) setHealth(h alerting.Health) {
	if l.health != h {
		l.health, l.healthSince = h, time.Now()
	}
}

// Status returns the state of the deliveries.
func (l *Loop) Status() alerting.ReceiverStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return alerting.ReceiverStatus{
		Webhook: true, URL: l.name, State: l.health, Since: l.healthSince, LastError: l.lastError, LastSuccess: l.lastSuccess,
		Queued: len(l.pending), Capacity: l.capacity, Sent: l.sent, Dropped: l.dropped,
	}
}
