package monitor

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/trend"
)

// At first every service has its baseline within minutes; from then on they are
// spread over the whole interval, and a restart moves none of them.
func TestBaselinesAreSpread(t *testing.T) {
	const services, hours = 1200, 4
	fleet := func(start time.Time) (byMinute map[int]int, times [][]time.Time) {
		byMinute, times = map[int]int{}, make([][]time.Time, services)
		for i := range services {
			h := fnv.New64a()
			fmt.Fprintf(h, "service %d", i)
			s := &service{hash: h.Sum64(), instances: map[string]*instance{"a": {name: "a"}}, watched: []trend.Instance{{Name: "a"}}}
			for now := start; now.Before(start.Add(hours * time.Hour)); now = now.Add(time.Minute) {
				if len(s.dueBaseline(now, time.Hour, 1)) > 0 {
					byMinute[int(now.Sub(start)/time.Minute)]++
					times[i] = append(times[i], now)
				}
			}
		}
		return byMinute, times
	}

	start := t0.Add(17 * time.Minute)
	byMinute, times := fleet(start)
	first := 0
	for m := range 6 {
		first += byMinute[m]
	}
	require.GreaterOrEqual(t, first, services, "all have a baseline soon")
	for m := 60; m < 60*hours; m++ {
		require.Less(t, byMinute[m], 3*services/60, "minute %d", m)
	}
	_, again := fleet(start.Add(time.Hour))
	for i := range times {
		require.LessOrEqual(t, len(times[i]), hours+1)
		require.Equal(t, times[i][len(times[i])-1], again[i][len(again[i])-2], "service %d", i)
	}
}

// What is announced as an instance's next profile is when its baseline is due.
func TestTheNextBaselineIsKnown(t *testing.T) {
	for _, instances := range []int{1, 2, 3, 5} {
		m := &Monitor{o: Options{BaselineInterval: time.Hour, BaselineInstances: 2, Puller: unasked{}}}
		s := &service{hash: 1 << 40, instances: map[string]*instance{}}
		for i := range instances {
			name := fmt.Sprint(i)
			s.instances[name] = &instance{name: name}
			s.watched = append(s.watched, trend.Instance{Name: name})
		}
		for i, w := range s.watched {
			require.Zero(t, m.nextPull(s, s.instances[w.Name], i, instances), "no baseline is planned yet")
		}
		now := t0
		for range 7 {
			for len(s.dueBaseline(now, time.Hour, 2)) == 0 {
				now = now.Add(time.Minute)
			}
			announced := map[string]time.Time{}
			for i, w := range s.watched {
				announced[w.Name] = m.nextPull(s, s.instances[w.Name], i, instances)
			}
			trial := &service{hash: s.hash, instances: s.instances, watched: s.watched, baseline: s.baseline, turn: s.turn}
			for at := now.Add(time.Minute); len(announced) > 0; at = at.Add(time.Minute) {
				for _, in := range trial.dueBaseline(at, time.Hour, 2) {
					if next, ok := announced[in.name]; ok {
						require.WithinDuration(t, next, at, time.Minute, "%s of %d", in.name, instances)
						delete(announced, in.name)
					}
				}
			}
		}
	}
}

// unasked is a puller of a test that pulls nothing.
type unasked struct{ Puller }
