package lifecycle

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// fires makes a firing leak of instance a that holds 30 goroutines.
func (s *story) fires() leak.Leak {
	s.t.Helper()
	s.step(30, "a")
	s.grows("a")
	l := s.only()
	require.Equal(s.t, leak.Firing, l.State)
	return l
}

// grows makes an evaluation in which the given instances leak.
func (s *story) grows(instances ...string) {
	o := s.observation(trend.Leaking, instances...)
	o.Attributions = attributed(instances...)
	s.tracker.Update(s.now, o)
}

// quiet lets minutes pass in which nothing grows.
func (s *story) quiet(minutes int) {
	for range minutes {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
}

// path lists the states that a leak went through.
func path(l leak.Leak) (out []leak.State) {
	for i, step := range l.Transitions {
		if i == 0 {
			out = append(out, step.From)
		}
		out = append(out, step.To)
	}
	return out
}

func TestPlateauedLeakFiresUntilItsGoroutinesGo(t *testing.T) {
	s := newStory(t)
	id := s.fires().ID
	grown := s.now
	s.quiet(halfHour)
	require.Equal(t, leak.Firing, s.only().Phase())
	s.quiet(1)
	l := s.only()
	require.Equal(t, leak.Firing, l.State)
	require.Equal(t, leak.Plateaued, l.Phase())
	require.Equal(t, grown.Add((halfHour+1)*time.Minute), l.PlateauedAt)
	require.Zero(t, l.Rate)
	require.InDelta(t, 30, l.Leaked, 1e-9)
	s.quiet(3 * 24 * 60)
	require.Equal(t, leak.Plateaued, s.only().Phase(), "however long")

	s.step(10, "a")
	s.grows("a")
	require.Equal(t, leak.Firing, s.only().Phase())
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9)
	s.quiet(halfHour + 1)
	require.Equal(t, leak.Plateaued, s.only().Phase())

	s.count["a"] = 10
	s.quiet(12)
	l = s.only()
	require.Equal(t, leak.Resolved, l.State)
	require.Equal(t, id, l.ID)
	require.Equal(t, "its goroutines are gone", l.Resolution)
	require.Equal(t, []leak.State{"", leak.Suspected, leak.Firing, leak.Plateaued, leak.Firing, leak.Plateaued, leak.Resolved}, path(l))
	require.Equal(t, "its goroutines are gone", l.Transitions[5].Why)
}

func TestLeakThatComesBackIsReopened(t *testing.T) {
	s := newStory(t)
	id := s.fires().ID
	s.started["a"], s.count["a"] = s.now, 10
	s.quiet(11)
	require.Equal(t, leak.Resolved, s.only().State)
	s.quiet(20 * 60)

	l := s.fires()
	require.Equal(t, id, l.ID)
	require.Equal(t, 1, l.Reopened)
	require.Equal(t, s.now, l.DetectedAt, "it is news")
	require.Equal(t, []leak.State{"", leak.Suspected, leak.Firing, leak.Resolved, leak.Suspected, leak.Firing}, path(l))
	require.Equal(t, "it came back: the counts grow as a leak does", l.Transitions[4].Why)

	// After that time it is a new leak with the same ID.
	s.started["a"], s.count["a"] = s.now, 10
	s.quiet(31 * 60) // of which six hours pass until it counts as gone
	require.Empty(t, s.tracker.Leaks())
	l = s.fires()
	require.Equal(t, id, l.ID)
	require.Zero(t, l.Reopened)
}

// A leak whose stack is found after it has fired keeps the ID of the unattributed leak, also when it
// comes back.
func TestReopenedLeakKeepsItsFirstID(t *testing.T) {
	s := newStory(t)
	s.step(30, "a")
	s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
	id := s.only().ID
	s.step(1, "a")
	s.grows("a")
	require.Equal(t, id, s.only().ID)
	s.started["a"], s.count["a"] = s.now, 10
	s.quiet(11)
	require.Equal(t, leak.Resolved, s.only().State)
	require.Equal(t, id, s.fires().ID)
}

