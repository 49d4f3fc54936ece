package lifecycle

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// unseen makes an evaluation in which the given instances have not been scraped for a time, but are
// still remembered by the trend.
func (s *story) unseen(e Evaluation, since time.Time, names ...string) Evaluation {
	for _, name := range names {
		e.Instances = append(e.Instances, trend.Instance{Name: name, Count: s.count[name], Started: s.started[name], LastSeen: since})
	}
	return e
}

// Each pod leaks until the next one replaces it. The trend remembers the pods that are gone for an
// hour.
func TestRateIsThatOfPodsThatLive(t *testing.T) {
	s := newStory(t)
	s.count, s.started = map[string]float64{}, map[string]time.Time{}
	type pod struct {
		name string
		last trend.Instance
	}
	var gone []pod
	for _, name := range []string{"p1", "p2", "p3", "p4"} {
		s.count[name], s.started[name] = 10, s.now
		for minute := range 40 {
			s.step(1, name)
			o := s.observation(trend.Leaking, name)
			for _, p := range gone {
				o.Instances = append(o.Instances, p.last)
			}
			o.Attributions = attributed(name)
			s.tracker.Update(s.now, o)
			if l := s.only(); minute > 5 { // until then the earlier pod may still be there
				require.InDelta(t, 60, l.Rate.Value, 1e-9, "%s, minute %d", name, minute)
				require.Equal(t, []string{name}, l.Instances)
				require.Equal(t, 1, l.InstancesTotal)
				require.InDelta(t, float64(minute+1), l.Leaked, 1e-9)
			}
		}
		gone = append(gone, pod{name, trend.Instance{Name: name, Count: s.count[name], Started: s.started[name], LastSeen: s.now}})
		delete(s.count, name)
	}
}

// The growth of a pod that is gone does not count either, and the rate of all pods is shared among
// the living ones.
func TestRateOfAVerdictThatNamesTheDead(t *testing.T) {
	s := newStory(t)
	s.count["c"], s.started["c"] = 10, s.started["a"]
	s.step(30, "a", "b", "c")
	o := s.observation(trend.Leaking, "a", "b", "c")
	o.Verdict.Rate = trend.Interval{Value: 90, Low: 60, High: 120} // as fitted to the sum of the counts: less than the sum of the rates
	o.Attributions = attributed("a", "b", "c")
	s.tracker.Update(s.now, o)
	require.InDelta(t, 90, s.only().Rate.Value, 1e-9)
	last := s.now
	verdict := o.Verdict // the trend keeps it
	for range 10 {
		s.step(0)
		o := s.observation(trend.Leaking)
		o.Verdict, o.Attributions = verdict, attributed("a", "b", "c")
		o.Instances = nil
		for _, name := range []string{"a", "b"} {
			o.Instances = append(o.Instances, trend.Instance{Name: name, Count: s.count[name], Started: s.started[name], LastSeen: s.now})
		}
		s.tracker.Update(s.now, s.unseen(o, last, "c"))
	}
	l := s.only()
	require.Equal(t, []string{"a", "b"}, l.Instances)
	require.Equal(t, 2, l.InstancesTotal)
	require.InDelta(t, 60, l.Rate.Value, 1e-9)
	require.InDelta(t, 40, l.Rate.Low, 1e-9)
	require.InDelta(t, 80, l.Rate.High, 1e-9)
	require.InDelta(t, 60, l.Leaked, 1e-9)
}

// The errors of rates from the stacks are independent. The interval is that of the living instances.
func TestRateByStacksIsOfThoseThatLive(t *testing.T) {
	s := newStory(t)
	grow := func(names ...string) {
		s.step(30, names...)
		o := s.observation(trend.Leaking, names...)
		o.Attributions = attributed("a", "b")
		o.Attributions[0].Rates = map[string]trend.Interval{"a": {Value: 40, Low: 37, High: 43}, "b": {Value: 20, Low: 16, High: 24}}
		s.tracker.Update(s.now, o)
	}
	grow("a", "b")
	l := s.only()
	require.InDelta(t, 60, l.Rate.Value, 1e-9)
	require.InDelta(t, 55, l.Rate.Low, 1e-9)
	delete(s.count, "b")
	grow("a")
	require.Equal(t, trend.Interval{Value: 40, Low: 37, High: 43}, s.only().Rate)
	require.Equal(t, []string{"a"}, s.only().Instances)
}

