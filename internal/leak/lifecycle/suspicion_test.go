package lifecycle

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// grow makes an evaluation in which the counts grow with the given confidence, and stacks grow.
func (s *story) grow(confidence, work float64, op string) {
	s.step(1, "a")
	e := s.observation(trend.Suspicious, "a")
	e.Verdict.Confidence = confidence
	e.Attributions = attributed("a")
	e.Attributions[0].Stacks[0].Op = op
	e.Attributions[0].Head.Total = 1000 // it does not dominate its process
	e.Work = func(string, time.Time) float64 { return work }
	s.tracker.Update(s.now, e)
}

// Growth is a suspicion from SuspectConfidence on, and stays one until its odds are clearly lower.
func TestSuspicionHasAThresholdWithHysteresis(t *testing.T) {
	s := newStory(t)
	s.tracker.Apply(Options{MinConfidence: 0.95, SuspectConfidence: 0.6})
	s.grow(0, 1, "chan receive")
	s.now = s.now.Add(10 * time.Minute) // after that, its growth has a shape
	confidence := func(counts float64) float64 {
		s.grow(counts, 1, "chan receive")
		return s.candidate().Confidence
	}
	require.Less(t, confidence(0.1), 0.6)
	require.Empty(t, s.tracker.Leaks(), "it is looked at, and not shown")
	require.False(t, s.tracker.IsSuspected())
	require.Greater(t, confidence(0.7), 0.6)
	require.Equal(t, leak.Suspected, s.only().State)
	require.True(t, s.tracker.IsSuspected())
	require.Less(t, confidence(0.45), 0.6)
	require.Len(t, s.tracker.Leaks(), 1, "a little below it is shown still")
	require.Less(t, confidence(0.2), 0.35)
	require.Empty(t, s.tracker.Leaks())
	require.False(t, s.tracker.IsSuspected())
	require.Less(t, confidence(0.45), 0.6)
	require.Empty(t, s.tracker.Leaks(), "it was no longer one")
}

// The longer goroutines stay where healthy ones do not wait for long, the surer it is that they leak.
// It is sure sooner if work goes on, and later if something may hang.
func TestSurvivalSaysMoreTheLongerItLasts(t *testing.T) {
	survival := func(work float64, stayed time.Duration) float64 {
		s := newStory(t)
		s.grow(0, work, "chan send")
		s.found(Finding{Leak: s.candidate().ID, Evidence: leak.Aged, Stayed: stayed})
		s.grow(0, work, "chan send")
		for _, p := range s.candidate().Parts {
			if p.Name == leak.PartSurvival {
				return p.LogOdds
			}
		}
		return 0
	}
	const most = 6.0
	for _, work := range []float64{1, math.NaN(), 0.4} {
		before := 0.0
		for stayed := time.Minute; stayed <= time.Hour; stayed *= 2 {
			now := survival(work, stayed)
			require.GreaterOrEqual(t, now, before, "%g %s", work, stayed)
			require.LessOrEqual(t, now, most)
			before = now
		}
	}
	require.InDelta(t, 3.2, survival(1, time.Minute), 0.1)
	require.InDelta(t, most, survival(1, 5*time.Minute), 0.1)
	require.Less(t, survival(math.NaN(), time.Minute), 1.0, "an unknown amount of work may have stopped")
	require.InDelta(t, most, survival(math.NaN(), 30*time.Minute), 0.2)
	require.Less(t, survival(0.4, 5*time.Minute), 1.0, "an outage lasts as long")
	require.InDelta(t, 3.2, survival(0.4, 30*time.Minute), 0.1)
}

// Counts that are enough for a suspicion are shown as one although no stack is known. It leaves
// nothing behind.
func TestCountsAloneAreSuspected(t *testing.T) {
	s := newStory(t)
	grow := func(confidence float64) {
		s.step(10, "a")
		e := s.observation(trend.Suspicious, "a")
		e.Verdict.Confidence, e.Why = confidence, "no profile could be pulled"
		s.tracker.Update(s.now, e)
	}
	grow(0.3)
	require.Empty(t, s.tracker.Leaks())
	grow(0.7)
	l := s.only()
	require.Equal(t, leak.Suspected, l.State)
	require.Equal(t, leak.Growth, l.Evidence)
	require.InDelta(t, 0.7, l.Confidence, 1e-9)
	require.Equal(t, []string{"a"}, l.Instances)
	require.Empty(t, s.tracker.Open(), "there is no stack to prove")
	grow(0.8)
	require.Equal(t, l.Transitions, s.only().Transitions)
	s.grow(0.99, 1, "chan send")
	require.Equal(t, "sig", s.only().Signature, "its stack is known now")

	s = newStory(t)
	grow(0.7)
	s.step(0)
	s.tracker.Update(s.now, s.observation(trend.Quiet))
	require.Empty(t, s.tracker.Leaks())
	require.True(t, s.tracker.Idle())
}

