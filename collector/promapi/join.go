package promapi

import (
	"math"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/promapi/points"
	"github.com/gorowatch/gorowatch/collector/signals"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// join puts the counts, loads and start times of the instances together.
type join struct {
	counts, loads, starts *vector
	metrics               *Metrics
	// young is how long the load of a process is unknown: a rate is too low until it has
	// samples for its whole range.
	young time.Duration

	// window numbers the windows; out are the series of the current one, with times from first
	// to last, Unix milliseconds.
	window      int32
	first, last int64
	out         []collector.Series
	// uses count the instances of the latest answer by the rank of their metric of each signal,
	// with the instances that have none at the end.
	uses signals.Counts
	// units are those of the metrics of the load. decide means that the answers may decide on
	// the unit of a process, because all metrics were read.
	units []int8
	// creates are which of them count the goroutines created.
	creates []bool
	decide  bool
}

// longestRange returns the longest range of an expression's rates, 0 if it has none.
func longestRange(expr string) (longest time.Duration, err error) {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		return 0, err
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if m, ok := n.(*parser.MatrixSelector); ok {
			longest = max(longest, m.Range)
		}
		return nil
	})
	return longest, nil
}

// begin prepares for a window of times from first to last.
func (j *join) begin(first, last time.Time) {
	j.window++
	j.first, j.last, j.out = first.UnixMilli(), last.UnixMilli(), nil
}

// assign finds the load and the start of each instance. It returns the namespaces of the
// instances without a load or start of their own.
func (j *join) assign() (noLoad, noStart map[string]bool) {
	for i, v := range []*vector{j.counts, j.loads, j.starts} {
		j.uses[i] = make([]int, len(v.list)+1)
	}
	noLoad, noStart = map[string]bool{}, map[string]bool{}
	for _, s := range j.counts.read {
		in := s.of
		j.uses[0][s.used]++
		in.load = j.loads.findOf(in, in.load, &in.loadsSeen)
		in.start = j.starts.findOf(in, in.start, &in.startsSeen)
		if j.uses[1][j.loads.rankOf(in.load)]++; j.loads.needsContainer(in.load) && in.container.Has("pod") {
			noLoad[in.container.Get("namespace")] = true
		}
		if j.uses[2][j.starts.rankOf(in.start)]++; j.starts.needsContainer(in.start) && in.container.Has("pod") {
			noStart[in.container.Get("namespace")] = true
		}
	}
	delete(noLoad, "")
	delete(noStart, "")
	return noLoad, noStart
}

// findOf is find for an instance, and then for its container.
func (v *vector) findOf(in *instance, was *series, seen *int32) *series {
	s := v.find(in.labels, was, seen)
	if s != nil && s.chunk == v.chunk || in.container.Len() == in.labels.Len() {
		return s
	}
	if *seen = -1; s == nil || s.chunk != v.chunk {
		if of, _ := v.of(in.container); of != nil {
			return of
		}
	}
	return s
}

// rankOf returns the rank of the metric of a series of the latest answer; without a series it
// is the one after the last.
func (v *vector) rankOf(s *series) int {
	if s == nil || s.chunk != v.chunk {
		return len(v.list)
	}
	return int(s.used)
}

// needsContainer reports whether the container's series would be better for an instance than
// that of its own metric.
func (v *vector) needsContainer(s *series) bool {
	rank := v.rankOf(s)
	return rank == len(v.list) || v.list[rank].Container
}

// add appends the samples of the three answers. Only counts make samples; a load or start time
// without a count is useless. Each sample stands for the time from within before it to itself,
// 0: for that instant.
func (j *join) add(within time.Duration) {
	if j.out == nil {
		j.out = make([]collector.Series, 0, len(j.counts.read))
	}
	all := make([]collector.Sample, 0, len(j.counts.points))
	for _, s := range j.counts.read {
		in := s.of
		if in.window != j.window {
			in.window, in.place = j.window, int32(len(j.out))
			j.out = append(j.out, collector.Series{Labels: in.shown})
		}
		series := &j.out[in.place]
		last := int64(math.MinInt64)
		begun := collector.Unknown // the process of the sample before
		if n := len(series.Samples); n > 0 {
			last, begun = series.Samples[n-1].T, series.Samples[n-1].Start
		}
		from := len(all)
		loads, starts := j.loads.cursor(in.load), j.starts.cursor(in.start)
		for _, p := range j.counts.points[s.lo:s.hi] {
			switch {
			case math.IsNaN(p.V) || math.IsInf(p.V, 0):
				j.metrics.dropped.WithLabelValues(dropNotFinite).Inc()
				continue
			case !collector.ValidCount(p.V):
				j.metrics.dropped.WithLabelValues(dropNotCount).Inc()
				continue
			case p.T < j.first || p.T > j.last:
				j.metrics.dropped.WithLabelValues(dropOutOfRange).Inc()
				continue
			case p.T <= last:
				j.metrics.dropped.WithLabelValues(dropOutOfOrder).Inc()
				continue
			}
			start, _ := starts.value(p.T)
			load, rank := loads.value(p.T)
			x := collector.Sample{T: p.T, Count: p.V, Load: collector.KnownLoad(load), Start: collector.KnownStart(start, p.T)}
			if signals.Young(x.Start, x.T, j.young) {
				x.Load = collector.Unknown
			}
			x.Load = in.unit.Keep(x.T, x.Start, x.Load, j.units[rank], j.decide)
			x.Creates = x.Load == x.Load && j.creates[rank]
			last = p.T
			if within > 0 {
				// The smallest count of a time with a restart may be that of either process, so
				// it is dropped. The next one has the new start.
				restarted := x.Start > float64(x.T)/1000-within.Seconds() || procstart.Time(x.Start).Differs(procstart.Time(begun))
				begun = x.Start
				if restarted {
					continue
				}
			}
			all = append(all, x)
		}
		if got := all[from:len(all):len(all)]; series.Samples == nil {
			series.Samples = got
		} else {
			series.Samples = append(series.Samples, got...)
		}
	}
}

// end returns all series of the window that have samples.
func (j *join) end() []collector.Series {
	out := j.out[:0]
	for _, s := range j.out {
		if len(s.Samples) > 0 {
			out = append(out, s)
		}
	}
	j.out = nil
	return out
}

// cursor walks through the points of a series along with the counts.
type cursor struct {
	points []points.Point
	rank   int8
	runs   []run // that are left, if there are several
	n      int32 // points that are left of the first run
}

// cursor returns the beginning of the points of a series, which may be nil, in the latest
// answer.
func (v *vector) cursor(s *series) cursor {
	if s == nil || s.chunk != v.chunk {
		return cursor{}
	}
	c := cursor{points: v.points[s.lo:s.hi], rank: s.used}
	if s.runs != nil {
		c.runs = *s.runs
		c.n = c.runs[0].n
	}
	return c
}

// value returns the value at exactly t, else collector.Unknown, and the rank of its metric.
// Calls come in time order.
func (c *cursor) value(t int64) (float64, int8) {
	for len(c.points) > 0 && c.points[0].T < t {
		c.points = c.points[1:]
		c.n--
	}
	if len(c.points) > 0 && c.points[0].T == t && !math.IsInf(c.points[0].V, 0) {
		for len(c.runs) > 0 && c.n <= 0 {
			if c.runs = c.runs[1:]; len(c.runs) > 0 {
				c.n += c.runs[0].n
			}
		}
		if len(c.runs) > 0 {
			return c.points[0].V, c.runs[0].rank
		}
		return c.points[0].V, c.rank
	}
	return collector.Unknown, c.rank
}
