package lifecycle

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/attribution"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// story is a service whose instances leak as the test says, minute by minute.
type story struct {
	t       *testing.T
	tracker *Tracker
	now     time.Time
	started map[string]time.Time
	count   map[string]float64
}

func newStory(t *testing.T) *story {
	return &story{
		t: t, now: t0, tracker: NewTracker(checkout, Options{}),
		started: map[string]time.Time{"a": t0.Add(-time.Hour), "b": t0.Add(-time.Hour)},
		count:   map[string]float64{"a": 10, "b": 10},
	}
}

// observation makes the evaluation of the present minute. By its verdict, the given instances grow.
func (s *story) observation(status trend.Status, growing ...string) Evaluation {
	o := Evaluation{Verdict: trend.Verdict{Status: status, Onset: t0, Confidence: confidenceOf(status)}, Presence: s.presence}
	for name := range s.count {
		o.Instances = append(o.Instances, trend.Instance{Name: name, Count: s.count[name], Started: s.started[name], LastSeen: s.now})
	}
	for _, name := range growing {
		it := trend.InstanceTrend{Instance: name, Rate: trend.Interval{Value: 60, Low: 50, High: 70}, Onset: t0, Count: s.count[name], Leaked: s.count[name] - 10}
		o.Verdict.Instances = append(o.Verdict.Instances, it)
		o.Verdict.Rate.Value += it.Rate.Value
		o.Verdict.Leaked += it.Leaked
	}
	return o
}

// confidenceOf returns a confidence that a verdict of the given status may have.
func confidenceOf(status trend.Status) float64 {
	switch status {
	case trend.Leaking:
		return 0.99
	case trend.Suspicious, trend.Provisional:
		return 0.05
	}
	return 0
}

// found takes a finding.
func (s *story) found(f Finding) { s.tracker.Observe(Observation{Findings: []Finding{f}}) }

// presence is that of instances whose targets are dropped once they are gone.
func (s *story) presence(instance string) collector.Presence {
	if _, ok := s.count[instance]; ok {
		return collector.PresencePresent
	}
	return collector.PresenceGone
}

// step moves on by a minute, in which the given instances grow by n.
func (s *story) step(n float64, growing ...string) {
	s.now = s.now.Add(time.Minute)
	for _, name := range growing {
		s.count[name] += n
	}
}

// isFiring reports whether a leak fires.
func (s *story) isFiring() bool {
	return slices.ContainsFunc(s.tracker.Leaks(), func(l leak.Leak) bool { return l.State == leak.Firing })
}

func (s *story) only() leak.Leak {
	s.t.Helper()
	leaks := s.tracker.Leaks()
	require.Len(s.t, leaks, 1)
	return leaks[0]
}

// candidate returns the only open leak, whether or not it is suspected.
func (s *story) candidate() leak.Leak {
	s.t.Helper()
	leaks := s.tracker.Open()
	require.Len(s.t, leaks, 1)
	return leaks[0]
}

func attributed(instances ...string) []attribution.Attribution {
	return []attribution.Attribution{{
		Stacks:    []leak.StackGrowth{{Signature: "sig", Op: "chan send", Base: 1, Head: 51, Share: 0.97}},
		Instances: instances, Share: 0.97,
		Base: leak.ProfileRef{Key: "base"}, Head: leak.ProfileRef{Key: "head", Total: 56},
	}}
}

func TestLeakFiresWithItsStackAndResolvesAfterTheFix(t *testing.T) {
	s := newStory(t)
	for range 20 { // suspicious, without a stack yet: it does not fire
		s.step(1, "a")
		s.tracker.Update(s.now, s.observation(trend.Suspicious, "a"))
	}
	require.Empty(t, s.tracker.Leaks())

	s.step(1, "a")
	o := s.observation(trend.Suspicious, "a")
	o.Attributions = attributed("a")
	s.tracker.Update(s.now, o)
	require.Equal(t, leak.Suspected, s.only().State)
	o.Verdict.Status, o.Verdict.Confidence = trend.Leaking, 0.99
	s.tracker.Update(s.now, o)
	l := s.only()
	require.Equal(t, leak.Firing, l.State)
	require.Equal(t, leak.Stack, l.Evidence)
	require.Equal(t, "sig", l.Signature)
	require.Equal(t, s.now, l.DetectedAt)
	require.Equal(t, t0, l.Onset)
	require.Equal(t, []string{"a"}, l.Instances)
	require.Equal(t, 2, l.InstancesTotal)
	require.InDelta(t, 21, l.Leaked, 1e-9)
	require.InDelta(t, 60, l.Rate.Value, 1e-9)
	id := l.ID

	// It stops growing, but the leaked goroutines stay, so it keeps firing.
	for range 60 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Equal(t, leak.Firing, s.only().State)

	// The fixed version is rolled out. Detection took 21 minutes, and so does the resolution.
	s.started["a"], s.count["a"] = s.now, 10
	for range 21 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
		require.Equal(t, leak.Firing, s.only().State)
		require.Zero(t, s.only().Leaked, "the goroutines went with the process")
	}
	s.step(0)
	s.tracker.Update(s.now, s.observation(trend.Quiet))
	l = s.only()
	require.Equal(t, leak.Resolved, l.State)
	require.Equal(t, s.now, l.ResolvedAt)
	require.Equal(t, "its instances restarted and have not grown since", l.Resolution)

	// It comes back: the same leak again.
	s.step(30, "a")
	o = s.observation(trend.Leaking, "a")
	o.Attributions = attributed("a")
	s.tracker.Update(s.now, o)
	require.Equal(t, id, s.only().ID)
	require.Equal(t, leak.Firing, s.only().State)
}

