package watch

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Options are the options of Services.
type Options struct {
	// GroupBy are the labels that make a service, Owns reports whether one is watched.
	GroupBy []string
	Owns    func(service labels.Labels) bool
	Trend   trend.Options
	Leaks   lifecycle.Options
	// Interval is the time between two evaluations.
	Interval time.Duration
}

// Services are all services that are watched, or have leaks.
type Services struct {
	o        Options
	registry *fleet.Registry
	services map[*fleet.Service]*Service
}

// NewServices makes Services without any.
func NewServices(o Options) *Services {
	return &Services{
		o:        o,
		registry: fleet.NewRegistry(fleet.Options{GroupBy: o.GroupBy, Owns: o.Owns, Block: o.Trend.Base}),
		services: map[*fleet.Service]*Service{},
	}
}

// Apply replaces the options. If they change what a service is, or how the trend judges it, it does
// nothing and returns false.
func (a *Services) Apply(o Options) bool {
	if o.Trend != a.o.Trend || !slices.Equal(o.GroupBy, a.o.GroupBy) {
		return false
	}
	a.o = o
	a.registry.SetOwns(o.Owns)
	for _, s := range a.services {
		s.Leaks.Apply(o.Leaks)
	}
	return true
}

// All iterates over the services, in no order.
func (a *Services) All() iter.Seq[*Service] { return maps.Values(a.services) }

// Len returns the number of services.
func (a *Services) Len() int { return len(a.services) }

// Lookup returns the service with the given labels; nil: there is none.
func (a *Services) Lookup(group labels.Labels) *Service { return a.services[a.registry.Lookup(group)] }

// Has reports whether a service has not been removed.
func (a *Services) Has(s *Service) bool { return a.services[s.Fleet] == s }

// Service finds or makes the service with the given labels.
func (a *Services) Service(group labels.Labels) *Service { return a.join(a.registry.Service(group)) }

// join finds or makes the service for one of the fleet.
func (a *Services) join(f *fleet.Service) *Service {
	s, ok := a.services[f]
	if !ok {
		s = New(f, a.o.Trend, a.o.Leaks)
		a.services[f] = s
	}
	return s
}

// Remove forgets a service.
func (a *Services) Remove(s *Service) {
	delete(a.services, s.Fleet)
	a.registry.Remove(s.Fleet)
}

// Restore continues with a leak of an earlier run.
func (a *Services) Restore(l leak.Leak) {
	a.Service(l.Service).Leaks.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
}

// Leaks returns the leaks of all services, by the time of detection.
func (a *Services) Leaks() (out []leak.Leak) {
	for _, s := range a.services {
		out = append(out, s.Leaks.Leaks()...)
	}
	slices.SortFunc(out, leak.ByDetection)
	return out
}

// CurrentLabels returns the labels that a watched instance has now; watched is false
// if there is no such instance.
func (a *Services) CurrentLabels(instance labels.Labels) (now labels.Labels, watched bool) {
	return a.registry.CurrentLabels(instance)
}

// Each calls f for all services, with a number of workers.
func (a *Services) Each(workers int, f func(*Service)) {
	todo := make(chan *Service)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s := range todo {
				f(s)
			}
		})
	}
	for _, s := range a.services {
		todo <- s
	}
	close(todo)
	wg.Wait()
}
