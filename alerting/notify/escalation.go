package notify

import (
	"maps"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/notice"
	"github.com/gorowatch/gorowatch/leak"
)

// escalations are the critical alerts of all leaks. They are noted, so that a restart
// neither begins nor ends one.
type escalations struct {
	notebook *notebook
	byLeak   map[string]escalation // by the leak's ID
}

// escalation is the critical alert of a leak.
type escalation struct {
	since      time.Time
	resolvedAt time.Time // zero while it fires
}

// newEscalations makes the escalations that are noted.
func newEscalations(b *notebook) *escalations {
	e := &escalations{notebook: b, byLeak: map[string]escalation{}}
	for id, since := range b.criticalSince() {
		e.byLeak[id] = escalation{since: since}
	}
	return e
}

// notices returns the alerts of a leak: the warning, and the critical alert if the
// leak is or was critical. A leak that never fired has none.
func (e *escalations) notices(l leak.Leak, o alerting.RenderOptions, now time.Time) []notice.Notice {
	if l.State == leak.Ignored && !l.ResolvedAt.IsZero() {
		l.State = leak.Resolved // receivers got the firing alert before
	}
	if l.State != leak.Firing && (l.State != leak.Resolved || l.DetectedAt.IsZero()) {
		return nil
	}
	all := []notice.Notice{{Leak: l, Severity: alerting.Warning}}
	critical, known := e.byLeak[l.ID]
	was := known && critical.resolvedAt.IsZero()
	switch is := o.IsCritical(l, was); {
	case is && !was:
		critical = escalation{since: now}
		e.notebook.setCriticalSince(l.ID, now)
	case was && !is:
		critical.resolvedAt = now
		if l.State == leak.Resolved {
			critical.resolvedAt = l.ResolvedAt
		}
		e.notebook.setCriticalSince(l.ID, time.Time{})
	case !known:
		return all
	}
	e.byLeak[l.ID] = critical
	l.DetectedAt = critical.since
	if !critical.resolvedAt.IsZero() {
		if l.State == leak.Firing {
			l.State, l.Resolution = leak.Resolved, "no limit is near any more, it leaks on"
		}
		l.ResolvedAt = critical.resolvedAt
	}
	return append(all, notice.Notice{Leak: l, Severity: alerting.Critical})
}

// forgetUnknown forgets the critical alerts of leaks that are not known.
func (e *escalations) forgetUnknown(known map[string]bool) {
	maps.DeleteFunc(e.byLeak, func(id string, _ escalation) bool { return !known[id] })
}
