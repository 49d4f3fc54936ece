package fleet

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
)

// Options are the options of a Registry.
type Options struct {
	// GroupBy are the labels that make a service.
	GroupBy []string
	// Owns reports whether a service is watched.
	Owns func(service labels.Labels) bool
	// Block is the length of a block of the trend.
	Block time.Duration
}

// Registry has the services by their labels, and the place of each series. Most series are the same at
// every evaluation, and finding the place of one costs one lookup.
type Registry struct {
	o        Options
	services map[string]*Service
	series   map[uint64]Series // by the hash of the labels
}

// Series is the place of a series: its service and instance. Both are nil if the
// service is not watched here.
type Series struct {
	Service  *Service
	Instance *Instance
	labels   labels.Labels
}

// NewRegistry makes an empty Registry.
func NewRegistry(o Options) *Registry {
	return &Registry{o: o, services: map[string]*Service{}, series: map[uint64]Series{}}
}

// SetOwns replaces Options.Owns for series that are registered from now on.
func (r *Registry) SetOwns(owns func(service labels.Labels) bool) { r.o.Owns = owns }

// Service finds the service with the given labels, or makes it.
func (r *Registry) Service(group labels.Labels) *Service {
	key := string(group.Bytes(nil))
	s, ok := r.services[key]
	if !ok {
		s = NewService(group, r.o.Block)
		r.services[key] = s
	}
	return s
}

// Lookup finds the service with the given labels; nil: there is none.
func (r *Registry) Lookup(group labels.Labels) *Service {
	return r.services[string(group.Bytes(nil))]
}

func (r *Registry) group(instance labels.Labels) labels.Labels {
	return labels.NewBuilder(instance).Keep(r.o.GroupBy...).Labels()
}

// Remove forgets a service.
func (r *Registry) Remove(s *Service) {
	delete(r.services, string(s.Labels.Bytes(nil)))
	s.removed = true
}

// Places iterates over the series of a window that have samples, with their places: the known ones
// first, then the new ones in the order of their first samples. The caller must call Extend for the
// instance of each before the next one, because a new series may continue one under other labels.
func (r *Registry) Places(window []collector.Series) iter.Seq2[*collector.Series, Series] {
	return func(yield func(*collector.Series, Series) bool) {
		var unknown []*collector.Series
		for i := range window {
			series := &window[i]
			if len(series.Samples) == 0 {
				continue
			}
			s, ok := r.find(series.Labels)
			if !ok {
				unknown = append(unknown, series)
			} else if !yield(series, s) {
				return
			}
		}
		slices.SortStableFunc(unknown, func(a, b *collector.Series) int { return cmp.Compare(a.Samples[0].T, b.Samples[0].T) })
		for _, series := range unknown {
			if !yield(series, r.register(series.Labels, series.Samples[0])) {
				return
			}
		}
	}
}

// find returns the place of a series; found is false if it has no valid one.
func (r *Registry) find(ls labels.Labels) (s Series, found bool) {
	s, ok := r.series[ls.Hash()]
	return s, ok && s.valid() && labels.Equal(s.labels, ls)
}

// register finds the place of a series that begins with first, or makes it.
func (r *Registry) register(ls labels.Labels, first collector.Sample) Series {
	s := Series{labels: ls}
	if group := r.group(ls); r.o.Owns(group) {
		s.Service = r.Service(group)
		s.Instance = s.Service.Register(ls, first)
	}
	r.series[ls.Hash()] = s
	return s
}

// Prune drops the places of series that are not watched, once there are many more of them than
// the n series of the last evaluation.
func (r *Registry) Prune(n int) {
	if len(r.series) <= 2*n+1024 {
		return
	}
	for hash, s := range r.series {
		if !s.valid() || s.Service == nil {
			delete(r.series, hash)
		}
	}
}

// CurrentLabels returns the labels that an instance has now, which differ from those given if it was
// relabelled; found is false if it is not watched.
func (r *Registry) CurrentLabels(instance labels.Labels) (now labels.Labels, found bool) {
	s, ok := r.series[instance.Hash()]
	if !ok || s.Service == nil || s.stale() || !labels.Equal(s.labels, instance) {
		return now, false
	}
	return s.Instance.Labels, true
}

// stale reports whether the service or the instance was removed.
func (s Series) stale() bool {
	return s.Service != nil && (s.Service.removed || s.Instance.removed)
}

// valid reports whether the place still belongs to the series.
func (s Series) valid() bool {
	return s.Service == nil || !s.stale() && labels.Equal(s.labels, s.Instance.Labels)
}
