package promapi

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector/promapi/share"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// Share is some of the services.
type Share struct {
	// GroupBy are the labels that make a service.
	GroupBy []string
	// Owns reports whether a service is one of them.
	Owns func(service labels.Labels) bool
	// Shares is how many shares there are. Together they list the services about once in two
	// evaluations.
	Shares int
}

// every returns the number of evaluations from one list of the services to the next.
func (s *Share) every() int { return min(max(2*s.Shares, 4), 15) }

// owns reports whether the service of an instance is one of the share.
func (s *Share) owns(instance labels.Labels) bool {
	return s.Owns(labels.NewBuilder(instance).Keep(s.GroupBy...).Labels())
}

// expression makes the text of a query.
type expression func(*signals.Query) string

const (
	// maxShared bounds the bytes, in a URL, of an expression that names services. Servers and
	// proxies take 8 KiB for the whole URL.
	maxShared = 7 << 10
	// minShared is the room for the names in an expression that is long itself.
	minShared = 512
	// maxGroups bounds the services.
	maxGroups = 1 << 20
	// fewSteps are so few that the services are listed at each of them.
	fewSteps = 5
	// lookback is how old a sample may be to count at a step: more than usual.
	lookback = 3 * signals.Lookback
	// historyAtOnce is the part of the history whose services are listed at once.
	historyAtOnce = 2 * time.Hour
)

// readGroups finds the services that have counts at the steps of a range, and may return others
// too. Without a Share it does nothing.
func (s *Source) readGroups(ctx context.Context, r v1.Range, within time.Duration, counts expression, warnings *[]string) ([]share.Group, error) {
	q := s.queries
	q.Part = signals.Narrowed
	if s.o.Share == nil || len(q.Select()) == 0 {
		return nil, nil
	}
	steps := r.End.Sub(r.Start) / r.Step
	if steps == 0 && within == 0 && !s.known.Due() {
		if some, ok := s.freshGroups(ctx, q, r, counts, warnings); ok {
			s.known.Add(some)
			return s.known.Groups(), nil
		}
	}
	expr := counts(&q)
	switch {
	case within == 0 && steps < fewSteps:
	case within > 0 && !r.End.After(s.listed) && r.Start.After(s.listed.Add(-historyAtOnce)):
		return s.known.Groups(), nil
	default:
		// Anything with a sample in the range, which is faster to find than a sample at each
		// step.
		first := r.Start.Add(-within - lookback)
		if long := r.Start.Add(historyAtOnce - r.Step); within > 0 && long.After(r.End) && time.Since(long) > time.Hour {
			r.End = long // the history no longer changes
		}
		expr = q.GoroutinesOver("count_over_time", r.End.Sub(first), 0)
		r.Start = r.End
	}
	list, err := s.listGroups(ctx, expr, r, warnings)
	if err != nil {
		return nil, err
	}
	s.known.List(list)
	if within > 0 {
		s.listed = r.End
	}
	return s.known.Groups(), nil
}

// freshGroups finds the services with a label value that no known service has. ok is false if
// that is not known.
func (s *Source) freshGroups(ctx context.Context, q signals.Query, r v1.Range, counts expression, warnings *[]string) (fresh []share.Group, ok bool) {
	values := map[string][]string{}
	for _, name := range s.o.Share.GroupBy {
		var err error
		if values[name], err = s.values(ctx, name, q.Select(), r); err != nil {
			return nil, false // the list will show the error, if there is one
		}
	}
	matchers, ok := s.known.Fresh(values, maxShared/2)
	for _, m := range matchers {
		q.Selector = share.Within(s.o.Selector, m)
		some, err := s.listGroups(ctx, counts(&q), r, warnings)
		if err != nil {
			return nil, false
		}
		fresh = append(fresh, some...)
	}
	return fresh, ok
}

// values returns the values of a label of the services.
func (s *Source) values(ctx context.Context, name string, selectors []string, r v1.Range) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	began := time.Now()
	values, _, err := s.api.LabelValues(ctx, name, selectors, r.Start.Add(-signals.Lookback), r.End)
	s.metrics.duration.Observe(time.Since(began).Seconds())
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out, err
}

// listGroups lists the services of all series of an expression.
func (s *Source) listGroups(ctx context.Context, expr string, r v1.Range, warnings *[]string) ([]share.Group, error) {
	v := s.groups
	notes, err := s.readInto(ctx, v, []string{share.Count(s.o.Share.GroupBy, expr)}, r, false)
	if err != nil {
		return nil, err
	}
	if v.bad > 0 {
		notes = append(notes, fmt.Sprintf("%d services are left out for their labels, e.g. %s: leave them out with prometheus.selector, or limit the labels where they are scraped", v.bad, v.problem))
	}
	if v.excess > 0 {
		notes = append(notes, fmt.Sprintf("%d services are left out, more than %d: narrow prometheus.selector", v.excess, v.limit))
	}
	for _, text := range notes {
		*warnings = appendNew(*warnings, text)
	}
	groups := make([]share.Group, len(v.read))
	for i, x := range v.read {
		g := share.Group{Labels: x.of.labels, Own: s.o.Share.Owns(x.of.labels)}
		for _, p := range v.points[x.lo:x.hi] {
			g.Series = max(g.Series, p.V)
		}
		groups[i] = g
	}
	v.forget()
	return groups, nil
}

// write writes the expressions of a signal: one, or with a Share as many as it takes to name
// its services. loose also reads series that lack a label of the services, because they may
// stand for several.
func (s *Source) write(e expression, groups []share.Group, loose bool) *[]string {
	if s.o.Share == nil {
		return &[]string{e(&s.queries)}
	}
	var out []string
	q := s.queries
	q.Part = signals.Others
	if expr := e(&q); expr != "" {
		out = append(out, expr)
	}
	q.Part = signals.Narrowed
	const marker = `gorowatch_services=""`
	q.Selector = share.Within(s.o.Selector, marker)
	form := e(&q)
	if form == "" {
		return &out
	}
	times := strings.Count(form, marker)
	room := (maxShared - len(url.QueryEscape(strings.ReplaceAll(form, marker, "")))) / times
	names := s.o.Share.GroupBy
	matchers := share.Matchers(names, groups, max(room, minShared))
	if loose {
		matchers = slices.Concat(matchers, share.Without(names))
	}
	for _, m := range matchers {
		q.Selector = share.Within(s.o.Selector, m)
		out = append(out, e(&q))
	}
	return &out
}

// askLoose reports whether the loads, 0, or the starts, 1, that lack a label of the services
// have to be read, because an instance has none.
func (s *Source) askLoose(i int, uses []int) bool {
	if s.o.Share == nil || s.loose[i] {
		return false
	}
	s.loose[i] = uses[len(uses)-1] > 0
	return s.loose[i]
}

// needLoose leaves them out of the next queries if no instance needs them.
func (s *Source) needLoose() {
	for i, v := range []*vector{s.join.loads, s.join.starts} {
		s.loose[i] = s.loose[i] && slices.ContainsFunc(s.join.counts.read, func(x *series) bool {
			found := []*series{x.of.load, x.of.start}[i]
			return v.rankOf(found) == len(v.list) || slices.ContainsFunc(s.o.Share.GroupBy, func(name string) bool {
				return x.of.labels.Has(name) && !slices.Contains(found.set.names, name)
			})
		})
	}
}
