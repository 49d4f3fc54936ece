package scrape

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/collector/signals"
)

// maxSamples bounds the samples of an instance.
const maxSamples = 10_000

// forget is how long an instance is kept after its last sample.
const forget = 24 * time.Hour

// Memory is a Store that is lost at the end.
type Memory struct {
	mtx       sync.Mutex
	set       signals.Set
	instances map[string]*memory // by labels
}

// memory is the latest samples of an instance.
type memory struct {
	labels  labels.Labels
	samples []collector.Sample
	// load has the samples that the rate of the load needs, by the metric names.
	load  signals.Points
	names [3]string
	unit  signals.LoadUnit
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory { return &Memory{set: signals.Default(), instances: map[string]*memory{}} }

// SetSignals implements Store.
func (m *Memory) SetSignals(set signals.Set) {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	m.set = set
}

// Append implements Store. The load of a sample is the rate of the CPU time, as in all sources.
// A sample that is not later than the one before is refused.
func (m *Memory) Append(instance labels.Labels, x collector.Scrape) error {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	key := string(instance.Bytes(nil))
	in, ok := m.instances[key]
	if ok && x.T <= in.samples[len(in.samples)-1].T {
		return collector.Errorf(collector.ReasonBadData, "a sample of %s is not later than those before it: has the clock been set back?",
			time.UnixMilli(x.T).UTC().Format(time.RFC3339))
	}
	if !ok {
		for k, old := range m.instances {
			if x.T-old.samples[len(old.samples)-1].T > forget.Milliseconds() {
				delete(m.instances, k)
			}
		}
		in = &memory{labels: instance}
		m.instances[key] = in
	}
	in.keep(x, &m.set)
	return nil
}

// keep adds a scrape. If the load comes from another metric than before, its rate begins anew.
func (in *memory) keep(x collector.Scrape, set *signals.Set) {
	if math.IsNaN(x.CPU) {
		x.Names[1] = in.names[1]
	} else if x.Names[1] != in.names[1] {
		in.load = signals.Points{}
	}
	in.names = x.Names
	rank := set.Load.Rank(x.Names[1])
	load := set.Load[rank]
	start := set.Start[set.Start.Rank(x.Names[2])]
	s := collector.Sample{T: x.T, Count: x.Count, Load: collector.Unknown, Start: collector.KnownStart(start.Value(x.Start, x.T), x.T)}
	switch {
	case math.IsNaN(x.CPU):
	case load.Kind == signals.Counter:
		in.load.Append(x.T, x.CPU)
	default:
		s.Load = collector.KnownLoad(x.CPU)
	}
	if load.Kind == signals.Counter && !signals.Young(s.Start, s.T, signals.Range) {
		rate, _ := signals.Rate(in.load.T, in.load.V, s.T, 0)
		s.Load = collector.KnownLoad(rate)
	}
	s.Load = in.unit.Keep(s.T, s.Start, s.Load, set.Load.Units()[rank], true)
	s.Creates = s.Load == s.Load && load.Creates()
	if len(in.samples) >= maxSamples {
		in.samples = in.samples[:copy(in.samples, in.samples[maxSamples/10:])]
	}
	in.samples = append(in.samples, s)
}

// Signals returns the metrics by which the instances were read last.
func (m *Memory) Signals() []signals.Use {
	m.mtx.Lock()
	defer m.mtx.Unlock()
	counts := m.set.NewCounts()
	for _, in := range m.instances {
		ranks := [3]int{m.set.Goroutines.Rank(in.names[0]), m.set.Load.Rank(in.names[1]), m.set.Start.Rank(in.names[2])}
		last := in.samples[len(in.samples)-1]
		if len(in.load.T) == 0 && math.IsNaN(last.Load) {
			ranks[1] = -1
		}
		if math.IsNaN(last.Start) {
			ranks[2] = -1
		}
		counts.Add(ranks)
	}
	return signals.Uses(m.set, counts)
}

// Window implements collector.SeriesSource. The series are sorted by labels.
func (m *Memory) Window(_ context.Context, from, to time.Time) (collector.Window, error) {
	w := collector.Window{From: from, To: to}
	m.mtx.Lock()
	defer m.mtx.Unlock()
	for _, in := range m.instances {
		var some []collector.Sample
		for _, x := range in.samples {
			if x.T > from.UnixMilli() && x.T <= to.UnixMilli() {
				some = append(some, x)
			}
		}
		if len(some) > 0 {
			w.Series = append(w.Series, collector.Series{Labels: in.labels, Samples: some})
		}
	}
	slices.SortFunc(w.Series, func(a, b collector.Series) int { return labels.Compare(a.Labels, b.Labels) })
	return w, nil
}