func TestRolloutThatDoesNotGrowResolvesWithItsVersion(t *testing.T) {
	s := newStory(t)
	versions := map[string]string{"a": "v1.41.0", "b": "v1.42.0", "c": "v1.42.0"}
	s.started["b"], s.started["c"] = t0.Add(-20*time.Minute), t0.Add(-18*time.Minute)
	s.count["c"] = 10
	s.step(30, "b")
	o := s.observation(trend.Leaking, "b")
	o.Attributions, o.Versions = attributed("b"), versions
	s.tracker.Update(s.now, o)
	l := s.only()
	require.Equal(t, "v1.42.0", l.Version)
	require.Equal(t, t0.Add(-20*time.Minute), l.DeployedAt)

	// Pods of the next version replace all of them.
	for old, young := range map[string]string{"a": "d", "b": "e", "c": "f"} {
		delete(s.count, old)
		s.count[young], s.started[young], versions[young] = 10, s.now, "v1.43.0"
	}
	for range 11 {
		s.step(0)
		o := s.observation(trend.Quiet)
		o.Versions = versions
		s.tracker.Update(s.now, o)
	}
	require.Equal(t, leak.Resolved, s.only().State)
	require.Equal(t, "gone with version v1.43.0", s.only().Resolution)
	require.Equal(t, "v1.42.0", s.only().Version)
}

func TestVersionIsSaidOfWhatIsKnownOnly(t *testing.T) {
	for name, versions := range map[string]map[string]string{
		"the same again":      {"a": "v1", "b": "v1"},
		"one is unknown":      {"a": "v2"},
		"one has not changed": {"a": "v2", "b": "v1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.step(30, "a")
			o := s.observation(trend.Leaking, "a")
			o.Attributions, o.Versions = attributed("a"), map[string]string{"a": "v1", "b": "v1"}
			s.tracker.Update(s.now, o)
			s.started["a"], s.count["a"] = s.now, 10
			for range 11 {
				s.step(0)
				o := s.observation(trend.Quiet)
				o.Versions = versions
				s.tracker.Update(s.now, o)
			}
			require.Equal(t, "its instances restarted and have not grown since", s.only().Resolution)
		})
	}
	t.Run("started after the onset", func(t *testing.T) {
		s := newStory(t)
		s.started["a"] = t0.Add(time.Minute)
		s.step(30, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions, o.Versions = attributed("a"), map[string]string{"a": "v1"}
		s.tracker.Update(s.now, o)
		require.Empty(t, s.only().Version)
	})
}

// By the counts, the new processes of the service leak too. So the leak is not over although the
// goroutines of the old ones are gone.
func TestServiceThatLeaksOnInNewProcessesIsNotResolved(t *testing.T) {
	s := newStory(t)
	s.fires()
	delete(s.count, "a")
	for range 60 {
		s.step(0)
		o := s.observation(trend.Leaking)
		s.tracker.Update(s.now, o)
		require.Equal(t, leak.Firing, s.only().State)
	}
}

func TestNothingIsResolvedForATimeThatNobodySaw(t *testing.T) {
	s := newStory(t)
	s.fires()
	without := s.observation(trend.Quiet)
	without.Instances = nil // one scrape fails
	s.tracker.Update(s.now, without)
	s.now = s.now.Add(time.Hour)
	s.tracker.Update(s.now, without)
	require.Equal(t, leak.Firing, s.only().State)
	s.quiet(60)
	require.Equal(t, leak.Firing, s.only().State)
}

// The document of a leak is enough to see its end after a restart of gorowatch, even if its process
// was replaced meanwhile.
func TestRestoredLeakKnowsHowItWasWithoutTheLeak(t *testing.T) {
	s := newStory(t)
	s.count["a"] = 500
	s.step(30, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions, o.Verdict.Instances[0].Leaked = attributed("a"), 30
	s.tracker.Update(s.now, o)
	text, err := json.Marshal(s.only())
	require.NoError(t, err)
	var again leak.Leak
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, []leak.Watch{{Instance: "a", Started: s.started["a"], Baseline: 500, Leaked: 30}}, again.Watched)

	for name, c := range map[string]struct {
		count   float64
		restart bool
		state   leak.State
	}{
		"goes on":                     {540, false, leak.Firing},
		"was drained":                 {505, false, leak.Resolved},
		"restarted, and has as many":  {540, true, leak.Resolved},
		"restarted, and has had less": {100, true, leak.Resolved},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.count["a"], s.now = c.count, again.UpdatedAt
			if c.restart {
				s.started["a"] = s.now
			}
			s.tracker.Observe(Observation{Restored: []leak.Leak{again}})
			s.quiet(12)
			require.Equal(t, c.state, s.only().State)
		})
	}
}

