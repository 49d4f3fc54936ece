package promapi

import (
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/signals"
)

// signals returns the metrics that are read.
func (o *Options) signals() (signals.Set, error) {
	set := o.Signals
	if len(set.Goroutines) == 0 {
		set = signals.Default()
	}
	if o.Load == "" {
		return set, nil
	}
	custom, err := signals.Parse(signals.Names{Load: []string{o.Load}})
	if err != nil {
		return set, fmt.Errorf("promapi: load %q: %w", o.Load, err)
	}
	set.Load = custom.Load
	return set, nil
}

// count records how many instances have each signal by which metric, and narrows later queries
// to those metrics.
func (s *Source) count() {
	s.narrow()
	s.needLoose()
	uses := signals.Uses(s.queries.Set, s.join.uses)
	s.shownMtx.Lock()
	defer s.shownMtx.Unlock()
	s.uses, s.shown, s.shownCompleted = uses, s.queries, s.completed
}

// Signals returns the metrics by which the instances of the latest window are read.
func (s *Source) Signals() []signals.Use {
	s.shownMtx.Lock()
	defer s.shownMtx.Unlock()
	return slices.Clone(s.uses)
}

// narrowed returns the query for the instances of one service.
func (s *Source) narrowed(selector string, service labels.Labels, names []string) signals.Query {
	s.shownMtx.Lock()
	q := s.shown
	s.shownMtx.Unlock()
	q.Selector = selector
	q.LoadRanks, q.StartRanks, q.BareLoad, q.NegatedLoad, q.BareStart = 0, 0, 0, 0, 0 // other metrics may have been in use before
	namespace := service.Get("namespace")
	// With a Share, instances may have a namespace that their service lacks.
	hidden := namespace == "" && s.o.Share != nil && s.completes()
	if slices.Contains(names, "namespace") && !hidden {
		for _, c := range []*string{&q.LoadContainers, &q.StartContainers} {
			if *c != "" {
				*c = signals.Containers([]string{namespace})
			}
		}
	}
	return q
}