// Goroutines that end after a while are not leaked, whatever else the evidence says.
func TestGoroutinesThatLeaveSpeakAgainstALeak(t *testing.T) {
	s := newStory(t)
	s.grow(0.9, 1, "chan send")
	s.found(Finding{Leak: s.candidate().ID, Evidence: leak.Aged, Compared: true, Leaving: true})
	for range 30 {
		s.grow(0.9, 1, "chan send")
	}
	require.Equal(t, leak.Suspected, s.candidate().State)
	require.Less(t, s.candidate().Confidence, 0.5)
	s.found(Finding{Leak: s.candidate().ID, Compared: true, Stayed: 5 * time.Minute})
	s.grow(0.9, 1, "chan send")
	require.Equal(t, leak.Firing, s.candidate().State, "those that are left stay")
}

// Goroutines that are woken now and then speak against a leak, until they are no longer woken.
func TestWakeUpsSpeakAgainstALeak(t *testing.T) {
	s := newStory(t)
	part := func() float64 {
		s.grow(0.8, 1, "IO wait")
		for _, p := range s.candidate().Parts {
			if p.Name == leak.PartWakeUps {
				return p.LogOdds
			}
		}
		return 0
	}
	require.Zero(t, part())
	s.found(Finding{Leak: s.candidate().ID, Compared: true, AtWork: true})
	require.Negative(t, part())
	s.found(Finding{Leak: s.candidate().ID, Compared: true, Stayed: 5 * time.Minute})
	require.Zero(t, part())
}

// Goroutines that wait as idle workers do, and end while others come, are at work.
func TestGoroutinesThatPassSpeakAgainstALeak(t *testing.T) {
	s := newStory(t)
	s.grow(0.9, 1, "select")
	before := s.candidate().Confidence
	s.found(Finding{Leak: s.candidate().ID, Compared: true, Passing: true})
	s.grow(0.9, 1, "select")
	require.Less(t, s.candidate().Confidence, before/2)
	s.found(Finding{Leak: s.candidate().ID, Compared: true})
	s.grow(0.9, 1, "select")
	require.InDelta(t, before, s.candidate().Confidence, 0.01, "later they stay")
}

// The more a leak outnumbers all other goroutines, the surer it is. Those that serve clients do that in
// healthy services too, so they count only once they are known to be idle, and open connections only
// once they have been idle for long.
func TestDominanceSaysMoreTheLargerItIs(t *testing.T) {
	stayed, op := time.Duration(0), "select"
	part := func(total int64, evidence leak.Evidence, function string) float64 {
		s := newStory(t)
		grow := func() {
			s.step(1, "a")
			e := s.observation(trend.Suspicious, "a")
			e.Attributions = attributed("a")
			e.Attributions[0].Stacks[0].Op = op
			e.Attributions[0].Stacks[0].Frames = []collector.Frame{{Func: "main.wait"}, {Func: function}}
			e.Attributions[0].Head.Total = total
			s.tracker.Update(s.now, e)
		}
		grow()
		s.found(Finding{Leak: s.candidate().ID, Evidence: evidence, Stayed: stayed})
		grow()
		for _, p := range s.candidate().Parts {
			if p.Name == leak.PartDominance {
				return p.LogOdds
			}
		}
		return 0
	}
	require.Zero(t, part(100, leak.Stack, "main.run"))
	require.InDelta(t, 0.8, part(68, leak.Stack, "main.run"), 0.1)
	require.InDelta(t, 1.6, part(56, leak.Stack, "main.run"), 0.1)
	require.InDelta(t, 2.8, part(52, leak.Stack, "main.run"), 0.1)
	require.Zero(t, part(52, leak.Stack, "net/http.(*conn).serve"))
	stayed = 5 * time.Minute
	require.InDelta(t, 2.8, part(52, leak.Aged, "net/http.(*conn).serve"), 0.1, "a handler whose client has left")
	op = "IO wait"
	require.Zero(t, part(52, leak.Aged, "google.golang.org/grpc.(*Server).handleRawConn.func1"))
	stayed = LongLife * time.Minute
	require.InDelta(t, 2.8, part(52, leak.Aged, "google.golang.org/grpc.(*Server).handleRawConn.func1"), 0.1)
}

