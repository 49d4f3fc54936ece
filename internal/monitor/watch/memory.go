package watch

import (
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/leak"
)

// memorySchedule is when the memory of a service may be read again, and whether it is being read.
type memorySchedule struct {
	next    time.Time
	reading bool
}

// MemoryDue reports whether to read the memory of the service now, and since when its growth matters:
// since a leak began, or since the youngest process with a leak started, because growth across a
// restart means nothing.
func (s *Service) MemoryDue(now time.Time) (since time.Time, due bool) {
	since = s.Leaks.EarliestOnset()
	if s.memory.reading || now.Before(s.memory.next) || since.IsZero() {
		return since, false
	}
	for _, name := range s.Leaks.FiringInstances() {
		if started := s.Fleet.Started(name); started.After(since) {
			since = started
		}
	}
	return since, true
}

// StartMemory records that the memory is being read, and when it may be read again. The result
// must be passed to AddMemory.
func (s *Service) StartMemory(next time.Time) { s.memory = memorySchedule{next, true} }

// AddMemory adds the memory of the instances to the leaks, or records that it could not be
// read.
func (s *Service) AddMemory(list []collector.Memory, err error) {
	s.memory.reading = false
	if err != nil {
		return
	}
	byName := map[string]leak.Memory{}
	for _, x := range list {
		for in := range s.Fleet.Instances() {
			if labels.Equal(in.Labels, x.Labels) {
				byName[in.Name] = leak.Memory{Instance: in.Name, Used: x.Used, Limit: x.Limit, PerHour: x.PerHour}
			}
		}
	}
	s.Leaks.Observe(lifecycle.Observation{Memory: byName})
}