// An instance without samples counts as long as it may still be there, and again once it is back.
func TestInstanceThatIsNotScrapedForAWhile(t *testing.T) {
	s := newStory(t)
	s.step(30, "a", "b")
	s.grows("a", "b")
	last := s.now
	count := s.count["b"]
	delete(s.count, "b")
	gap := func(minutes int) {
		for range minutes {
			s.step(0)
			o := s.observation(trend.Quiet)
			o.Instances = append(o.Instances, trend.Instance{Name: "b", Count: count, Started: s.started["b"], LastSeen: last})
			s.tracker.Update(s.now, o)
		}
	}
	gap(5)
	require.Equal(t, []string{"a", "b"}, s.only().Instances)
	require.InDelta(t, 120, s.only().Rate.Value, 1e-9)
	require.InDelta(t, 60, s.only().Leaked, 1e-9)
	gap(10)
	require.Equal(t, []string{"a"}, s.only().Instances)
	require.Equal(t, 1, s.only().InstancesTotal)
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9)
	require.InDelta(t, 30, s.only().Leaked, 1e-9)

	s.count["b"] = count
	s.quiet(1)
	require.Equal(t, []string{"a", "b"}, s.only().Instances)
	require.InDelta(t, 120, s.only().Rate.Value, 1e-9)
	require.InDelta(t, 60, s.only().Leaked, 1e-9)
}

func TestRateOfARestartedProcess(t *testing.T) {
	s := newStory(t)
	s.step(300, "a", "b")
	s.grows("a", "b")
	require.InDelta(t, 120, s.only().Rate.Value, 1e-9)

	// The new process of a has not leaked yet.
	s.started["a"], s.count["a"] = s.now, 12
	s.quiet(1)
	l := s.only()
	require.InDelta(t, 60, l.Rate.Value, 1e-9)
	require.Equal(t, []string{"b"}, l.Instances)
	require.Equal(t, 2, l.InstancesTotal)
	require.InDelta(t, 300, l.Leaked, 1e-9)

	// Then it holds some, but how fast it grows is not known yet.
	s.step(50, "a")
	s.tracker.Update(s.now, s.observation(trend.Quiet))
	l = s.only()
	require.InDelta(t, 60, l.Rate.Value, 1e-9)
	require.Equal(t, []string{"a", "b"}, l.Instances)
	require.InDelta(t, 352, l.Leaked, 1e-9)

	s.step(1, "a")
	s.grows("a")
	l = s.only()
	require.InDelta(t, 120, l.Rate.Value, 1e-9)
	require.InDelta(t, 353, l.Leaked, 1e-9)

	// A start that an exporter computes again, a second off, is not another start.
	s.started["a"] = s.started["a"].Add(time.Second)
	s.quiet(1)
	require.InDelta(t, 120, s.only().Rate.Value, 1e-9)
	require.InDelta(t, 353, s.only().Leaked, 1e-9)
	s.step(1, "a")
	s.grows("a")
	require.InDelta(t, 354, s.only().Leaked, 1e-9)
}

// A verdict may outlast a restart, or be made only once an hour. Goroutines that it finds in the old
// process are not held by the new one.
func TestVerdictAboutTheProcessBefore(t *testing.T) {
	s := newStory(t)
	s.step(3000, "a")
	s.grows("a")
	old := s.observation(trend.Leaking, "a").Verdict
	require.InDelta(t, 3000, s.only().Leaked, 1e-9)
	s.started["a"], s.count["a"] = s.now, 10
	for i := range 100 {
		s.step(4, "a")
		o := s.observation(trend.Leaking)
		o.Verdict, o.Attributions = old, attributed("a")
		s.tracker.Update(s.now, o)
		l := s.only()
		require.InDelta(t, 4*float64(i+1), l.Leaked, 1e-9, "minute %d", i+1)
		require.Equal(t, []string{"a"}, l.Instances)
		require.InDelta(t, 60, l.Rate.Value, 1e-9)
	}
	require.Equal(t, 400.0, s.only().Watched[0].Leaked, "the end is seen by what this process had")
	// Once the new process is judged, its own goroutines count.
	s.step(4, "a")
	o := s.observation(trend.Leaking, "a")
	o.Verdict.Instances[0].Onset, o.Attributions = s.started["a"], attributed("a")
	s.tracker.Update(s.now, o)
	require.InDelta(t, 404, s.only().Leaked, 1e-9)
}

// If the starts of processes are unknown, a restart looks like a count that falls.
func TestRestartThatNobodySees(t *testing.T) {
	s := newStory(t)
	s.started = map[string]time.Time{}
	s.step(3000, "a")
	s.grows("a")
	s.count["a"] = 10
	s.quiet(5)
	require.Zero(t, s.only().Leaked)
	onset := s.now
	for i := range 50 {
		s.step(4, "a")
		o := s.observation(trend.Suspicious, "a")
		o.Verdict.Instances[0].Onset, o.Attributions = onset, attributed("a")
		s.tracker.Update(s.now, o)
		require.InDelta(t, 4*float64(i+1), s.only().Leaked, 1e-9, "minute %d", i+1)
	}
}

