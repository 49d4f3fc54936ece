package lifecycle

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
	"github.com/gorowatch/gorowatch/trend"
)

// Findings about a stack stay when new profiles come, and give way to those that say more.
func TestFindingsOfAStackStay(t *testing.T) {
	s := newStory(t)
	grow := func() leak.StackGrowth {
		s.step(1, "a")
		o := s.observation(trend.Leaking, "a")
		o.Attributions = attributed("a")
		s.tracker.Update(s.now, o)
		return s.only().Stacks[0]
	}
	grow()
	id := s.only().ID
	caller := func(fn string, link leak.Link) []leak.Caller {
		return []leak.Caller{{Frame: collector.Frame{Func: fn}, Link: link, Seen: collector.KindHeap}}
	}
	found := func(f StackFinding) {
		f.Signature = "sig"
		s.found(Finding{Leak: id, Stacks: []StackFinding{f}})
	}
	found(StackFinding{Callers: caller("main.report", leak.LinkPackage)})
	require.Zero(t, grow().Wait, "a heap profile says nothing of waits")
	dumped := s.now
	found(StackFinding{Wait: 12 * time.Minute, At: dumped, Reason: "chan send (nil chan)", CreatedBy: collector.Frame{Func: "lib.New"}})
	found(StackFinding{Callers: caller("main.run", leak.LinkStarter)})
	found(StackFinding{Callers: caller("main.other", leak.LinkLibrary)})
	got := grow()
	require.Equal(t, "main.run", got.Callers[0].Frame.Func, "the surest")
	require.Len(t, got.Callers, 1)
	require.Equal(t, 12*time.Minute, got.Wait)
	require.Equal(t, dumped, got.WaitAt)
	require.Equal(t, "chan send (nil chan)", got.Reason)
	require.Equal(t, "lib.New", got.CreatedBy.Func)

	found(StackFinding{Wait: 20 * time.Minute, At: s.now, Reason: "chan send", CreatedBy: collector.Frame{Func: "lib.New"}})
	require.Equal(t, 20*time.Minute, grow().Wait)
}
