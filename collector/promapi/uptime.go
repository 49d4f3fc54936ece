package promapi

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/share"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// uptime is the state of a process that exports its uptime. The exact start needs the time of
// the sample, which costs Prometheus more than the uptime itself. So it is read once, and later
// uptimes show a restart.
type uptime struct {
	began   procstart.Time
	seconds float64 // of the latest answer
}

// resolveUptimes replaces the uptimes in an answer by the starts of the processes. It queries
// those that are not known.
func (s *Source) resolveUptimes(ctx context.Context, r v1.Range, groups []share.Group) error {
	v := s.join.starts
	unknown := v.resolve()
	if len(unknown) == 0 {
		return nil
	}
	exact := newVector(2*maxReplicas*s.o.SeriesLimit, v.list)
	exact.named, exact.bare = true, v.bare
	if _, err := s.readInto(ctx, exact, s.startsOf(unknown, groups), r, false); err != nil {
		return err
	}
	for _, x := range exact.read {
		of := v.byLabels[v.identity(x.of.labels)]
		if of == nil || of.chunk != v.chunk || of.lo == of.hi || x.lo == x.hi || of.uptime == nil {
			continue
		}
		of.uptime.began = procstart.Time(exact.points[x.lo].V)
		v.points[of.lo].V = exact.points[x.lo].V
	}
	return nil
}

// resolve replaces the uptimes of known processes. It returns the series of the others, which
// have no value now.
func (v *vector) resolve() (unknown []*series) {
	for _, s := range v.read {
		m := &v.list[s.used]
		if m.Kind != signals.Uptime || s.lo == s.hi {
			continue
		}
		if s.uptime == nil {
			s.uptime = &uptime{}
		}
		p, u := &v.points[s.lo], s.uptime
		latest := m.Value(p.V, p.T) // the sample may be older than the answer
		seconds := float64(p.T)/1000 - latest
		same := u.began.Known() && seconds >= u.seconds &&
			latest >= float64(u.began)-procstart.Tolerance.Seconds() &&
			latest <= float64(u.began)+(signals.Lookback+procstart.Tolerance).Seconds()
		if u.seconds = seconds; same {
			p.V = float64(u.began)
			continue
		}
		u.began, p.V = 0, collector.Unknown
		unknown = append(unknown, s)
	}
	return unknown
}

// startsOf returns the expressions for the exact starts of some series of uptimes.
func (s *Source) startsOf(unknown []*series, groups []share.Group) []string {
	var ranks signals.Ranks
	wanted := make(map[*series]bool, len(unknown))
	for _, x := range unknown {
		ranks |= 1 << x.used
		wanted[x] = true
	}
	var names []string
	size := 0
	for _, x := range s.join.counts.read {
		if size < maxMatcher && wanted[x.of.start] {
			name := regexp.QuoteMeta(x.of.labels.Get(model.InstanceLabel))
			names, size = append(names, name), size+len(name)+1
			delete(wanted, x.of.start)
		}
	}
	exact := func(q *signals.Query) string {
		some := *q
		some.StartContainers, some.StartRanks = "", ranks
		return some.Start()
	}
	if size >= maxMatcher || len(wanted) > 0 {
		return *s.write(exact, groups, s.loose[1])
	}
	q := s.queries
	slices.Sort(names)
	q.Selector = narrower(q.Selector, model.InstanceLabel+"=~"+strconv.Quote(strings.Join(slices.Compact(names), "|")))
	return []string{exact(&q)}
}

// narrower adds matchers to a selector, which may be empty.
func narrower(selector string, matchers ...string) string {
	if inside := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(selector), "{"), "}")); inside != "" {
		matchers = append(matchers, inside)
	}
	return "{" + strings.Join(matchers, ",") + "}"
}
