package callers

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// heaps is a source of heap profiles.
type heaps struct {
	profile *collector.Profile
	err     error
	pulled  int
}

func (h *heaps) Heap(context.Context, time.Time, labels.Labels) (*collector.Profile, error) {
	h.pulled++
	return h.profile, h.err
}

const queueFile = "/root/go/pkg/mod/github.com/acme/queue@v1.4.0/queue.go"

func allocations(functions ...string) *collector.Profile {
	r := collector.Record{Count: 3}
	for i, fn := range functions {
		file := "/src/shop/main.go"
		if fn != "main.(*shop).open" {
			file = queueFile
		}
		r.Frames = append(r.Frames, &collector.Frame{Func: fn, File: file, Line: i + 7})
	}
	return &collector.Profile{Kind: collector.KindHeap, Format: collector.FormatProto, Records: []collector.Record{r}}
}

// leaking makes a leak in a library, or in the user's own code.
func leaking(fn string) leak.Leak {
	f := collector.Frame{Func: fn, File: queueFile, Line: 40}
	if fn == "main.work" {
		f.File = "/src/shop/main.go"
	}
	return leak.Leak{
		ID: "one", State: leak.Suspected, Head: &leak.ProfileRef{Instance: "a"},
		Stacks: []leak.StackGrowth{{
			Signature: "sig", Op: "select", Frames: []collector.Frame{f}, Key: f,
			CreatedBy: collector.Frame{Func: "github.com/acme/queue.New", File: queueFile, Line: 12},
		}},
	}
}

func here(name string) (labels.Labels, bool) {
	return labels.FromStrings("instance", name), name == "a"
}

func TestHeapShowsTheCaller(t *testing.T) {
	var s Searches
	source := &heaps{profile: allocations("github.com/acme/queue.New", "main.(*shop).open")}
	l := leaking("github.com/acme/queue.(*Queue).run")
	pulls := s.Plan(noon, source, []leak.Leak{l}, 4*time.Minute, here)
	require.Len(t, pulls, 1)
	require.Empty(t, s.Plan(noon, source, []leak.Leak{l}, 4*time.Minute, here), "it is being pulled")
	f := pulls[0].Run(t.Context()).Apply()
	require.Equal(t, "one", f.Leak)
	require.Len(t, f.Stacks, 1)
	require.Equal(t, "sig", f.Stacks[0].Signature)
	require.Len(t, f.Stacks[0].Callers, 1)
	c := f.Stacks[0].Callers[0]
	require.Equal(t, "main.(*shop).open", c.Frame.Func)
	require.Equal(t, leak.LinkStarter, c.Link)
	require.Equal(t, collector.KindHeap, c.Seen)

	// A certain caller needs no further profile.
	l.Stacks[0].Callers = f.Stacks[0].Callers
	require.Empty(t, s.Plan(noon.Add(time.Hour), source, []leak.Leak{l}, 4*time.Minute, here))
}

func TestAFewPullsAndNoMore(t *testing.T) {
	var s Searches
	source := &heaps{profile: allocations("github.com/acme/queue.Sizes")}
	leaks := []leak.Leak{leaking("github.com/acme/queue.(*Queue).run")}
	var at []time.Duration
	for now := noon; now.Before(noon.Add(96 * time.Hour)); now = now.Add(time.Minute) {
		for _, p := range s.Plan(now, source, leaks, 4*time.Minute, here) {
			require.Empty(t, p.Run(t.Context()).Apply().Stacks)
			at = append(at, now.Sub(noon))
		}
	}
	require.Equal(t, []time.Duration{0, 4 * time.Minute, 12 * time.Minute, 28 * time.Minute, 44 * time.Minute, 60 * time.Minute, 76 * time.Minute, 92 * time.Minute}, at[:8])
	require.Len(t, at, 18)
	require.Greater(t, at[17], 36*time.Hour, "rare calls show up later")
	require.Less(t, at[17], 72*time.Hour)

	for reason, pulled := range map[collector.Reason]int{collector.ReasonNotFound: 1, collector.ReasonNoConsent: 1, collector.ReasonTimeout: 18} {
		s, source := Searches{}, &heaps{err: collector.Errorf(reason, "no")}
		for now := noon; now.Before(noon.Add(96 * time.Hour)); now = now.Add(time.Minute) {
			for _, p := range s.Plan(now, source, leaks, 4*time.Minute, here) {
				p.Run(t.Context()).Apply()
			}
		}
		require.Equal(t, pulled, source.pulled, reason)
	}
	// A pull that was postponed to spare the target is tried again soon.
	s, source = Searches{}, &heaps{err: collector.Errorf(collector.ReasonBudget, "no")}
	s.Plan(noon, source, leaks, 4*time.Minute, here)[0].Run(t.Context()).Apply()
	require.Len(t, s.Plan(noon.Add(time.Minute), source, leaks, 4*time.Minute, here), 1)
}

// Each instance has samples of its own.
func TestOtherInstancesAreAsked(t *testing.T) {
	var s Searches
	source := &heaps{profile: allocations("github.com/acme/queue.Sizes")}
	l := leaking("github.com/acme/queue.(*Queue).run")
	l.Instances = []string{"a", "b", "gone", "c"}
	var asked []string
	for now := noon; len(asked) < 7; now = now.Add(time.Minute) {
		for _, p := range s.Plan(now, source, []leak.Leak{l}, 4*time.Minute, func(name string) (labels.Labels, bool) {
			return labels.FromStrings("instance", name), name != "gone"
		}) {
			p.Run(t.Context()).Apply()
			asked = append(asked, p.instance.Get("instance"))
		}
	}
	require.Equal(t, []string{"a", "b", "a", "a", "a", "c", "a"}, asked)
}

func TestWhoIsNotAsked(t *testing.T) {
	source := &heaps{}
	resolved := leaking("github.com/acme/queue.(*Queue).run")
	resolved.State = leak.Resolved
	gone := leaking("github.com/acme/queue.(*Queue).run")
	gone.Head = &leak.ProfileRef{Instance: "b"}
	for name, l := range map[string]leak.Leak{
		"the user's own code": leaking("main.work"), "resolved": resolved, "an instance that is gone": gone, "no stack": {ID: "one", State: leak.Firing},
	} {
		require.Empty(t, new(Searches).Plan(noon, source, []leak.Leak{l}, time.Minute, here), name)
	}
}
