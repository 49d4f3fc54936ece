package signals

import (
	"math"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/value"

	"github.com/gorowatch/gorowatch/collector"
)

// Points are the samples of one series, in time order.
type Points struct {
	T []int64 // Unix milliseconds
	V []float64
}

// Lookback is how old the latest sample of a gauge may be, as in Prometheus.
const Lookback = 5 * time.Minute

// Raw has the samples of the metrics of an instance: for each place in the list, its series.
// There are several if the metric is summed up or belongs to containers, or if the measuring
// library has changed.
type Raw struct{ Goroutines, Load, Start [][]Points }

// NewRaw makes a Raw without samples.
func (s *Set) NewRaw() Raw {
	return Raw{make([][]Points, len(s.Goroutines)), make([][]Points, len(s.Load)), make([][]Points, len(s.Start))}
}

// Samples joins the metrics of an instance, like a Prometheus at the times of the counts. unit
// is that of the process before. uses has, for each signal, the rank of the metric of the
// latest sample, -1: none.
func (s *Set) Samples(r *Raw, unit *LoadUnit) (out []collector.Sample, uses [3]int) {
	counts, rank := chooseCounts(r.Goroutines)
	units := s.Load.Units()
	out = make([]collector.Sample, 0, len(counts.T))
	uses = [3]int{rank, -1, -1}
	load, start := newReader(s.Load, r.Load), newReader(s.Start, r.Start)
	for i, t := range counts.T {
		if value.IsStaleNaN(counts.V[i]) || !collector.ValidCount(counts.V[i]) {
			continue
		}
		x := collector.Sample{T: t, Count: counts.V[i]}
		v, of := start.at(t, nil)
		x.Start, uses[2] = collector.KnownStart(v, t), of
		unit.begin(x.Start)
		v, of = load.at(t, func(rank int) bool { return unit.Allows(units[rank]) })
		if of < 0 {
			v, of = load.at(t, nil)
		}
		uses[1] = of
		if of >= 0 && !(s.Load[of].Kind == Counter && Young(x.Start, t, Range)) {
			x.Load = unit.Keep(t, x.Start, collector.KnownLoad(v), units[of], true)
			x.Creates = x.Load == x.Load && s.Load[of].Creates()
		} else {
			x.Load = collector.Unknown
		}
		out = append(out, x)
	}
	return out, uses
}

// Young reports whether a process is younger than the range of a rate. The rate is too low
// then, or that of the process before.
func Young(start float64, t int64, over time.Duration) bool {
	age := float64(t)/1000 - start
	return age >= 0 && age < over.Seconds()
}

// chooseCounts takes the first metric of the list that has samples. Later ones count before it
// begins and after it ends, so that a service may change its metrics.
func chooseCounts(all [][]Points) (chosen Points, rank int) {
	rank = -1
	for i, series := range all {
		for _, p := range series {
			switch {
			case len(p.T) == 0:
			case rank < 0:
				chosen, rank = p, i
			default:
				chosen = extend(chosen, p)
			}
		}
	}
	return chosen, rank
}

func extend(p, more Points) Points {
	first, last := p.T[0], p.T[len(p.T)-1]
	before, _ := slices.BinarySearch(more.T, first)
	after, _ := slices.BinarySearch(more.T, last+1)
	if before == 0 && after == len(more.T) {
		return p
	}
	return Points{
		T: slices.Concat(more.T[:before], p.T, more.T[after:]),
		V: slices.Concat(more.V[:before], p.V, more.V[after:]),
	}
}

// reader reads a signal at increasing times.
type reader struct {
	list  List
	all   [][]Points
	hints [][]int // of each series: an index before the range
}

func newReader(list List, all [][]Points) *reader {
	r := &reader{list: list, all: all, hints: make([][]int, len(all))}
	for i := range all {
		r.hints[i] = make([]int, len(all[i]))
	}
	return r
}

// at returns the value of the first metric that has one, and its rank. allows selects the
// metrics; nil: all.
func (r *reader) at(t int64, allows func(rank int) bool) (float64, int) {
	for i, series := range r.all {
		if allows != nil && !allows(i) {
			continue
		}
		m, total := &r.list[i], math.NaN()
		for k, p := range series {
			var v float64
			if m.Kind == Counter {
				v, r.hints[i][k] = Rate(p.T, p.V, t, r.hints[i][k])
			} else {
				v, r.hints[i][k] = m.latest(p, t, r.hints[i][k])
			}
			switch {
			case math.IsNaN(v):
			case math.IsNaN(total):
				total = v
			case m.Kind == Counter && (m.Container || len(m.Sum) > 0):
				total += v
			case m.Container:
				total = max(total, v)
			}
		}
		if !math.IsNaN(total) {
			return total, i
		}
	}
	return math.NaN(), -1
}

// latest returns the value of a gauge at a time, NaN: it has none.
func (m *Metric) latest(p Points, t int64, from int) (float64, int) {
	for from < len(p.T) && p.T[from] <= t {
		from++
	}
	if from == 0 || t-p.T[from-1] >= Lookback.Milliseconds() {
		return math.NaN(), from
	}
	return m.Value(p.V[from-1], p.T[from-1]), from
}

// Value converts a sample of a gauge: an uptime becomes the start of the process.
func (m *Metric) Value(v float64, t int64) float64 {
	if m.Kind != Uptime {
		return v
	}
	if m.Milliseconds {
		v /= 1000
	}
	return float64(t)/1000 - v
}

// Append adds a sample, and drops those that are too old for any rate.
func (p *Points) Append(t int64, v float64) {
	old := 0
	for old < len(p.T) && p.T[old] <= t-Range.Milliseconds() {
		old++
	}
	p.T = append(slices.Delete(p.T, 0, old), t)
	p.V = append(slices.Delete(p.V, 0, old), v)
}
