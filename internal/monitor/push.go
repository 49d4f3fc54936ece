package monitor

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/profiling"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// Push takes a profile that an instance has pushed, and archives it. The next cycle judges it. used is
// false without an error if no profile of the instance is needed now. Any goroutine may call Push,
// until the archive is closed.
func (m *Monitor) Push(ctx context.Context, now time.Time, p profiling.Push) (used bool, err error) {
	return m.pushes.Receive(ctx, now, p)
}

// Pushes returns when an instance last pushed a profile, and how many goroutines the last used one
// had. active reports whether that was recently: then the instance is not pulled.
func (m *Monitor) Pushes(now time.Time, instance labels.Labels) (last time.Time, goroutines int64, active bool) {
	last, goroutines = m.pushes.Last(instance)
	return last, goroutines, m.pushes.Active(now, instance)
}

// awaitPushes arranges for pushed profiles that a service needs to be used: a baseline until the next
// one is due, others until the cycle after the next.
func (m *Monitor) awaitPushes(now time.Time, s *watch.Service, wants []profiling.Want) {
	for _, w := range wants {
		until := now.Add(2 * m.o.Interval)
		if w.Once() {
			until = now.Add(m.o.BaselineInterval)
		}
		m.pushes.Want(w, until, func(ctx context.Context, w profiling.Want, p *collector.Profile) {
			if w.Proof != nil {
				m.inbox.put(proofResult{s, w.Proof.RunPushed(p)}, true)
				return
			}
			m.inbox.put(pullResult{s, w.Pull.RunPushed(ctx, p)}, w.Pull.Urgent())
		})
	}
}
