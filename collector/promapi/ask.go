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

// chunk reads the three signals over one range. Where an instance has no load or start by
// what is asked for, the rest of the list is read too, and the containers in its
// namespace, from then on together with the others.
func (s *Source) chunk(ctx context.Context, r v1.Range, counts expression, groups []share.Group, warnings *[]string) error {
	first := [3]*[]string{s.write(counts, groups, false), s.write(load, groups, s.loose[0]), s.write((*signals.Query).Start, groups, s.loose[1])}
	if err := s.ask(ctx, r, first, warnings); err != nil {
		return err
	}
	noLoad, noStart := s.join.assign()
	var more [3]*[]string
	q := &s.queries
	if s.askMore(0, &q.LoadFirst, &q.LoadContainers, noLoad, q.Set.Load) {
		more[1] = s.write(load, groups, s.loose[0])
	}
	if s.askMore(1, &q.StartFirst, &q.StartContainers, noStart, q.Set.Start) {
		more[2] = s.write((*signals.Query).Start, groups, s.loose[1])
	}
	if more[1] == nil && more[2] == nil {
		return nil
	}
	if err := s.ask(ctx, r, more, warnings); err != nil {
		return err
	}
	s.join.assign()
	return nil
}

// load is the expression for the load.
func load(q *signals.Query) string { return q.Load(signals.Range) }

// askMore reports whether more of the loads, 0, or of the starts, 1, is to be asked for.
func (s *Source) askMore(i int, first *int, containers *string, namespaces map[string]bool, list signals.List) bool {
	uses := s.join.uses[i+1]
	all, covered, loose := askAll(first, uses), s.cover(i, containers, namespaces, list), s.askLoose(i, uses)
	return all || covered || loose
}

// askAll reports whether the rest of a list is to be asked for, because an instance has
// none of the metrics before it.
func askAll(first *int, uses []int) bool {
	if *first == 0 || uses[len(uses)-1] == 0 {
		return false
	}
	*first = 0
	return true
}

// narrow leaves out the metrics at the end of a list that no instance needs, 0: none. They
// cost Prometheus a third of a query.
func narrow(uses []int) int {
	n := len(uses) - 1
	if uses[n] > 0 {
		return 0
	}
	for n > 1 && uses[n-1] == 0 {
		n--
	}
	return n
}

// cover narrows the containers to the namespaces where an instance needs them. It reports
// whether there are some that were not read.
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

// ask reads those of the three signals that have expressions, of which there may be none.
func (s *Source) ask(ctx context.Context, r v1.Range, exprs [3]*[]string, warnings *[]string) error {
	vectors := [3]*vector{s.join.counts, s.join.loads, s.join.starts}
	var said [3][]string
	g, ctx := errgroup.WithContext(ctx)
	for i := range exprs {
		if exprs[i] == nil {
			continue
		}
		g.Go(func() (err error) {
			said[i], err = s.readInto(ctx, vectors[i], *exprs[i], r, s.custom && i == 1)
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
			said[i] = append(said[i], fmt.Sprintf("%d series of %s are left out for their labels, e.g. %s: leave them out with prometheus.selector, or limit the labels where they are scraped",
				v.bad, metric, v.problem))
		}
		if v.excess > 0 {
			said[i] = append(said[i], fmt.Sprintf("%d series of %s are left out, more than the limit of %d: narrow prometheus.selector, raise prometheus.series_limit, or share the work with --shard",
				v.excess, metric, v.limit))
		}
		for _, text := range said[i] {
			*warnings = appendNew(*warnings, text)
		}
	}
	return nil
}

// readInto reads an answer that comes in parts, one for each expression. custom: they are
// not ours alone.
func (s *Source) readInto(ctx context.Context, v *vector, exprs []string, r v1.Range, custom bool) (said []string, err error) {
	v.begin(r.Start.Equal(r.End))
	for _, expr := range exprs {
		a, err := s.client.read(ctx, expr, r, v)
		if err != nil {
			return nil, err
		}
		said = append(said, a.warnings...)
		for _, text := range a.infos {
			// What is unusual about our own expressions we know.
			if custom || !strings.HasPrefix(text, "PromQL info:") {
				said = append(said, text)
			}
		}
	}
	v.choose()
	return said, nil
}