// If profiles of the new process have the leak's stacks, their goroutines count.
func TestProfilesSayWhatARestartedProcessHolds(t *testing.T) {
	s := newStory(t)
	profile, taken := int64(300), s.now
	update := func(status trend.Status, growing ...string) {
		o := s.observation(status, growing...)
		if len(growing) > 0 {
			o.Attributions = attributed(growing...)
		}
		o.Latest = func(instance string) (*stack.Snapshot, time.Time) {
			if instance != "a" {
				return nil, time.Time{}
			}
			return &stack.Snapshot{Stacks: map[string]*stack.Stack{"sig": {Count: profile}}}, taken
		}
		s.tracker.Update(s.now, o)
	}
	s.step(300, "a")
	taken = s.now
	update(trend.Leaking, "a")
	require.InDelta(t, 300, s.only().Leaked, 1e-9)

	s.step(0)
	s.started["a"], s.count["a"] = s.now, 60 // more to do than before
	update(trend.Quiet)
	require.InDelta(t, 50, s.only().Leaked, 1e-9)
	s.step(0)
	profile, taken = 7, s.now
	update(trend.Quiet)
	require.InDelta(t, 7, s.only().Leaked, 1e-9)
	require.Equal(t, []string{"a"}, s.only().Instances)
	s.step(0)
	profile, taken = 0, s.now
	update(trend.Quiet)
	require.Zero(t, s.only().Leaked)
	require.Empty(t, s.only().Instances)
}

// A rollout ends a leak pod by pod. After that, no living instance leaks while the leak may still
// come back. Once it is resolved, it shows its largest extent.
func TestResolvedLeakSaysWhatItWas(t *testing.T) {
	s := newStory(t)
	s.count["c"], s.started["c"] = 10, s.started["a"]
	s.count["d"], s.started["d"] = 10, s.started["a"]
	s.step(30, "a", "b", "c")
	s.grows("a", "b", "c")
	was := s.only()
	require.InDelta(t, 180, was.Rate.Value, 1e-9)
	for _, name := range []string{"a", "b", "c"} {
		delete(s.count, name)
		s.quiet(2)
	}
	l := s.only()
	require.Equal(t, leak.Firing, l.State)
	require.Zero(t, l.Rate)
	require.Zero(t, l.Leaked)
	require.Empty(t, l.Instances)
	require.Equal(t, 1, l.InstancesTotal)
	s.quiet(12)
	l = s.only()
	require.Equal(t, leak.Resolved, l.State)
	require.Equal(t, "its instances are gone", l.Resolution)
	require.Equal(t, was.Rate, l.Rate)
	require.Equal(t, []string{"a", "b", "c"}, l.Instances)
	require.Equal(t, 4, l.InstancesTotal)
	require.Zero(t, l.Leaked)
}

// Its largest extent is that of the last hours, not of all time.
func TestResolvedLeakSaysWhatItWasOfLate(t *testing.T) {
	s := newStory(t)
	s.step(30, "a", "b")
	s.grows("a", "b")
	delete(s.count, "a")
	for range 7 * 60 {
		s.step(1, "b")
		s.grows("b")
	}
	delete(s.count, "b")
	s.quiet(12)
	require.Equal(t, leak.Resolved, s.only().State)
	require.Equal(t, []string{"b"}, s.only().Instances)
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9)
}

// A restored leak continues at the rate that it had, without the processes that have ended meanwhile.
func TestRestoredLeakHasTheRateOfThoseThatLive(t *testing.T) {
	again := func(l leak.Leak) (out leak.Leak) {
		text, err := json.Marshal(l)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &out))
		return out
	}
	s := newStory(t)
	s.step(30, "a", "b")
	s.grows("a", "b")
	l := again(s.only())
	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{l}})
	require.Equal(t, l.Rate, s.only().Rate)
	s.quiet(1)
	require.Equal(t, l.Rate, s.only().Rate)
	delete(s.count, "b")
	s.quiet(1)
	require.InDelta(t, l.Rate.Value/2, s.only().Rate.Value, 1e-9)
	require.Equal(t, []string{"a"}, s.only().Instances)

	// Once more; this time b comes back as the same process.
	l = again(s.only())
	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{l}})
	s.quiet(1)
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9)
	s.count["b"] = 40
	s.quiet(1)
	require.InDelta(t, 120, s.only().Rate.Value, 1e-9)
	require.Equal(t, []string{"a", "b"}, s.only().Instances)
	require.InDelta(t, 60, s.only().Leaked, 1e-9)

	// And once more, with all of them gone.
	delete(s.count, "a")
	delete(s.count, "b")
	s.quiet(1)
	l = again(s.only())
	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{l}})
	s.quiet(1)
	require.Zero(t, s.only().Rate)
	s.count["a"] = 40
	s.quiet(1)
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9)
	require.False(t, math.IsNaN(s.only().Leaked))
}

// FiringInstances still has an instance whose leaking process has ended, so that its profiles are not
// taken again.
func TestFiringInstancesIncludeThoseThatRestarted(t *testing.T) {
	s := newStory(t)
	s.fires()
	s.started["a"], s.count["a"] = s.now, 10
	s.quiet(1)
	require.Empty(t, s.only().Instances)
	require.Equal(t, []string{"a"}, s.tracker.FiringInstances())
}
