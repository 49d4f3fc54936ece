package watch

import (
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
)

// Feed passes the samples of a window to the services, and returns how many there were. Each stands
// for a block of the given length; 0: plain samples.
func (a *Services) Feed(w collector.Window, block time.Duration) (samples int) {
	return a.distribute(w, block, func(s *Service, in *fleet.Instance, list []collector.Sample) {
		for _, x := range list {
			s.Observe(in, x)
		}
	})
}

// Track has the samples of an instance that its service has not seen yet.
type Track struct {
	Instance *fleet.Instance
	Samples  []collector.Sample
}

// Tracks returns the samples of a window by service, to be fed step by step, and how many there are.
func (a *Services) Tracks(w collector.Window, block time.Duration) (byService map[*Service][]*Track, samples int) {
	byService = map[*Service][]*Track{}
	samples = a.distribute(w, block, func(s *Service, in *fleet.Instance, list []collector.Sample) {
		byService[s] = append(byService[s], &Track{in, list})
	})
	return byService, samples
}

// Feed passes the samples up to now to the service.
func (s *Service) Feed(tracks []*Track, now time.Time) {
	for _, t := range tracks {
		n := 0
		for n < len(t.Samples) && t.Samples[n].T <= now.UnixMilli() {
			s.Observe(t.Instance, t.Samples[n])
			n++
		}
		t.Samples = t.Samples[n:]
	}
}

// distribute calls f for each watched series of a window, and returns how many samples
// the window has.
func (a *Services) distribute(w collector.Window, block time.Duration, f func(*Service, *fleet.Instance, []collector.Sample)) (samples int) {
	for series, place := range a.registry.Places(w.Series) {
		samples += len(series.Samples)
		if place.Service == nil {
			continue
		}
		f(a.join(place.Service), place.Instance, expand(series.Samples, block, a.o.Interval))
		place.Instance.Extend(series.Samples)
	}
	a.registry.Prune(len(w.Series))
	return samples
}

// expand repeats samples that stand for a block, so that there is one for every step of the block.
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
