package enrich

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/journal"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
)

// MemorySource reads the memory of the instances of a service: how it has grown since a time, and its
// limits. names are those of the labels on which the instances agree.
type MemorySource interface {
	Memory(ctx context.Context, service labels.Labels, names []string, now, since time.Time) ([]collector.Memory, error)
}

const (
	// memoryInterval is how many intervals pass between two questions about the memory of a
	// service with a leak.
	memoryInterval = 5
	// maxMemory bounds the services that are asked about in one cycle, so that
	// hundreds of leaks do not overload the source. The others wait.
	maxMemory = 10
)

// memoryQuestion asks about the memory of a service.
type memoryQuestion struct {
	source     MemorySource
	journal    *journal.Journal
	service    *watch.Service
	labels     labels.Labels
	groupBy    []string
	now, since time.Time
}

// memoryAnswer is the memory of the instances of a service, or the error.
type memoryAnswer struct {
	service *watch.Service
	memory  []collector.Memory
	err     error
}

// MemoryQuestions returns the due questions about the memory of services with leaks.
func (o *Sources) MemoryQuestions(now time.Time, services []*watch.Service) (out []Question) {
	if o.Memory == nil {
		return nil
	}
	for _, s := range services {
		since, due := s.MemoryDue(now)
		if !due {
			continue
		}
		if len(out) == maxMemory {
			break
		}
		s.StartMemory(now.Add(memoryInterval * o.Interval))
		out = append(out, memoryQuestion{o.Memory, o.Journal, s, s.Fleet.Labels, o.GroupBy, now, since})
	}
	return out
}

// Ask reads the memory.
func (q memoryQuestion) Ask(ctx context.Context) Answer {
	memory, err := q.source.Memory(ctx, q.labels, q.groupBy, q.now, q.since)
	state := ""
	if err != nil {
		state = string(collector.ReasonOf(err))
	}
	q.journal.LogState("memory", state, func(l *slog.Logger) {
		if err != nil {
			l.Warn("Cannot read the memory of leaking services; projections use goroutine counts alone", "err", err)
		} else {
			l.Debug("Memory of leaking services can be read again")
		}
	})
	return memoryAnswer{q.service, memory, err}
}

// Apply passes the memory to the leaks of the service.
func (a memoryAnswer) Apply() { a.service.AddMemory(a.memory, a.err) }
