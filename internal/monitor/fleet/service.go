package fleet

import (
	"iter"
	"maps"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/trend"
)

// Service has the instances that agree on the labels of the service.
type Service struct {
	Labels labels.Labels // constant

	block     time.Duration // of the trend
	instances map[string]*Instance
	watched   []trend.Instance
	presence  map[string]*presence // by instance of a firing leak
	prior     priorVersion
	removed   bool // it was removed from the registry
}

// NewService makes a Service without instances. block is the length of a block of the trend.
func NewService(group labels.Labels, block time.Duration) *Service {
	return &Service{Labels: group, block: block, instances: map[string]*Instance{}}
}

// Register finds or makes the instance of a series whose first sample in a window is first. If two
// instances of a service have the same instance label, the name of the second has all of its labels. But
// a process whose series ended, and that continues under other labels, is the same instance.
func (s *Service) Register(ls labels.Labels, first collector.Sample) *Instance {
	if in := s.find(ls); in != nil {
		return in
	}
	name := ls.Get("instance")
	namesake, taken := s.instances[name]
	if taken && namesake.continuesWith(first) {
		namesake.Labels = ls
		return namesake
	}
	if taken || name == "" {
		name = longName(ls)
	}
	in := &Instance{Name: name, Labels: ls}
	s.instances[name] = in
	return in
}

// find returns the instance with the given labels; nil: there is none.
func (s *Service) find(ls labels.Labels) *Instance {
	for _, name := range []string{ls.Get("instance"), longName(ls)} {
		if in, ok := s.instances[name]; ok && labels.Equal(in.Labels, ls) {
			return in
		}
	}
	return nil
}

// longName returns the name of an instance whose instance label is not enough: all of its labels.
func longName(ls labels.Labels) string {
	return labels.NewBuilder(ls).Del(labels.MetricName).Labels().String()
}

// Instance returns the instance with a name; nil: there is none.
func (s *Service) Instance(name string) *Instance { return s.instances[name] }

// Instances iterates over all instances, in no order.
func (s *Service) Instances() iter.Seq[*Instance] { return maps.Values(s.instances) }

// Empty reports whether the service has no instances.
func (s *Service) Empty() bool { return len(s.instances) == 0 }

// Observe records the start of the process and the load of a sample.
func (s *Service) Observe(in *Instance, x collector.Sample) {
	in.observeStart(x.Start)
	in.load.add(time.UnixMilli(x.T), x.Load, s.block)
}

// LoadAt returns the mean load of an instance in the hour of t; NaN: unknown.
func (s *Service) LoadAt(in *Instance, t time.Time) float64 { return in.load.at(t, s.block) }

// Watched returns the instances that the trend knew at the last judgement, by name.
func (s *Service) Watched() []trend.Instance { return s.watched }

// SetWatched replaces the watched instances.
func (s *Service) SetWatched(list []trend.Instance) { s.watched = list }

// Prune removes the instances that are no longer watched. All watched ones are in the registry.
func (s *Service) Prune() {
	if len(s.instances) == len(s.watched) {
		return
	}
	watched := make(map[string]bool, len(s.watched))
	for _, w := range s.watched {
		watched[w.Name] = true
	}
	for name, in := range s.instances {
		if !watched[name] {
			delete(s.instances, name)
			in.removed = true
		}
	}
}

// MarkEnded marks the instances whose series have ended by a time: two samples in a row are missing. Their
// pods are gone or no longer scraped, so no profile can be pulled. If samples come again, the instance
// continues. Samples may be further apart than evaluations.
func (s *Service) MarkEnded(upTo time.Time, interval time.Duration) {
	for _, w := range s.watched {
		if in, ok := s.instances[w.Name]; ok {
			in.ended = upTo.Sub(time.UnixMilli(in.last)) >= max(2*interval, interval+scrapeDelay, 2*in.sampleInterval)
		}
	}
}

// Present returns the watched instances whose series have not ended, by name.
func (s *Service) Present() (out []*Instance) {
	for _, w := range s.watched {
		if in, ok := s.instances[w.Name]; ok && !in.ended {
			out = append(out, in)
		}
	}
	return out
}

// Started returns when the process of a watched instance started; zero: unknown.
func (s *Service) Started(name string) time.Time { return s.watch(name).Started }

// Count returns the number of goroutines of a watched instance; 0: unknown.
func (s *Service) Count(name string) float64 { return s.watch(name).Count }

func (s *Service) watch(name string) trend.Instance {
	for _, w := range s.watched {
		if w.Name == name {
			return w
		}
	}
	return trend.Instance{}
}
