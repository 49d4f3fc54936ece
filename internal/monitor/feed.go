package monitor

import (
	"sync"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/internal/monitor/watch"
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
			s.Observe(place.Instance, x)
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

// tracks are the samples of a window by service, and how many there are. The caller
// holds mtx.
func (m *Monitor) tracks(w collector.Window, block time.Duration) (byService map[*watch.Service][]*watch.Track, samples int) {
	byService = map[*watch.Service][]*watch.Track{}
	for series, place := range m.fleet.Places(w.Series) {
		samples += len(series.Samples)
		if place.Service == nil {
			continue
		}
		s := m.service(place.Service)
		byService[s] = append(byService[s], &watch.Track{Instance: place.Instance, Samples: expand(series.Samples, block, m.o.Interval)})
		place.Instance.Extend(series.Samples)
	}
	m.fleet.Prune(len(w.Series))
	return byService, samples
}

// eachService calls f for all services, for several at a time. Services are
// independent of each other. The caller holds mtx.
func (m *Monitor) eachService(workers int, f func(*watch.Service)) {
	todo := make(chan *watch.Service)
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

// service finds or makes the service of a service of the fleet. The caller holds
// mtx.
func (m *Monitor) service(f *fleet.Service) *watch.Service {
	s, ok := m.services[f]
	if !ok {
		s = watch.New(f, m.o.Trend, m.o.tracker())
		m.services[f] = s
	}
	return s
}
