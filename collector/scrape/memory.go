package scrape

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/procstart"
)

// maxSamples bounds what is kept of an instance.
const maxSamples = 10_000

// forget is how long an instance is kept after its last sample.
const forget = 24 * time.Hour

// Memory is a Store that is lost at the end.
type Memory struct {
	mtx       sync.Mutex
	instances map[string]*memory // by labels
}

// memory is the latest samples of an instance.
type memory struct {
	labels  labels.Labels
	samples []collector.Sample
	cpu     float64 // counter at the last scrape
}

// NewMemory makes an empty Memory.
func NewMemory() *Memory { return &Memory{instances: map[string]*memory{}} }

// Append implements Store. The load of a sample is the CPU time per second since
// the one before. A sample that is not later than the one before is refused.
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
	in.keep(x)
	return nil
}

func (in *memory) keep(x collector.Scrape) {
	s := collector.Sample{T: x.T, Count: x.Count, Load: collector.Unknown, Start: collector.KnownStart(x.Start, x.T)}
	if n := len(in.samples); n > 0 {
		before := in.samples[n-1]
		if dt := float64(s.T-before.T) / 1000; dt > 0 && x.CPU >= in.cpu && (!procstart.Time(s.Start).Known() || procstart.Time(s.Start).Same(procstart.Time(before.Start))) {
			s.Load = collector.KnownLoad((x.CPU - in.cpu) / dt)
		}
	}
	in.cpu = x.CPU
	if len(in.samples) >= maxSamples {
		in.samples = in.samples[:copy(in.samples, in.samples[maxSamples/10:])]
	}
	in.samples = append(in.samples, s)
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
