package monitor

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// feed passes the samples of a window to the services, and returns how many there
// were. The caller holds mtx.
func (m *Monitor) feed(w collector.Window, block time.Duration) (samples int) {
	for series, place := range m.fleet.Places(w.Series) {
		samples += len(series.Samples)
		if place.Service == nil {
			continue
		}
		s := m.service(place.Service)
		for _, x := range expand(series.Samples, block, m.o.Interval) {
			s.observe(place.Instance, x)
		}
		place.Instance.Extend(series.Samples)
	}
	m.fleet.Prune(len(w.Series))
	return samples
}

// expand repeats a sample that stands for a block, once for every step of the block.
func expand(samples []collector.Sample, block, step time.Duration) []collector.Sample {
	every := step.Milliseconds()
	back := max(0, block.Milliseconds()-every)
	if back == 0 {
		return samples
	}
	out := make([]collector.Sample, 0, len(samples)*int(back/every+1))
	for _, x := range samples {
		for t, end := x.T-back, x.T; t <= end; t += every {
			x.T = t
			out = append(out, x)
		}
	}
	return out
}

// track is the samples of an instance that its service has not seen yet.
type track struct {
	instance *fleet.Instance
	samples  []collector.Sample
}

// tracks are the samples of a window by service, and how many there are. The caller
// holds mtx.
func (m *Monitor) tracks(w collector.Window, block time.Duration) (byService map[*service][]*track, samples int) {
	byService = map[*service][]*track{}
	for series, place := range m.fleet.Places(w.Series) {
		samples += len(series.Samples)
		if place.Service == nil {
			continue
		}
		s := m.service(place.Service)
		byService[s] = append(byService[s], &track{place.Instance, expand(series.Samples, block, m.o.Interval)})
		place.Instance.Extend(series.Samples)
	}
	m.fleet.Prune(len(w.Series))
	return byService, samples
}

// feed passes the samples up to now to the service.
func (t *track) feed(s *service, now time.Time) {
	n := 0
	for n < len(t.samples) && t.samples[n].T <= now.UnixMilli() {
		s.observe(t.instance, t.samples[n])
		n++
	}
	t.samples = t.samples[n:]
}

// eachService calls f for all services, for several at a time. Services are
// independent of each other. The caller holds mtx.
func (m *Monitor) eachService(workers int, f func(*service)) {
	todo := make(chan *service)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for s := range todo {
				f(s)
			}
		})
	}
	for _, s := range m.services {
		todo <- s
	}
	close(todo)
	wg.Wait()
}
