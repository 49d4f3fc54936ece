package watch

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/monitor/fleet"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var instanceLabels = labels.FromStrings("job", "api", "instance", "a")

// newService makes a service with one instance.
func newService() (*Service, *fleet.Instance) {
	f := fleet.NewService(labels.FromStrings("job", "api"), time.Minute)
	s := New(f, trend.Options{Base: time.Minute}, lifecycle.Options{Base: time.Minute, Interval: time.Minute})
	return s, f.Register(instanceLabels, collector.Sample{})
}

// climbing makes samples of a process that leaks 10 goroutines a minute.
func climbing(from time.Time, minutes int) (out []collector.Sample) {
	for i := range minutes {
		at := from.Add(time.Duration(i) * time.Minute)
		out = append(out, collector.Sample{T: at.UnixMilli(), Count: 50 + 10*float64(i), Load: 0.2, Start: float64(from.Unix())})
	}
	return out
}

// Without profiles, the counts alone show the leak. When its series have ended for long enough,
// nothing of the service is watched.
func TestCountsAlone(t *testing.T) {
	s, in := newService()
	track := &Track{in, climbing(noon, 180)}
	now := noon
	for range 180 {
		s.Feed([]*Track{track}, now)
		s.Judge(now, JudgeOptions{Interval: time.Minute})
		s.Refresh()
		now = now.Add(time.Minute)
	}
	require.Empty(t, track.Samples)
	require.True(t, s.Growing())
	require.Equal(t, trend.Leaking, s.Verdict().Status)
	require.Equal(t, []string{"a"}, s.Leaks.FiringInstances())
	need := s.Need()
	require.True(t, need.Growing)
	require.Equal(t, "a", need.Suspects[0].Instance)
	require.WithinDuration(t, noon, need.Suspects[0].Onset, time.Hour)

	hours := s.Confidences(noon, 3)
	require.Less(t, hours[0].Confidence, .95, "too early to be sure")
	require.GreaterOrEqual(t, hours[2].Confidence, .95)
	require.InDelta(t, 600, hours[2].Rate, 60)

	require.True(t, s.Watched())
	for range 300 {
		s.Judge(now, JudgeOptions{Interval: time.Minute})
		s.Refresh()
		now = now.Add(time.Minute)
	}
	require.False(t, s.Watched())
	require.Nil(t, s.Fleet.Instance("a"))
}

// The replayed history gives a leak its onset, and alerts on nothing.
func TestReplay(t *testing.T) {
	s, in := newService()
	tracks := []*Track{{in, climbing(noon, 6*60)}}
	for at := noon; at.Before(noon.Add(6 * time.Hour)); at = at.Add(15 * time.Minute) {
		s.Feed(tracks, at)
		s.Replay(at, lifecycle.Options{Base: time.Minute, Interval: time.Minute}, 15*time.Minute, 2*time.Hour)
		require.Empty(t, s.Leaks.FiringInstances())
	}
	now := noon.Add(6 * time.Hour)
	s.Feed(tracks, now)
	s.Judge(now, JudgeOptions{Interval: time.Minute})
	require.Len(t, s.Leaks.Leaks(), 1)
	require.WithinDuration(t, noon, s.Leaks.Leaks()[0].Onset, time.Hour)
	for i, h := range s.Confidences(noon, 7) {
		require.False(t, math.IsNaN(h.Confidence), "hour %d is filled", i)
	}
	require.Greater(t, s.Confidences(noon, 7)[5].Confidence, .9)
}

// A service at rest is judged only every two hours of the history, but no hour is without a confidence.
func TestConfidenceAtRest(t *testing.T) {
	s, in := newService()
	quiet := climbing(noon, 7*60)
	for i := range quiet {
		quiet[i].Count = 50
	}
	tracks := []*Track{{in, quiet}}
	for at := noon.Add(2 * time.Hour); !at.After(noon.Add(4 * time.Hour)); at = at.Add(2 * time.Hour) {
		s.Feed(tracks, at)
		s.Replay(at, lifecycle.Options{Base: time.Minute, Interval: time.Minute}, 15*time.Minute, 2*time.Hour)
		require.True(t, s.AtRest())
	}
	now := noon.Add(5*time.Hour + 50*time.Minute)
	s.Feed(tracks, now)
	s.Judge(now, JudgeOptions{Interval: time.Minute})
	for i, h := range s.Confidences(noon.Add(2*time.Hour), 4) {
		require.Zero(t, h.Confidence, "hour %d", i)
	}
	// The daemon judges every minute. An hour without a judgement is unknown.
	now = now.Add(100 * time.Minute)
	s.Judge(now, JudgeOptions{Interval: time.Minute})
	require.True(t, math.IsNaN(s.Confidences(noon.Add(6*time.Hour), 1)[0].Confidence))
	require.Zero(t, s.Confidences(now, 1)[0].Confidence)
}

// The confidence is that of an open leak if that is higher than that of the counts. A resolved leak does not
// matter.
func TestConfidenceOfLeaks(t *testing.T) {
	s, _ := newService()
	l := leak.Leak{ID: "one", State: leak.Firing, Onset: noon.Add(-time.Hour), DetectedAt: noon, Confidence: .99, Instances: []string{"a"}}
	s.Leaks.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
	s.keepConfidence(noon, trend.Verdict{Confidence: .3}, s.Leaks, time.Minute)
	require.InDelta(t, .99, s.Confidences(noon, 1)[0].Confidence, .01)

	s, _ = newService()
	l.State, l.ResolvedAt = leak.Resolved, noon
	s.Leaks.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
	s.keepConfidence(noon, trend.Verdict{Confidence: .3, Rate: trend.Interval{Value: 12}}, s.Leaks, time.Minute)
	require.InDelta(t, .3, s.Confidences(noon, 1)[0].Confidence, .01)
	require.EqualValues(t, 12, s.Confidences(noon, 1)[0].Rate)
}

// Memory is read while there is a leak, once at a time, and is matched to the instances of the leak by their
// labels.
func TestMemory(t *testing.T) {
	s, _ := newService()
	_, due := s.MemoryDue(noon)
	require.False(t, due, "no leak")
	l := leak.Leak{ID: "one", State: leak.Firing, Onset: noon.Add(-time.Hour), Instances: []string{"a"}}
	s.Leaks.Observe(lifecycle.Observation{Restored: []leak.Leak{l}})
	since, due := s.MemoryDue(noon)
	require.True(t, due)
	require.Equal(t, l.Onset, since)
	started := noon.Add(-time.Minute)
	s.Fleet.SetWatched([]trend.Instance{{Name: "a", Started: started}})
	since, _ = s.MemoryDue(noon)
	require.Equal(t, started, since, "since the process started that leaks")

	next := noon.Add(5 * time.Minute)
	s.StartMemory(next)
	_, due = s.MemoryDue(next)
	require.False(t, due, "it is being read")
	s.AddMemory(nil, errors.New("no such metric"))
	_, due = s.MemoryDue(next.Add(-time.Second))
	require.False(t, due)
	_, due = s.MemoryDue(next)
	require.True(t, due)
	s.AddMemory([]collector.Memory{{Labels: instanceLabels, Used: 10, Limit: 100, PerHour: 5}}, nil)
	require.Equal(t, &leak.Memory{Instance: "a", Used: 10, Limit: 100, PerHour: 5}, s.Leaks.Leaks()[0].Memory)
}