// The leaked goroutines go away while gorowatch is killed again and again. Its new trend has not seen
// the end of the growth yet, and finds that more goroutines have leaked than there are. The count
// without the leak is not forgotten.
func TestLeakThatIsDrainedBetweenRestarts(t *testing.T) {
	for _, base := range []float64{10, 700} {
		s := newStory(t)
		s.count["a"] = base
		s.step(300, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions, o.Verdict.Instances[0].Leaked = attributed("a"), 300
		s.tracker.Update(s.now, o)
		l := s.only()
		s.count["a"] = base + 1
		for range 5 {
			s.tracker = NewTracker(checkout, Options{})
			s.tracker.Observe(Observation{Restored: []leak.Leak{l}})
			for range 3 {
				s.step(0)
				o.Verdict.Instances[0].Count, o.Instances = s.count["a"], s.observation(trend.Quiet).Instances
				o.Attributions = attributed("a")
				s.tracker.Update(s.now, o)
			}
			l = s.only()
		}
		require.Equal(t, leak.Firing, l.State)
		s.quiet(360)
		require.Equal(t, leak.Resolved, s.only().State)
	}
}

// Traffic falls while a leak grows. After a while, that lowers the estimate of the count without the
// leak, so the goroutines that stay when the growth has stopped do not count as clean.
func TestLeakUnderTrafficThatFalls(t *testing.T) {
	s := newStory(t)
	s.count["a"] = 100
	grow := func(leaked float64) {
		o := s.observation(trend.Leaking, "a")
		o.Attributions, o.Verdict.Instances[0].Leaked = attributed("a"), leaked
		s.tracker.Update(s.now, o)
	}
	s.step(20, "a")
	grow(20)
	s.count["a"] = 50
	for i := range tenMinutes + 5 {
		s.step(1, "a")
		grow(21 + float64(i))
	}
	s.quiet(24 * 60)
	require.Equal(t, leak.Firing, s.only().State)
}

// The bucket could not be read at the start, so the leak was found once more.
func TestLateDocumentGivesALeakItsPastBack(t *testing.T) {
	s := newStory(t)
	before := s.fires()
	s = newStory(t)
	s.now = t0.Add(5 * time.Hour)
	found := s.fires()
	require.Equal(t, before.ID, found.ID)
	s.tracker.Observe(Observation{Restored: []leak.Leak{before}})
	l := s.only()
	require.Equal(t, before.DetectedAt, l.DetectedAt)
	require.Equal(t, []leak.State{"", leak.Suspected, leak.Firing, leak.Suspected, leak.Firing}, path(l))
}

func TestHistoryIsBounded(t *testing.T) {
	var l leak.Leak
	for i := range 3 * maxTransitions {
		move(&l, t0.Add(time.Duration(i)*time.Hour), leak.Firing, "")
	}
	require.Len(t, l.Transitions, maxTransitions)
	require.Equal(t, t0, l.Transitions[0].Time, "how it began stays")
	require.Equal(t, t0.Add((3*maxTransitions-1)*time.Hour), l.Transitions[maxTransitions-1].Time)
}

// The stacks of a leak no longer grow together, and some do not grow again until gorowatch was
// restarted. They still belong to the leak.
func TestRestoredLeakKnowsAllOfItsStacks(t *testing.T) {
	s := newStory(t)
	s.fires()
	for _, stack := range []string{"second", "third"} {
		o := s.observation(trend.Leaking, "a")
		o.Attributions = attributed("a")
		o.Attributions[0].Stacks = append(o.Attributions[0].Stacks, leak.StackGrowth{Signature: stack, Head: 60})
		s.step(1, "a")
		s.tracker.Update(s.now, o)
	}
	l := s.only()
	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{l}})
	o := s.observation(trend.Leaking, "a")
	o.Attributions = attributed("a")
	o.Attributions[0].Stacks[0].Signature = "second"
	s.step(1, "a")
	s.tracker.Update(s.now, o)
	require.Equal(t, l.ID, s.only().ID)
}

func TestHandedOutHistoryDoesNotChange(t *testing.T) {
	s := newStory(t)
	l := s.fires()
	was := len(l.Transitions)
	s.quiet(halfHour + 1)
	require.Len(t, l.Transitions, was)
	require.NotEqual(t, l.Transitions, s.only().Transitions)
}
