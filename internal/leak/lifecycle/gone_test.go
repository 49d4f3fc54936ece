package lifecycle

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// quietly lets minutes pass in which nothing grows. known is the presence of
// instances without samples.
func (s *story) quietly(minutes int, known collector.Presence) {
	for range minutes {
		s.step(0)
		o := s.observation(trend.Quiet)
		o.Presence = func(string) collector.Presence { return known }
		s.tracker.Update(s.now, o)
	}
}

func TestMissingInstances(t *testing.T) {
	day := int((24 * time.Hour).Minutes())
	for name, c := range map[string]struct {
		known      collector.Presence
		after      int // minutes for which it still fires
		resolution string
	}{
		"known to be gone":    {collector.PresenceGone, 10, "its instances are gone"},
		"nothing is known":    {collector.PresenceUnknown, day, "no data from its instances since 2026-03-01 12:02 UTC"},
		"no list ever had it": {collector.PresenceUnlisted, day, "no data from its instances since 2026-03-01 12:02 UTC"},
		"it is still there":   {collector.PresencePresent, day, "no data from its instances since 2026-03-01 12:02 UTC"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			id := s.fires().ID
			delete(s.count, "a")
			s.quietly(c.after, c.known)
			require.Equal(t, leak.Firing, s.only().Phase(), "neither resolved nor plateaued")
			if c.known != collector.PresenceGone {
				require.Equal(t, t0.Add(2*time.Minute), s.only().NoDataSince)
			}
			s.quietly(1, c.known)
			l := s.only()
			require.Equal(t, id, l.ID)
			require.Equal(t, leak.Resolved, l.State)
			require.Equal(t, c.resolution, l.Resolution)
			require.True(t, l.NoDataSince.IsZero())
		})
	}
}

// When the samples of a leaking process come again, the leak continues.
func TestMissingInstanceThatIsBack(t *testing.T) {
	s := newStory(t)
	l := s.fires()
	delete(s.count, "a")
	s.quietly(8*60, collector.PresenceUnknown)
	require.False(t, s.only().NoDataSince.IsZero())
	s.count["a"] = 700
	s.quietly(1, collector.PresenceUnknown)
	require.Equal(t, leak.Firing, s.only().Phase())
	require.True(t, s.only().NoDataSince.IsZero())
	require.InDelta(t, 690, s.only().Leaked, 1e-9)
	require.Equal(t, l.Onset, s.only().Onset)
}

// A Prometheus that has restarted lists few targets at first.
func TestGoneForAMoment(t *testing.T) {
	s := newStory(t)
	s.fires()
	delete(s.count, "a")
	s.quietly(300, collector.PresenceUnknown)
	s.quietly(tenMinutes, collector.PresenceGone)
	s.quietly(1, collector.PresencePresent)
	s.quietly(tenMinutes, collector.PresenceGone)
	require.Equal(t, leak.Firing, s.only().State)
	s.quietly(1, collector.PresenceGone)
	require.Equal(t, leak.Resolved, s.only().State)
}

// If nothing is known of targets, a younger instance under another name shows that this one was
// replaced. A sibling that was there all along does not, nor does one that restarts meanwhile or
// that comes back after its own absence.
func TestReplacedInstance(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(s *story)
		state leak.State
	}{
		"replaced":           {func(s *story) { s.count["c"], s.started["c"] = 10, s.now }, leak.Resolved},
		"replaced before":    {func(s *story) {}, leak.Resolved},
		"a sibling stays":    {func(s *story) { delete(s.count, "c") }, leak.Firing},
		"a sibling restarts": {func(s *story) { delete(s.count, "c"); s.started["b"] = s.now }, leak.Firing},
		"one is there again": {func(s *story) { delete(s.count, "c"); s.count["d"], s.started["d"] = 10, s.now.Add(-3*time.Hour) }, leak.Firing},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.fires()
			s.quietly(60, collector.PresenceUnknown)
			s.count["c"], s.started["c"] = 10, s.now // surges before the other ends
			if name != "replaced before" {
				delete(s.count, "c")
			} else {
				s.quietly(5, collector.PresenceUnknown)
			}
			c.then(s)
			delete(s.count, "a")
			s.quietly(replacedAfter-1, collector.PresenceUnknown)
			require.Equal(t, leak.Firing, s.only().State, "not yet")
			s.quietly(5, collector.PresenceUnknown)
			require.Equal(t, c.state, s.only().State)
			if c.state == leak.Resolved {
				require.Equal(t, "its instances are gone", s.only().Resolution)
			}
		})
	}
}

