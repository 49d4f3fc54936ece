package attribution

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// The stacks of a small service.
var (
	worker  = stackOf("chan receive", "example.org/shop.(*Pool).work", "pool.go:40")
	blocked = stackOf("chan send", "example.org/shop.handle.func1", "handle.go:29")
	sibling = stackOf("select", "example.org/shop.(*Follower).wait", "follow.go:17")
	other   = stackOf("sync.Mutex.Lock", "example.org/shop.(*Cache).get", "cache.go:8")
	idle    = stackOf("IO wait", "net/http.(*conn).serve", "server.go:2102")
)

func stackOf(state, fn, at string) collector.Record {
	file, line := at, 0
	for i := range at {
		if at[i] == ':' {
			file = at[:i]
			for _, c := range at[i+1:] {
				line = 10*line + int(c-'0')
			}
		}
	}
	return collector.Record{State: state, Frames: []*collector.Frame{{Func: fn, File: file, Line: line}}}
}

// profile has the goroutines of each stack in one profile.
type profile map[*collector.Record]int64

// history makes profiles a minute apart. The growth began half a minute after the first, and
// the floor of the counts has grown as the profiles have.
func history(instance string, profiles ...profile) History {
	h := History{Instance: instance, Onset: t0.Add(30 * time.Second)}
	for i, c := range profiles {
		p := &collector.Profile{Kind: collector.KindGoroutine, Format: collector.FormatDebug2}
		for r, n := range c {
			x := *r
			x.Count = n
			p.Records = append(p.Records, x)
			p.Total += n
		}
		h.Shots = append(h.Shots, Shot{
			Ref:      leak.ProfileRef{Key: instance, Instance: instance, Time: t0.Add(time.Duration(i) * time.Minute), Total: p.Total},
			Snapshot: stack.Of(p),
		})
	}
	h.Leaked = float64(h.Shots[len(h.Shots)-1].Snapshot.Total - h.Shots[0].Snapshot.Total)
	return h
}

func TestAttributeNamesTheStackThatGrows(t *testing.T) {
	as, why := Attribute([]History{history("a",
		profile{&worker: 8, &blocked: 1, &idle: 4},
		profile{&worker: 8, &blocked: 20, &idle: 6},
		profile{&worker: 8, &blocked: 41, &idle: 3},
		profile{&worker: 8, &blocked: 60, &idle: 5},
	)})
	require.Empty(t, why)
	require.Len(t, as, 1)
	a := as[0]
	require.Len(t, a.Stacks, 1)
	s := a.Stacks[0]
	require.Equal(t, "example.org/shop.handle.func1", s.Key.Func)
	require.Equal(t, 29, s.Key.Line)
	require.Equal(t, "chan send", s.Op)
	require.EqualValues(t, 1, s.Base)
	require.EqualValues(t, 60, s.Head)
	require.InDelta(t, 59.0/60, a.Share, 1e-9)
	require.Equal(t, []string{"a"}, a.Instances)
	require.Equal(t, t0, a.Base.Time, "the profile before the onset")
	require.Equal(t, t0.Add(3*time.Minute), a.Head.Time)
}

func TestAttributeClaimsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		h   []History
		why string
	}{
		"without profiles": {nil, "no profile could be pulled"},
		"after two": {
			[]History{history("a", profile{&blocked: 1}, profile{&blocked: 60})},
			"2 of the 3 profiles needed",
		},
		"when the profiles do not grow": {
			[]History{history("a", profile{&blocked: 9}, profile{&blocked: 9}, profile{&blocked: 9})},
			"the profiles do not show the growth of the counts",
		},
		"for one step": {
			[]History{history("a", profile{&worker: 8}, profile{&worker: 80}, profile{&worker: 80}, profile{&worker: 80})},
			"no stack grows steadily in the profiles",
		},
		"for what comes back": {
			[]History{history("a", profile{&idle: 10}, profile{&idle: 90}, profile{&idle: 20}, profile{&idle: 95})},
			"no stack grows steadily in the profiles",
		},
		"for a few goroutines": {
			[]History{history("a", profile{&worker: 1, &idle: 100}, profile{&worker: 2, &idle: 100}, profile{&worker: 4, &idle: 110})},
			"no stack grows steadily in the profiles",
		},
		"for the scatter of a large count": {
			[]History{history("a", profile{&idle: 1000}, profile{&idle: 1030}, profile{&idle: 1060})},
			"no stack grows steadily in the profiles",
		},
		"for a low share": {
			[]History{history("a", profile{&blocked: 0, &idle: 10}, profile{&blocked: 10, &idle: 90}, profile{&blocked: 20, &idle: 60})},
			"the stacks that grow steadily explain only 29 % of the growth",
		},
	} {
		t.Run(name, func(t *testing.T) {
			as, why := Attribute(c.h)
			require.Empty(t, as)
			require.Equal(t, c.why, why)
		})
	}
}

