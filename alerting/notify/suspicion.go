package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/gorowatch/gorowatch/alerting"
	"github.com/gorowatch/gorowatch/alerting/internal/notice"
	"github.com/gorowatch/gorowatch/leak"
)

// suspicions are the alerts of suspected leaks. They are for Alertmanagers alone and are
// not noted: after a restart an alert ends by itself unless the leak is suspected again.
type suspicions struct {
	byLeak map[string]suspicion // by the leak's ID
}

// suspicion is the alert of a suspected leak.
type suspicion struct {
	leak       leak.Leak // as it was last suspected
	since      time.Time
	resolvedAt time.Time // zero while it fires
}

// notices returns the alerts of suspicions as of now: those in leaks, if suspicions are sent,
// and those that ended a short while ago. An alert resolves when the leak fires, which has
// another alert, or when it is no longer suspected.
func (s *suspicions) notices(leaks []leak.Leak, wanted bool, now time.Time) (out []notice.Notice) {
	state := make(map[string]leak.State, len(leaks))
	for _, l := range leaks {
		state[l.ID] = l.State
		if !wanted || l.State != leak.Suspected {
			continue
		}
		x, known := s.byLeak[l.ID]
		if !known || !x.resolvedAt.IsZero() {
			x = suspicion{since: now}
		}
		x.leak = l
		s.byLeak[l.ID] = x
	}
	for id, x := range s.byLeak {
		if x.resolvedAt.IsZero() && (!wanted || state[id] != leak.Suspected) {
			x.resolvedAt, x.leak.Resolution = now, "it is no longer suspected"
			if state[id] == leak.Firing {
				x.leak.Resolution = "it fires"
			}
			s.byLeak[id] = x
		}
		l := x.leak
		l.State, l.DetectedAt = leak.Firing, x.since
		if !x.resolvedAt.IsZero() {
			if now.Sub(x.resolvedAt) > resolvedFor {
				delete(s.byLeak, id)
				continue
			}
			l.State, l.ResolvedAt = leak.Resolved, x.resolvedAt
		}
		out = append(out, notice.Notice{Leak: l, Severity: alerting.Info})
	}
	slices.SortFunc(out, func(a, b notice.Notice) int { return cmp.Compare(a.Leak.ID, b.Leak.ID) })
	return out
}
