package notify

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/alertmanager"
	"github.com/gorowatch/gorowatch/alerting/internal/notice"
	"github.com/gorowatch/gorowatch/leak"
)

// resolvedFor is how long a resolved leak is sent, so that an Alertmanager that was
// away for less time gets it.
const resolvedFor = 15 * time.Minute

// maxSilence is how long firing alerts are kept alive without an Update. An evaluation
// may take long, but after this time the alerts are no longer known to be true.
const maxSilence = time.Hour

// queuedState is the state of an alert that was last queued, and when.
type queuedState struct {
	at    time.Time
	state leak.State
}

// Update sends the leaks as of now, where they are due: a firing one at once and again
// at every resend interval, a resolved one at once and again for 15 minutes. Webhooks
// get each state once. A leak that is missing from leaks is not sent, and its alert
// ends by itself. Until the next Update, Run keeps the firing alerts alive. Update
// does not wait for any receiver.
func (n *Notifier) Update(leaks []leak.Leak, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hasEnded {
		return
	}
	n.updatedAt, n.firing = time.Now(), n.firing[:0]
	var due, others []alertmanager.Item // others are only for new Alertmanagers
	hasNew := slices.ContainsFunc(n.alertmanagers, func(l *alertmanagerLoop) bool { return l.isNew })
	known := make(map[string]bool, len(leaks))   // leaks
	current := make(map[string]bool, len(leaks)) // alerts for Alertmanagers
	send := func(x notice.Notice, render func() (alertmanager.Item, bool)) {
		if x.Leak.State == leak.Resolved && now.Sub(x.Leak.ResolvedAt) > resolvedFor {
			return
		}
		key := x.Key()
		current[key] = true
		if x.Leak.State == leak.Firing {
			n.firing = append(n.firing, x)
		}
		isDue := n.queued[key].isDue(x.Leak.State, now, n.config.ResendInterval)
		if !isDue && !hasNew || len(n.alertmanagers) == 0 {
			return
		}
		if isDue {
			n.queued[key] = queuedState{at: now, state: x.Leak.State}
		}
		item, keep := render()
		switch {
		case !keep:
		case isDue:
			due = append(due, item)
		default:
			others = append(others, item)
		}
	}
	for _, l := range leaks {
		known[l.ID] = true
		for _, x := range n.escalations.notices(l, n.config.Render, now) {
			// Rendered once, for all receivers that need it.
			render := sync.OnceValues(func() (alertmanager.Item, bool) { return n.render(x, now) })
			n.offerToWebhooks(x, render)
			send(x, render)
		}
	}
	for _, x := range n.suspicions.notices(leaks, n.config.NotifySuspected, now) {
		send(x, func() (alertmanager.Item, bool) { return n.render(x, now) })
	}
	maps.DeleteFunc(n.queued, func(key string, _ queuedState) bool { return !current[key] })
	n.escalations.forgetUnknown(known)
	n.notebook.forgetUnknown(known, now)
	for _, l := range n.alertmanagers {
		if l.isNew {
			l.Enqueue(others)
			l.isNew = false
		}
		l.Enqueue(due)
	}
	for _, l := range n.webhooks {
		l.EndUpdate(known)
	}
}

// offerToWebhooks gives an alert to the webhooks that want it. The lock is held.
func (n *Notifier) offerToWebhooks(x notice.Notice, render func() (alertmanager.Item, bool)) {
	for _, l := range n.webhooks {
		if !l.Wants(x) {
			continue
		}
		if item, keep := render(); keep {
			l.Add(x, item.Alert)
		}
	}
}

// render makes an alert as of now. keep is false if relabelling drops it. The lock is
// held.
func (n *Notifier) render(x notice.Notice, now time.Time) (item alertmanager.Item, keep bool) {
	item.Key = x.Key()
	item.Alert, keep = alerting.Render(x.Leak, x.Severity, n.config.Render).Relabel(n.config.Relabel)
	if keep && x.Leak.State == leak.Firing {
		// After a long evaluation now is in the past, and the alert must not be over
		// when it arrives. Queues wait by the wall clock.
		wall := time.Now()
		if now.Before(wall) {
			now = wall
		}
		valid := 4 * n.config.sendInterval()
		item.Alert.EndsAt, item.Expires = now.Add(valid), wall.Add(valid)
	}
	return item, keep
}

// refresh sends the firing alerts once more if the next Update is late, so that a long
// evaluation does not end them. It returns when to call it again.
func (n *Notifier) refresh() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	isLate := now.Sub(n.updatedAt) > n.config.sendInterval()*3/2
	switch {
	case len(n.firing) == 0 || !isLate:
	case now.Sub(n.updatedAt) > maxSilence:
		n.logger.Error("No evaluation for too long; firing alerts will resolve", "alerts", len(n.firing), "last", n.updatedAt)
		n.firing = nil
	default:
		items := make([]alertmanager.Item, 0, len(n.firing))
		for _, x := range n.firing {
			if item, keep := n.render(x, now); keep {
				items = append(items, item)
			}
		}
		for _, l := range n.alertmanagers {
			l.Enqueue(items)
		}
	}
	return n.config.sendInterval()
}

// isDue reports whether an alert has to be sent, given what was last queued of it.
func (q queuedState) isDue(state leak.State, now time.Time, interval time.Duration) bool {
	if q.state != state {
		return true
	}
	// Evaluations are not exact to the millisecond, and sending a little early is
	// better than an evaluation late. A clock that was set back must not stop alerts.
	ago := now.Sub(q.at)
	return ago < 0 || ago >= interval-interval/10
}
