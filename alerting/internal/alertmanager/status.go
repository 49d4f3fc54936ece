package alertmanager

import (
	"time"

	"github.com/gorowatch/gorowatch/alerting"
)

// recordSuccess records that the Alertmanager accepted items.
func (l *Loop) recordSuccess(items []Item) {
	l.update(func() {
		l.metrics.sent.WithLabelValues(l.name).Add(float64(len(items)))
		l.sent += int64(len(items))
		l.lastSuccess = time.Now()
		l.lastError = ""
		for _, i := range items {
			delete(l.loggedRejections, i.Key)
		}
		switch l.health {
		case alerting.Failing:
			l.logger.Info("Alertmanager accepts alerts again", "after", time.Since(l.healthSince).Round(time.Second))
		case alerting.Unknown:
			l.logger.Info("Alertmanager accepts alerts")
		}
		l.setHealth(alerting.Working)
	})
}

// recordFailure records that a request failed whatever its content.
func (l *Loop) recordFailure(err error) {
	l.update(func() {
		if l.health != alerting.Failing {
			l.logger.Warn("Cannot send alerts to Alertmanager; retrying", "err", err)
		}
		l.lastError = err.Error()
		l.setHealth(alerting.Failing)
	})
}

// dropRejected drops an alert that the Alertmanager rejects.
func (l *Loop) dropRejected(i Item, err error) {
	l.drop(1, droppedRejected)
	l.update(func() {
		l.lastError = "rejects an alert: " + err.Error()
		if l.health == alerting.Unknown { // perhaps it is no Alertmanager at all
			l.setHealth(alerting.Failing)
		}
		if l.loggedRejections[i.Key] {
			return
		}
		if len(l.loggedRejections) >= l.queue.capacity {
			clear(l.loggedRejections)
		}
		l.loggedRejections[i.Key] = true
		l.logger.Warn("Alertmanager rejects an alert; it is dropped", "leak", i.Key, "err", err)
	})
}

// setHealth changes the health. The lock is held.
func (l *Loop) setHealth(h alerting.Health) {
	if l.health != h {
		l.health, l.healthSince = h, time.Now()
	}
}

// drop counts n dropped alerts.
func (l *Loop) drop(n int, why dropReason) {
	if n == 0 {
		return
	}
	l.update(func() {
		l.metrics.dropped.WithLabelValues(l.name, string(why)).Add(float64(n))
		l.dropped += int64(n)
	})
}

// updateQueueLength updates the metric of the queue's length.
func (l *Loop) updateQueueLength() {
	l.update(func() { l.metrics.queue.WithLabelValues(l.name).Set(float64(l.queue.len() + l.inFlight)) })
}

// update runs f under the lock, unless the Alertmanager is removed: its metrics are
// deleted and must not appear again.
func (l *Loop) update(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isRemoved {
		f()
	}
}

// Status returns the state of the deliveries.
func (l *Loop) Status() alerting.ReceiverStatus {
	queued := l.queue.len()
	l.mu.Lock()
	defer l.mu.Unlock()
	return alerting.ReceiverStatus{
		URL:         l.name,
		State:       l.health,
		LastError:   l.lastError,
		LastSuccess: l.lastSuccess,
		Since:       l.healthSince,
		Queued:      queued + l.inFlight,
		Capacity:    l.queue.capacity,
		Sent:        l.sent,
		Dropped:     l.dropped,
	}
}
