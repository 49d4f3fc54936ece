package monitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// MemorySource knows the memory of the instances of a service, which agree on
// the labels with these names, how it has grown since a time, and its limits.
type MemorySource interface {
	Memory(ctx context.Context, service labels.Labels, names []string, now, since time.Time) ([]collector.Memory, error)
}

const (
	// memoryEvery is how many intervals pass between two questions for the
	// memory of a service with a leak.
	memoryEvery = 5
	// maxMemory bounds the services that are asked for in one cycle, so that
	// hundreds of leaks are no burden to the source; the others wait.
	maxMemory = 10
)

// askMemory asks for the memory of services with leaks, beside the cycle.
func (m *Monitor) askMemory(ctx context.Context, now time.Time, services []*watch.Service) {
	if m.o.Memory == nil {
		return
	}
	asked := 0
	for _, s := range services {
		since, due := s.MemoryDue(now)
		if !due {
			continue
		}
		if asked++; asked > maxMemory {
			return
		}
		s.StartMemory(now.Add(memoryEvery * m.o.Interval))
		source, names := m.o.Memory, m.o.GroupBy
		m.pulls.Go(func() {
			memory, err := source.Memory(ctx, s.Fleet.Labels, names, now, since)
			m.journal.LogState("memory", string(reasonOf(err)), func(l *slog.Logger) {
				if err != nil {
					l.Warn("The memory of services that leak cannot be read, only the number of goroutines says when they are full", "err", err)
				} else {
					l.Debug("The memory of services that leak can be read")
				}
			})
			m.inbox.put(memoryResult{s, memory, err})
		})
	}
}

func reasonOf(err error) collector.Reason {
	if err == nil {
		return ""
	}
	return collector.ReasonOf(err)
}