// If goroutines wait as idle workers do, it says little that they stay, until they outnumber all others
// and none has ended for LongLife, which is longer than most outages last.
func TestIdleGoroutinesMustStayForLong(t *testing.T) {
	part := func(total int64, stayed time.Duration) float64 {
		s := newStory(t)
		grow := func() {
			s.step(1, "a")
			e := s.observation(trend.Suspicious, "a")
			e.Attributions = attributed("a")
			e.Attributions[0].Stacks[0].Op = "chan receive"
			e.Attributions[0].Head.Total = total
			s.tracker.Update(s.now, e)
		}
		grow()
		s.now = s.now.Add(time.Hour)
		s.found(Finding{Leak: s.candidate().ID, Evidence: leak.Aged, Stayed: stayed})
		s.found(Finding{Leak: s.candidate().ID, Stacks: []StackFinding{{Signature: "sig", Wait: stayed, At: s.now}}})
		grow()
		for _, p := range s.candidate().Parts {
			if p.Name == leak.PartSurvival {
				return p.LogOdds
			}
		}
		return 0
	}
	require.Less(t, part(56, 40*time.Minute), 1.0, "an outage lasts as long")
	require.Greater(t, part(56, LongLife*time.Minute), 5.0)
	require.Less(t, part(500, LongLife*time.Minute), 1.0, "a small part of a large service")
}

// A program that starts its workers outnumbers all else, in a shape that is not clear yet. It
// alerts only if healthy goroutines do not wait like that, or if dumps show that they stay.
func TestDominanceOfAnUnclearShape(t *testing.T) {
	parts := func(op string, evidence leak.Evidence) (shape, dominance float64) {
		s := newStory(t)
		grow := func() {
			s.step(1, "a")
			e := s.observation(trend.Suspicious, "a")
			e.Verdict.Confidence = 0.5
			e.Attributions = attributed("a")
			a := &e.Attributions[0]
			a.Doubt, a.Stacks[0].Op, a.Stacks[0].Head, a.Head.Total = "some came back", op, 190, 200
			s.tracker.Update(s.now, e)
		}
		grow()
		s.now = s.now.Add(10 * time.Minute)
		grow()
		s.found(Finding{Leak: s.candidate().ID, Evidence: evidence, Stayed: 5 * time.Minute})
		grow()
		for _, p := range s.candidate().Parts {
			switch p.Name {
			case leak.PartShape:
				shape = p.LogOdds
			case leak.PartDominance:
				dominance = p.LogOdds
			}
		}
		return shape, dominance
	}
	shape, dominance := parts("chan receive", leak.Stack)
	require.Equal(t, doubtOdds, shape)
	require.Zero(t, dominance)
	for op, evidence := range map[string]leak.Evidence{"chan receive": leak.Aged, "chan send": leak.Stack} {
		shape, dominance = parts(op, evidence)
		require.Zero(t, shape)
		require.Greater(t, dominance, 1.5)
	}
}

// A pool may have filled up since the last profile. So the dump that shows that its goroutines stay
// says much only once a later profile has shown how its stack grows.
func TestDumpWaitsForALaterProfile(t *testing.T) {
	for halved, fires := range map[bool]bool{false: true, true: false} {
		s := newStory(t)
		grow := func(head time.Time, halved bool) {
			s.step(1, "a")
			e := s.observation(trend.Suspicious, "a")
			e.Verdict.Confidence = 0.4
			e.Attributions = attributed("a")
			a := &e.Attributions[0]
			a.Stacks[0].Op, a.Head.Time, a.Halved = "chan receive", head, halved
			s.tracker.Update(s.now, e)
		}
		grow(s.now, false)
		last := s.now
		s.now = s.now.Add(time.Hour)
		s.found(Finding{Leak: s.candidate().ID, Evidence: leak.Aged, Stayed: LongLife * time.Minute, Dump: &leak.ProfileRef{Time: s.now}})
		s.found(Finding{Leak: s.candidate().ID, Stacks: []StackFinding{{Signature: "sig", Wait: LongLife * time.Minute, At: s.now}}})
		grow(last, false)
		require.False(t, s.isFiring())
		grow(s.now, halved)
		require.Equal(t, fires, s.isFiring(), "halved: %v", halved)
	}
}

// A later estimate of the onset does not cut off the profiles that show the earlier growth.
func TestEarliestOnsetOfASuspicionStays(t *testing.T) {
	s := newStory(t)
	s.grow(0.4, 1, "chan receive")
	began := s.candidate().Onset
	require.Equal(t, began, s.tracker.EarliestOnset())
	s.step(1, "a")
	e := s.observation(trend.Suspicious, "a")
	e.Verdict.Confidence, e.Verdict.Onset = 0.4, began.Add(9*time.Minute)
	e.Attributions = attributed("a")
	s.tracker.Update(s.now, e)
	require.Equal(t, began.Add(9*time.Minute), s.candidate().Onset)
	require.Equal(t, began, s.tracker.EarliestOnset())
}
