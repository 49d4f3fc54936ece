package profiling

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/trend"
)

// At first every service gets its baseline within minutes. From then on they are spread over
// the whole interval, and a restart moves none of them.
func TestBaselinesAreSpread(t *testing.T) {
	const services, hours = 1200, 4
	run := func(start time.Time) (byMinute map[int]int, times [][]time.Time) {
		byMinute, times = map[int]int{}, make([][]time.Time, services)
		for i := range services {
			h := fnv.New64a()
			fmt.Fprintf(h, "service %d", i)
			s := withInstances("a")
			s.hash = h.Sum64()
			for now := start; now.Before(start.Add(hours * time.Hour)); now = now.Add(time.Minute) {
				if len(s.baselineDue(now, time.Hour, 1)) > 0 {
					byMinute[int(now.Sub(start)/time.Minute)]++
					times[i] = append(times[i], now)
				}
			}
		}
		return byMinute, times
	}

	start := noon.Add(17 * time.Minute)
	byMinute, times := run(start)
	first := 0
	for m := range 6 {
		first += byMinute[m]
	}
	require.GreaterOrEqual(t, first, services, "all have a baseline soon")
	for m := 60; m < 60*hours; m++ {
		require.Less(t, byMinute[m], 3*services/60, "minute %d", m)
	}
	_, again := run(start.Add(time.Hour))
	for i := range times {
		require.LessOrEqual(t, len(times[i]), hours+1)
		require.Equal(t, times[i][len(times[i])-1], again[i][len(again[i])-2], "service %d", i)
	}
}

// The announced time of an instance's next profile is when its baseline is due.
func TestTheNextBaselineIsKnown(t *testing.T) {
	for _, instances := range []int{1, 2, 3, 5} {
		p := &Planner{BaselineInterval: time.Hour, BaselineInstances: 2, Source: unusedSource{}}
		s := withInstances([]string{"0", "1", "2", "3", "4"}[:instances]...)
		s.hash = 1 << 40
		for i, w := range s.fleet.Watched() {
			require.Zero(t, p.NextPull(s, false, w.Name, i, instances), "no baseline is planned yet")
		}
		now := noon
		for range 7 {
			for len(s.baselineDue(now, time.Hour, 2)) == 0 {
				now = now.Add(time.Minute)
			}
			announced := map[string]time.Time{}
			for i, w := range s.fleet.Watched() {
				announced[w.Name] = p.NextPull(s, false, w.Name, i, instances)
			}
			trial := &Service{hash: s.hash, fleet: s.fleet, instances: s.instances, baseline: s.baseline}
			for at := now.Add(time.Minute); len(announced) > 0; at = at.Add(time.Minute) {
				for _, in := range trial.baselineDue(at, time.Hour, 2) {
					if next, ok := announced[in.Name]; ok {
						require.WithinDuration(t, next, at, time.Minute, "%s of %d", in.Name, instances)
						delete(announced, in.Name)
					}
				}
			}
		}
	}
}

// unusedSource is a source for a test without pulls.
type unusedSource struct{ Source }

// withInstances makes a service with instances of these names.
func withInstances(names ...string) *Service {
	s := NewService(fleet.NewService(labels.EmptyLabels(), time.Minute))
	var watched []trend.Instance
	for _, name := range names {
		s.fleet.Register(labels.FromStrings("instance", name), collector.Sample{})
		watched = append(watched, trend.Instance{Name: name})
	}
	s.fleet.SetWatched(watched)
	return s
}
