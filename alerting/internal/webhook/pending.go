package webhook

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/notice"
	"github.com/gorowatch/gorowatch/leak"
)

// maxSharedFailures is after how many failures of a message its alerts are sent one
// by one, because one of them may be why it fails.
const maxSharedFailures = 3

// pendingAlert is an alert whose state has not been delivered yet.
type pendingAlert struct {
	notice.Notice
	alert alerting.Alert
}

// retry is what is known of a pending alert that could not be delivered.
type retry struct {
	// failures counts the failures that the content may have caused.
	failures    int
	lastFailure time.Time // of any kind
	next        time.Time // when it is tried again at the earliest
}

// Wants reports whether the webhook needs an alert in its present state. If it does,
// call Add. Wants also forgets a pending state of the alert that has passed.
func (l *Loop) Wants(n notice.Notice) bool {
	state, key := n.Leak.State, n.Key()
	delivered := l.deliveries.Delivered(l.name, n.Leak.ID, n.Severity)
	l.mu.Lock()
	defer l.mu.Unlock()
	isNews := delivered != state && (state == leak.Firing || delivered == leak.Firing)
	if !isNews {
		delete(l.pending, key)
		return false
	}
	until, refused := l.refusedUntil[n.StateKey()]
	return !refused || !time.Now().Before(until)
}

// Add adds an alert that the webhook wants. It is sent after EndUpdate.
func (l *Loop) Add(n notice.Notice, a alerting.Alert) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deliveries.Delivered(l.name, n.Leak.ID, n.Severity) == n.Leak.State {
		return // it has been delivered since Wants was called
	}
	a, keep := a.Relabel(l.target.Relabel)
	if !keep {
		return
	}
	if n.Leak.State == leak.Resolved && l.target.SkipResolved {
		l.deliveries.SetDelivered(l.name, n.Leak.ID, n.Severity, leak.Resolved, time.Now())
		return
	}
	if len(l.pending) >= l.capacity {
		return // the next update offers it again
	}
	l.pending[n.Key()] = pendingAlert{n, a}
	l.metrics.pending.WithLabelValues(l.name).Set(float64(len(l.pending)))
}

// EndUpdate ends an update: it forgets alerts of leaks that are not in known, and
// lets Run deliver the others.
func (l *Loop) EndUpdate(known map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.pending, func(_ string, p pendingAlert) bool { return !known[p.Leak.ID] })
	now := time.Now()
	maps.DeleteFunc(l.refusedUntil, func(_ string, until time.Time) bool { return !now.Before(until) })
	waiting := make(map[string]bool, len(l.pending))
	for _, p := range l.pending {
		waiting[p.StateKey()] = true
	}
	maps.DeleteFunc(l.retries, func(key string, _ retry) bool { return !waiting[key] })
	l.wake()
}

// messages returns the alerts of each message that is due, or with all of each
// pending message. A message has alerts of one service, the oldest leaks first.
// Messages that failed come last.
func (l *Loop) messages(now time.Time, all bool) [][]pendingAlert {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !all && now.Before(l.pausedUntil) {
		return nil
	}
	due := make([]pendingAlert, 0, len(l.pending))
	for _, p := range l.pending {
		if all || !now.Before(l.retries[p.StateKey()].next) {
			due = append(due, p)
		}
	}
	slices.SortFunc(due, func(a, b pendingAlert) int {
		return cmp.Or(labels.Compare(a.Leak.Service, b.Leak.Service), leak.ByDetection(a.Leak, b.Leak), cmp.Compare(a.Severity, b.Severity))
	})
	type group struct {
		alerts      []pendingAlert
		lastFailure time.Time
		isSingle    bool // its one alert stays alone
	}
	var groups []group
	for _, p := range due {
		tried := l.retries[p.StateKey()]
		isSingle := tried.failures >= maxSharedFailures
		i := len(groups) - 1
		if i < 0 || isSingle || groups[i].isSingle || len(groups[i].alerts) >= l.target.MaxAlerts || !labels.Equal(groups[i].alerts[0].Leak.Service, p.Leak.Service) {
			groups, i = append(groups, group{isSingle: isSingle}), i+1
		}
		g := &groups[i]
		g.alerts = append(g.alerts, p)
		if tried.lastFailure.After(g.lastFailure) {
			g.lastFailure = tried.lastFailure
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return a.lastFailure.Compare(b.lastFailure) })
	out := make([][]pendingAlert, len(groups))
	for i, g := range groups {
		out[i] = g.alerts
	}
	return out
}
