package monitor

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak"
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
func (m *Monitor) askMemory(ctx context.Context, now time.Time, services []*service) {
	if m.o.Memory == nil {
		return
	}
	asked := 0
	for _, s := range services {
		since := s.tracker.EarliestOnset()
		if s.memory.asking || now.Before(s.memory.next) || since.IsZero() {
			continue
		}
		if asked++; asked > maxMemory {
			return
		}
		s.memory.asking, s.memory.next = true, now.Add(memoryEvery*m.o.Interval)
		since = s.youngest(since)
		source, names := m.o.Memory, m.o.GroupBy
		m.pulls.Go(func() {
			memory, err := source.Memory(ctx, s.fleet.Labels, names, now, since)
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

// memories are by the name of the instance.
func (s *service) memories(all []collector.Memory) map[string]leak.Memory {
	out := map[string]leak.Memory{}
	for _, x := range all {
		for in := range s.fleet.Instances() {
			if labels.Equal(in.Labels, x.Labels) {
				out[in.Name] = leak.Memory{Instance: in.Name, Used: x.Used, Limit: x.Limit, PerHour: x.PerHour}
			}
		}
	}
	return out
}

// youngest is the start of the youngest process that has a leak, if it is after
// a time: the growth of memory over a restart says nothing.
func (s *service) youngest(since time.Time) time.Time {
	for _, name := range s.tracker.FiringInstances() {
		if started := s.fleet.Started(name); started.After(since) {
			since = started
		}
	}
	return since
}
