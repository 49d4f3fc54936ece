package lifecycle

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// straight is a service whose instances each leak at a constant rate until a time, on top of a base
// and under noise. The growth that it took to fire is small compared with the later counts, so the
// trend sees no growth in them any more.
type straight struct {
	*story
	perHour, base, noise float64
	instances            int
	ends                 time.Time
	random               *rand.Rand
}

// run lets time pass until the given time.
func (s *straight) run(until time.Time, status trend.Status) {
	for s.now.Before(until) {
		s.now = s.now.Add(time.Minute)
		var growing []string
		for i := range s.instances {
			name := fmt.Sprint(i)
			at := s.now
			if !s.ends.IsZero() && at.After(s.ends) {
				at = s.ends
			}
			s.started[name] = t0.Add(-time.Hour)
			s.count[name] = s.base + s.noise*s.random.NormFloat64() + float64(int(s.perHour*at.Sub(t0).Hours()))
			growing = append(growing, name)
		}
		if status == trend.Quiet {
			growing = nil
		}
		o := s.observation(status, growing...)
		for i := range o.Instances {
			o.Instances[i].Floor = o.Instances[i].Count
		}
		for i := range o.Verdict.Instances {
			it := &o.Verdict.Instances[i]
			it.Rate = trend.Interval{Value: s.perHour, Low: 0.8 * s.perHour, High: 1.2 * s.perHour}
			it.Leaked = s.perHour * s.now.Sub(t0).Hours()
		}
		whole := s.perHour * float64(len(growing))
		o.Verdict.Rate = trend.Interval{Value: whole, Low: 0.8 * whole, High: 1.2 * whole}
		s.tracker.Update(s.now, o)
	}
}

// A leak that continues at its rate is never a plateau. One that has stopped is, as soon as its growth
// would have been visible.
func TestStraightLeakIsNoPlateau(t *testing.T) {
	for _, perHour := range []float64{5, 25, 300} {
		for _, base := range []float64{20, 8000} {
			for _, noise := range []float64{0, 3, 15} {
				for _, instances := range []int{1, 2, 5} {
					t.Run(fmt.Sprintf("%v an hour on %v with noise of %v, %d instances", perHour, base, noise, instances), func(t *testing.T) {
						begin := func() *straight {
							s := &straight{newStory(t), perHour, base, noise, instances, time.Time{}, rand.New(rand.NewPCG(1, 2))}
							clear(s.count)
							alarm := max(40, 60*max(trend.LeastGrowth(0), 8*noise)/perHour)
							s.run(t0.Add(time.Duration(alarm)*time.Minute), trend.Leaking)
							return s
						}
						s := begin()
						for end := range 8 {
							s.run(s.now.Add(5*time.Hour), trend.Quiet)
							require.Equal(t, leak.Firing, s.only().Phase(), "after %d × 5 h", end+1)
							require.Positive(t, s.only().Rate.Value)
						}

						s = begin()
						s.ends = s.now
						// Here the minimum of two samples is as noisy as the samples.
						shows := max(trend.LeastGrowth(float64(instances)*(base+perHour)), float64(instances)*10*noise) / (perHour * float64(instances))
						patience := max(s.only().DetectedAt.Sub(t0), halfHour*time.Minute)
						s.run(s.ends.Add(max(patience, time.Duration(1.5*shows*float64(time.Hour)))+time.Hour), trend.Quiet)
						require.Equal(t, leak.Plateaued, s.only().Phase())
					})
				}
			}
		}
	}
}
