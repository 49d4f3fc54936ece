package lifecycle

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// copies remembers the leaks that were handed out, and what they said then.
type copies struct {
	leaks [][]leak.Leak
	texts []string
}

func (c *copies) add(t *testing.T, leaks []leak.Leak) {
	t.Helper()
	text, err := json.Marshal(leaks)
	require.NoError(t, err)
	c.leaks, c.texts = append(c.leaks, leaks), append(c.texts, string(text))
}

func (c *copies) unchanged(t *testing.T) {
	t.Helper()
	for i, leaks := range c.leaks {
		text, err := json.Marshal(leaks)
		require.NoError(t, err)
		require.Equal(t, c.texts[i], string(text), "the leaks handed out at step %d", i)
	}
}

// Pages, the notifier and the archive read leaks while the tracker continues.
func TestLeaksThatWereHandedOutDoNotChange(t *testing.T) {
	s := newStory(t)
	var handed copies
	// The attribution stays the same value until there is a new profile.
	as := attributed("a", "b")
	as[0].Stacks = append(as[0].Stacks, leak.StackGrowth{Signature: "sibling", Op: "select", Head: 40, Share: 0.1})
	first := as
	before, err := json.Marshal(first)
	require.NoError(t, err)

	grow := func(n float64, names ...string) {
		s.step(n, names...)
		o := s.observation(trend.Leaking, names...)
		o.Attributions = as
		s.tracker.Update(s.now, o)
		handed.add(t, s.tracker.Leaks())
	}
	quiet := func(minutes int) {
		for range minutes {
			s.quiet(1)
			handed.add(t, s.tracker.Leaks())
		}
	}
	grow(30, "a", "b")
	id := s.only().ID
	for i := range 2 * leak.MaxDumps {
		for _, change := range []func(){
			func() {
				s.found(Finding{Leak: id, Stacks: []StackFinding{{Signature: "sig", Wait: time.Duration(i+12) * time.Minute, At: t0, CreatedBy: collector.Frame{Func: "main.start"}}}})
			},
			func() {
				s.found(Finding{Leak: id, Stacks: []StackFinding{{Signature: "sibling", Wait: time.Duration(i+1) * time.Minute, At: t0}}})
			},
			func() { s.found(Finding{Leak: id, Dump: &leak.ProfileRef{Key: "dump", Total: int64(i)}}) },
			func() { s.found(Finding{Leak: id, Missing: func(leak.Evidence) string { return "not yet" }}) },
			func() { s.found(Finding{Leak: id, Evidence: []leak.Evidence{leak.Aged, leak.Proven}[i%2]}) },
			func() {
				s.tracker.Observe(Observation{Memory: map[string]leak.Memory{"a": {Instance: "a", Used: float64(i), Limit: 100, PerHour: 1}}})
			},
			func() { grow(1, "a") },
		} {
			change()
			handed.add(t, s.tracker.Leaks())
		}
	}
	require.Equal(t, 27*time.Minute, s.only().Stacks[0].Wait)
	// In the next profile, the two stacks have changed places.
	as = slices.Clone(as)
	as[0].Stacks = []leak.StackGrowth{{Signature: "sibling", Op: "select", Head: 90}, {Signature: "sig", Op: "chan send", Head: 70}}
	grow(1, "b", "a")
	s.started["a"], s.count["a"] = s.now, 10
	grow(1, "b")
	quiet(halfHour + 1)
	// An instance is not scraped for a while, and grows at another pace afterwards.
	b := s.count["b"]
	delete(s.count, "b")
	quiet(5)
	s.count["b"] = b
	as = slices.Clone(as)
	as[0].Rates = map[string]trend.Interval{"b": {Value: 90, Low: 80, High: 100}}
	grow(1, "b")
	delete(s.count, "b")
	quiet(15)
	require.Equal(t, leak.Resolved, s.only().State)
	s.count["b"] = 10
	grow(30, "b")
	require.Equal(t, 1, s.only().Reopened)
	s.tracker.Apply(Options{Ignore: []IgnoreRule{{Signature: "sig"}, {Signature: "sibling"}}})
	grow(1, "b")
	require.Equal(t, leak.Ignored, s.only().State)
	s.tracker.Observe(Observation{Restored: []leak.Leak{s.only()}})
	handed.unchanged(t)

	after, err := json.Marshal(first)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "the caller's attribution")
}
