package promapi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"golang.org/x/sync/errgroup"

	"github.com/gorowatch/gorowatch/collector/promapi/share"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// fullInterval is the number of evaluations between two that read all metrics of the lists. The
// others only read those that instances have, because more names cost Prometheus more. A rate
// is unknown for that long in a new process anyway.
const fullInterval = 5

// chunk reads the three signals over one range. If an instance has no load or start, it also
// reads the containers in its namespace, and series that lack a label of the services. From
// then on it reads these together with the others. It also reads the other starts, if the need
// for them is new.
func (s *Source) chunk(ctx context.Context, r v1.Range, counts expression, groups []share.Group, warnings *[]string) error {
	q := &s.queries
	if s.evaluations++; !r.Start.Equal(r.End) || s.evaluations >= fullInterval {
		s.evaluations = 0
		q.LoadRanks, q.StartRanks = 0, 0
	}
	if !r.Start.Equal(r.End) {
		q.NegatedLoad = q.BareLoad
	}
	s.join.loads.bare, s.join.loads.negated, s.join.starts.bare = int8(q.BareLoad), int8(q.NegatedLoad), int8(q.BareStart)
	start := (*signals.Query).Start
	instant := r.Start.Equal(r.End) && !q.Set.Start.HasExpression()
	if instant {
		start = (*signals.Query).StartOrUptime
	}
	first := [3]*[]string{s.write(counts, groups, false), s.write(load, groups, s.loose[0]), s.write(start, groups, s.loose[1])}
	if err := s.ask(ctx, r, first, warnings); err != nil {
		return err
	}
	if err := s.completePods(ctx, r, warnings); err != nil {
		return err
	}
	noLoad, noStart := s.join.assign()
	var more [3]*[]string
	if s.askMore(0, &q.LoadContainers, noLoad, q.Set.Load) && q.LoadRanks == 0 {
		more[1] = s.write(load, groups, s.loose[0])
	}
	wider, all := s.askMore(1, &q.StartContainers, noStart, q.Set.Start), q.StartRanks == 0
	if !all && last(s.join.uses[2]) > s.withoutStart {
		all, wider, q.StartRanks = true, true, 0
	}
	if all && wider {
		more[2] = s.write(start, groups, s.loose[1])
	}
	s.join.decide = q.LoadRanks == 0
	if more[1] != nil || more[2] != nil {
		if err := s.ask(ctx, r, more, warnings); err != nil {
			return err
		}
		s.join.assign()
	}
	if instant {
		return s.resolveUptimes(ctx, r, groups)
	}
	return nil
}

// load returns the expression for the load.
func load(q *signals.Query) string { return q.Load(signals.Range) }

// askMore reports whether more series of the loads, 0, or of the starts, 1, have to be read:
// those of containers, or those that lack a label of the services.
func (s *Source) askMore(i int, containers *string, namespaces map[string]bool, list signals.List) bool {
	covered, loose := s.cover(i, containers, namespaces, list), s.askLoose(i, s.join.uses[i+1])
	return covered || loose
}

// narrow restricts the query to the metrics that instances have. The series of the most common
// metric stay without a name.
func (s *Source) narrow() {
	q := &s.queries
	if withoutStart := last(s.join.uses[2]); q.StartRanks == 0 {
		s.withoutStart = withoutStart
	} else {
		s.withoutStart = min(s.withoutStart, withoutStart)
	}
	var second int
	q.LoadRanks, q.BareLoad, second = common(s.join.uses[1], q.BareLoad)
	q.NegatedLoad = q.BareLoad
	if list := q.Set.Load; list[second].Kind == signals.Counter && list[q.BareLoad].Kind == signals.Counter {
		q.NegatedLoad = second
	}
	q.StartRanks, q.BareStart, _ = common(s.join.uses[2], q.BareStart)
}

// common returns the ranks of the metrics that instances have, and the two most common ones;
// was is the first one before.
func common(uses []int, was int) (ranks signals.Ranks, first, second int) {
	uses = uses[:len(uses)-1]
	first = was
	for rank, n := range uses {
		if n > 0 {
			ranks |= 1 << rank
		}
		if n > uses[first] {
			first = rank
		}
	}
	second = first
	for rank, n := range uses {
		if n > 0 && rank != first && (second == first || n > uses[second]) {
			second = rank
		}
	}
	return ranks, first, second
}

func last(uses []int) int { return uses[len(uses)-1] }

// cover narrows the containers to the namespaces where an instance needs them. It reports
// whether there are new ones.
func (s *Source) cover(i int, selector *string, namespaces map[string]bool, list signals.List) (more bool) {
	if !slices.ContainsFunc(list, func(m signals.Metric) bool { return m.Container }) {
		return false
	}
	for n := range namespaces {
		more = more || !s.covered[i][n]
	}
	s.covered[i], *selector = namespaces, ""
	if len(namespaces) > 0 {
		*selector = signals.Containers(slices.Sorted(maps.Keys(namespaces)))
	}
	return more
}

// ask reads those of the three signals that have expressions.
func (s *Source) ask(ctx context.Context, r v1.Range, exprs [3]*[]string, warnings *[]string) error {
	vectors := [3]*vector{s.join.counts, s.join.loads, s.join.starts}
	var notes [3][]string
	g, ctx := errgroup.WithContext(ctx)
	for i := range exprs {
		if exprs[i] == nil {
			continue
		}
		g.Go(func() (err error) {
			notes[i], err = s.readInto(ctx, vectors[i], *exprs[i], r, s.custom && i == 1)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, v := range vectors {
		if exprs[i] == nil {
			continue
		}
		metric := v.list[0].Name
		s.metrics.dropped.WithLabelValues(dropDuplicate).Add(float64(v.duplicates))
		s.metrics.dropped.WithLabelValues(dropLimit).Add(float64(v.excess))
		s.metrics.dropped.WithLabelValues(dropLabels).Add(float64(v.bad))
		s.metrics.points.Add(float64(len(v.points)))
		if v.bad > 0 {
			notes[i] = append(notes[i], fmt.Sprintf("%d series of %s are left out for their labels, e.g. %s: leave them out with prometheus.selector, or limit the labels where they are scraped",
				v.bad, metric, v.problem))
		}
		if v.excess > 0 {
			notes[i] = append(notes[i], fmt.Sprintf("%d series of %s are left out, more than the limit of %d: narrow prometheus.selector, raise prometheus.series_limit, or share the work with --shard",
				v.excess, metric, v.limit))
		}
		for _, text := range notes[i] {
			*warnings = appendNew(*warnings, text)
		}
	}
	return nil
}

// readInto reads an answer that comes in parts, one for each expression. custom means that the
// user wrote some of them.
func (s *Source) readInto(ctx context.Context, v *vector, exprs []string, r v1.Range, custom bool) (notes []string, err error) {
	v.begin(r.Start.Equal(r.End))
	for _, expr := range exprs {
		a, err := s.client.Read(ctx, expr, r, v)
		if err != nil {
			return nil, err
		}
		notes = append(notes, a.Warnings...)
		for _, text := range a.Infos {
			// Notes about our own expressions are known and not shown.
			if custom || !strings.HasPrefix(text, "PromQL info:") {
				notes = append(notes, text)
			}
		}
	}
	v.choose()
	return notes, nil
}