func TestAttributeShowsSiblingsTogether(t *testing.T) {
	as, _ := Attribute([]History{history("a",
		profile{&blocked: 0, &sibling: 0, &idle: 2},
		profile{&blocked: 20, &sibling: 20, &idle: 22},
		profile{&blocked: 40, &sibling: 41, &idle: 42},
	)})
	require.Len(t, as, 1)
	require.Len(t, as[0].Stacks, 3)
	require.True(t, as[0].Stacks[0].Key.Func == "example.org/shop.handle.func1" || as[0].Stacks[0].Key.Func == "example.org/shop.(*Follower).wait",
		"the library's stack never leads: %s", as[0].Stacks[0].Key.Func)
	require.InDelta(t, 1, as[0].Share, 1e-9)
}

func TestAttributeTellsTwoLeaksApart(t *testing.T) {
	as, _ := Attribute([]History{history("a",
		profile{&blocked: 0, &other: 0},
		profile{&blocked: 60, &other: 5},
		profile{&blocked: 80, &other: 30},
		profile{&blocked: 90, &other: 50},
	)})
	require.Len(t, as, 2)
	require.Equal(t, "chan send", as[0].Stacks[0].Op, "the larger first")
	require.Equal(t, "sync.Mutex.Lock", as[1].Stacks[0].Op)
}

func TestAttributeIgnoresWhatComesAndGoes(t *testing.T) {
	// The leaking stack grows slowly, and requests in flight happen to increase from profile to
	// profile. Only the leak raises the floor.
	h := history("a",
		profile{&blocked: 0, &other: 3},
		profile{&blocked: 10, &other: 20},
		profile{&blocked: 20, &other: 31},
		profile{&blocked: 30, &other: 58},
	)
	h.Leaked = 28
	as, _ := Attribute([]History{h})
	require.Len(t, as, 1)
	require.Equal(t, "chan send", as[0].Stacks[0].Op)

	// The requests are not a leak by themselves either.
	h = history("a", profile{&other: 3}, profile{&other: 20}, profile{&other: 31}, profile{&other: 58})
	h.Leaked = 2
	as, why := Attribute([]History{h})
	require.Empty(t, as)
	require.Contains(t, why, "they come and go")

	// They would be if their own series showed for long that they stay, because the growth of the
	// floor is an estimate. A stack that fits it better comes first.
	var profiles []profile
	for i := range int64(12) {
		profiles = append(profiles, profile{&other: 3 + 20*i, &blocked: i})
	}
	h = history("a", profiles...)
	h.Leaked = 2
	as, why = Attribute([]History{h})
	require.Empty(t, why)
	require.Len(t, as, 1)
	require.Equal(t, "sync.Mutex.Lock", as[0].Stacks[0].Op)
	h.Leaked = 15
	as, _ = Attribute([]History{h})
	require.Len(t, as, 1)
	require.Equal(t, "chan send", as[0].Stacks[0].Op)
}

func TestAttributeAddsInstancesUp(t *testing.T) {
	as, _ := Attribute([]History{
		history("a", profile{&blocked: 0}, profile{&blocked: 20}, profile{&blocked: 40}),
		history("b", profile{&blocked: 5}, profile{&blocked: 35}, profile{&blocked: 65}),
	})
	require.Len(t, as, 1)
	require.Equal(t, []string{"a", "b"}, as[0].Instances)
	require.EqualValues(t, 5, as[0].Stacks[0].Base)
	require.EqualValues(t, 105, as[0].Stacks[0].Head)
	require.Equal(t, "b", as[0].Head.Instance, "that grew most")
}