func TestRestartOfOneInstanceResolvesNothing(t *testing.T) {
	s := newStory(t)
	s.step(30, "a", "b")
	o := s.observation(trend.Leaking, "a", "b")
	o.Attributions = attributed("a", "b")
	s.tracker.Update(s.now, o)
	s.started["a"], s.count["a"] = s.now, 10
	for range 600 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Equal(t, leak.Firing, s.only().State, "b still holds its part")
	require.InDelta(t, 30, s.only().Leaked, 1e-9)
}

func TestRestartThatLeaksAgainResolvesNothing(t *testing.T) {
	s := newStory(t)
	for range 10 {
		s.started["a"], s.count["a"] = s.now, 10
		for range 30 {
			s.step(1, "a")
			o := s.observation(trend.Leaking, "a")
			o.Attributions = attributed("a")
			s.tracker.Update(s.now, o)
			require.Equal(t, leak.Firing, s.only().State)
		}
	}
}

func TestCountsAloneWaitForProfilesThatMayCome(t *testing.T) {
	s := newStory(t)
	alarm := func(expected bool, why string) {
		s.step(1, "a")
		o := s.observation(trend.Leaking, "a")
		o.ProfilesExpected, o.Why = expected, why
		s.tracker.Update(s.now, o)
	}
	for range 10 {
		alarm(true, "2 of the 3 profiles needed")
		require.False(t, s.isFiring())
	}
	alarm(true, "2 of the 3 profiles needed")
	l := s.only()
	require.Equal(t, leak.Growth, l.Evidence)
	require.Equal(t, "2 of the 3 profiles needed", l.Missing)
	require.Empty(t, l.Signature)

	// The stack is found later, and the alert stays the same.
	s.step(1, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions = attributed("a")
	s.tracker.Update(s.now, o)
	require.Equal(t, l.ID, s.only().ID)
	require.Equal(t, leak.Stack, s.only().Evidence)
	require.Empty(t, s.only().Missing)
	require.Equal(t, "sig", s.only().Signature)
}

func TestCountsAloneDoNotWaitInVain(t *testing.T) {
	s := newStory(t)
	s.step(50, "a")
	o := s.observation(trend.Leaking, "a")
	o.Why = "401 Unauthorized"
	s.tracker.Update(s.now, o)
	require.Equal(t, "401 Unauthorized", s.only().Missing)
}

func TestInstancesThatAreGoneResolve(t *testing.T) {
	s := newStory(t)
	s.step(50, "a")
	o := s.observation(trend.Leaking, "a")
	s.tracker.Update(s.now, o)
	require.Equal(t, leak.Firing, s.only().State)
	delete(s.count, "a")
	for range 11 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Equal(t, leak.Resolved, s.only().State)
	require.Equal(t, "its instances are gone", s.only().Resolution)

	// It is forgotten after a day.
	for range 25 * 60 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Empty(t, s.tracker.Leaks())
}

func TestServiceThatIsGoneResolves(t *testing.T) {
	s := newStory(t)
	s.step(50, "a")
	s.tracker.Update(s.now, s.observation(trend.Leaking, "a"))
	clear(s.count)
	for range 11 {
		s.step(0)
		s.tracker.Update(s.now, Evaluation{Verdict: trend.Verdict{Status: trend.Quiet}, Presence: s.presence})
	}
	require.Equal(t, leak.Resolved, s.only().State)
}

func TestLeadingStackStaysWhileSiblingsOvertake(t *testing.T) {
	s := newStory(t)
	two := func(first, second string) {
		s.step(1, "a")
		o := s.observation(trend.Suspicious, "a")
		o.Attributions = attributed("a")
		o.Attributions[0].Stacks = []leak.StackGrowth{{Signature: first, Head: 9}, {Signature: second, Head: 8}}
		s.tracker.Update(s.now, o)
	}
	two("x", "y")
	two("y", "x")
	require.Equal(t, "x", s.candidate().Signature)
	require.Equal(t, "x", s.candidate().Stacks[0].Signature)
}

func TestTwoLeaksShareTheGrowth(t *testing.T) {
	s := newStory(t)
	s.step(100, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions = append(attributed("a"), attributed("a")...)
	o.Attributions[1].Stacks = []leak.StackGrowth{{Signature: "other", Base: 0, Head: 150}}
	s.tracker.Update(s.now, o)
	leaks := s.tracker.Leaks()
	require.Len(t, leaks, 2)
	require.NotEqual(t, leaks[0].ID, leaks[1].ID)
	require.InDelta(t, 60, leaks[0].Rate.Value+leaks[1].Rate.Value, 1e-9)
	require.InDelta(t, 100, leaks[0].Leaked+leaks[1].Leaked, 1e-9)
}

func TestRestoredLeakGoesOn(t *testing.T) {
	s := newStory(t)
	s.step(50, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions = attributed("a")
	s.tracker.Update(s.now, o)
	before := s.only()

	text, err := json.Marshal(before)
	require.NoError(t, err)
	var again leak.Leak
	require.NoError(t, json.Unmarshal(text, &again))

	s.tracker = NewTracker(checkout, Options{})
	s.tracker.Observe(Observation{Restored: []leak.Leak{again}})
	require.Equal(t, before.ID, s.only().ID)
	// The counts are quiet, as they are until the history has been read again.
	for range 60 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
		require.Equal(t, leak.Firing, s.only().State)
	}
	require.InDelta(t, before.Leaked, s.only().Leaked, 1e-9)
	s.started["a"], s.count["a"] = s.now, 10
	for range 11 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Equal(t, leak.Resolved, s.only().State)
}

func TestIgnoredLeakIsNotTold(t *testing.T) {
	until := t0.Add(2 * time.Hour)
	s := newStory(t)
	s.tracker.Apply(Options{Ignore: []IgnoreRule{{
		Matchers: []*labels.Matcher{labels.MustNewMatcher(labels.MatchEqual, "job", "checkout")},
		Function: regexp.MustCompile(`^main\.warm$`), Comment: "known", Until: until,
	}}})
	grow := func(fn string) {
		s.step(1, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions = attributed("a")
		o.Attributions[0].Stacks[0].Frames = []collector.Frame{{Func: "sync.(*Mutex).Lock"}, {Func: fn}}
		s.tracker.Update(s.now, o)
	}
	for s.now.Before(until.Add(-time.Minute)) {
		grow("main.warm")
		require.Equal(t, leak.Ignored, s.only().State)
		require.Equal(t, "ignored: known", s.only().Resolution)
		require.True(t, s.only().ResolvedAt.IsZero(), "nobody was told")
	}
	grow("main.warm")
	grow("main.warm")
	require.Equal(t, leak.Firing, s.only().State, "the rule has ended")

	// Ignored after it has fired: its alert resolves.
	s.tracker.Apply(Options{Ignore: []IgnoreRule{{Signature: "sig"}}})
	grow("main.warm")
	require.Equal(t, leak.Ignored, s.only().State)
	require.Equal(t, s.now, s.only().ResolvedAt)
}

func TestSuspicionIsEarnedByGoroutinesThatAreStuck(t *testing.T) {
	for name, c := range map[string]struct {
		op       string
		evidence leak.Evidence
		state    leak.State
	}{
		"sending, and they stay":             {"chan send", leak.Aged, leak.Firing},
		"sending, unknown whether they stay": {"chan send", leak.Stack, leak.Suspected},
		"an idle worker stays too":           {"chan receive", leak.Aged, leak.Suspected},
		"unreachable":                        {"chan receive", leak.Proven, leak.Firing},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			grow := func() {
				s.step(1, "a")
				o := s.observation(trend.Suspicious, "a")
				o.Attributions = attributed("a")
				o.Attributions[0].Stacks[0].Op = c.op
				s.tracker.Update(s.now, o)
			}
			grow()
			require.Equal(t, leak.Suspected, s.candidate().State)
			s.found(Finding{Leak: s.candidate().ID, Evidence: c.evidence, Stayed: 10 * time.Minute})
			grow()
			require.Equal(t, c.state, s.candidate().State)
			if c.state == leak.Suspected { // once it stops growing, it disappears without an alert
				for range 31 {
					s.step(0)
					s.tracker.Update(s.now, s.observation(trend.Quiet))
				}
				require.Empty(t, s.tracker.Open())
			}
		})
	}
}

func TestSmallCompanionIsNoLeakOfItsOwn(t *testing.T) {
	s := newStory(t)
	s.step(100, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions = append(attributed("a"), attributed("a")...)
	o.Attributions[1].Stacks = []leak.StackGrowth{{Signature: "other", Base: 0, Head: 10}}
	o.Attributions[1].Share = 0.1
	s.tracker.Update(s.now, o)
	require.Equal(t, "sig", s.only().Signature)
	require.InDelta(t, 60, s.only().Rate.Value, 1e-9, "the rate is that of what is known")
}

// Exporters compute the start of a process from its uptime, so it may wobble by a second. That is not
// a restart, so the leak does not end with it.
func TestStartThatWobblesIsNoRestart(t *testing.T) {
	s := newStory(t)
	s.step(50, "a")
	o := s.observation(trend.Leaking, "a")
	o.Attributions = attributed("a")
	s.tracker.Update(s.now, o)
	require.Equal(t, leak.Firing, s.only().State)
	s.started["a"] = s.started["a"].Add(time.Second)
	s.count["a"] = 10
	for range 11 {
		s.step(0)
		s.tracker.Update(s.now, s.observation(trend.Quiet))
	}
	require.Equal(t, leak.Resolved, s.only().State)
	require.Equal(t, "its goroutines are gone", s.only().Resolution)
}
