package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// Push takes a profile that an instance has sent unasked, and archives it. The next
// cycle judges it. used is false without an error if no profile of the instance is
// needed now. Push may be called by any goroutine, until the archive is closed.
func (m *Monitor) Push(ctx context.Context, now time.Time, p profiling.Push) (used bool, err error) {
	return m.pushes.Receive(ctx, now, p)
}

// Pushes says when an instance has pushed a profile last, if that was lately, and
// how many goroutines were in the last that was used; such an instance is not pulled.
func (m *Monitor) Pushes(now time.Time, instance labels.Labels) (last time.Time, goroutines int64, active bool) {
	last, goroutines = m.pushes.Last(instance)
	return last, goroutines, m.pushes.Active(now, instance)
}

// awaitPushes has the pushed profiles used that a service needs until the cycle after
// the next, and a baseline until the next is due.
func (m *Monitor) awaitPushes(now time.Time, s *watch.Service, wants []profiling.Want) {
	for _, w := range wants {
		until := now.Add(2 * m.o.Interval)
		if w.Once() {
			until = now.Add(m.o.BaselineInterval)
		}
		m.pushes.Want(w, until, func(ctx context.Context, w profiling.Want, p *collector.Profile) {
			if w.Proof != nil {
				m.inbox.put(proofResult{s, w.Proof.RunPushed(p)})
				return
			}
			m.inbox.put(pullResult{s, w.Pull.RunPushed(ctx, p)})
		})
	}
}