// A process that was taken for gone is back with the same start. It is the same leak at once, with
// the former onset, whether or not gorowatch was restarted in between.
func TestProcessThatIsBack(t *testing.T) {
	for name, c := range map[string]struct {
		restart  bool          // of gorowatch
		remember time.Duration // -1 as in a scan
		count    float64
		began    time.Duration // of the process, later
		reopened bool
	}{
		"with its goroutines":                      {count: 60, reopened: true},
		"and gorowatch was restarted":              {count: 60, restart: true, reopened: true},
		"in a scan":                                {count: 60, remember: -1, reopened: true},
		"by an exporter that rounds":               {count: 60, began: time.Second, reopened: true},
		"another process, with as many goroutines": {count: 60, began: time.Minute},
		"without its goroutines":                   {count: 12},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			s.tracker.Apply(Options{Remember: c.remember})
			before := s.fires()
			delete(s.count, "a")
			s.quiet(11)
			require.Equal(t, leak.Resolved, s.only().State)
			s.quiet(60)
			if c.restart {
				text, err := json.Marshal(s.only())
				require.NoError(t, err)
				var again leak.Leak
				require.NoError(t, json.Unmarshal(text, &again))
				s.tracker = NewTracker(checkout, Options{})
				s.tracker.Observe(Observation{Restored: []leak.Leak{again}})
			}
			s.count["a"], s.started["a"] = c.count, s.started["a"].Add(c.began)
			s.quiet(1)
			l := s.only()
			if !c.reopened {
				require.Equal(t, leak.Resolved, l.State)
				return
			}
			require.Equal(t, leak.Firing, l.State)
			require.Equal(t, before.ID, l.ID)
			require.Equal(t, before.Onset, l.Onset)
			require.Equal(t, before.DetectedAt, l.DetectedAt)
			require.Equal(t, before.Stacks, l.Stacks)
			require.Equal(t, 1, l.Reopened)
			require.True(t, l.ResolvedAt.IsZero())
			require.Empty(t, l.Resolution)
			require.InDelta(t, 50, l.Leaked, 1e-9)
			s.quiet(120)
			require.Equal(t, leak.Firing, s.only().State, "it holds what it held")
		})
	}
}

// For some time after a fixed process has replaced a leaking one, the verdict may still be about the
// old one. The count without the leak is an estimate, and what the new process has beyond it is not
// a leak. A new process that leaks again is not taken for fixed.
func TestMendedProcessAfterAVerdictOfTheOneBefore(t *testing.T) {
	for _, leaks := range []bool{false, true} {
		s := newStory(t)
		delete(s.count, "b")
		var old trend.Verdict
		for range 30 {
			s.step(100, "a")
			o := s.observation(trend.Leaking, "a")
			o.Verdict.Instances[0].Leaked += 3 // so the estimate without the leak is too low
			o.Attributions = attributed("a")
			s.tracker.Update(s.now, o)
			old = o.Verdict
		}
		require.Equal(t, leak.Firing, s.only().State)
		s.started["a"], s.count["a"] = s.now.Add(-10*time.Second), 10
		for range 3 {
			s.step(0)
			o := s.observation(trend.Leaking)
			o.Verdict = old
			s.tracker.Update(s.now, o)
		}
		for range 60 {
			if leaks {
				s.step(1, "a")
			}
			s.quiet(1)
		}
		if leaks {
			require.Equal(t, leak.Firing, s.only().State)
			continue
		}
		require.Equal(t, leak.Resolved, s.only().State)
	}
}

// A gap in the evaluations does not count as clean, but the clean time before it still does: a few
// gaps do not keep a fixed leak firing.
func TestGapsDoNotStartTheWaitAgain(t *testing.T) {
	s := newStory(t)
	delete(s.count, "b")
	s.fires()
	s.step(0)
	s.started["a"], s.count["a"] = s.now, 10
	s.quiet(6)
	s.now = s.now.Add(20 * time.Minute)
	s.quiet(3)
	require.Equal(t, leak.Firing, s.only().State, "the gap does not count")
	s.quiet(4)
	require.Equal(t, leak.Resolved, s.only().State)
}
