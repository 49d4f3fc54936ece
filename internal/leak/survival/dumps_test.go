package survival

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/leak/lifecycle"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// dump makes goroutines that send, from one id on, and others that try again.
func dump(senders, from, retries, retriesFrom uint64, state string, wait time.Duration) *stack.Snapshot {
	ids := func(n, from uint64) (all []collector.Goroutine) {
		for i := range n {
			all = append(all, collector.Goroutine{ID: from + i})
		}
		return all
	}
	return stack.Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{
		{Count: int64(senders), State: state, Wait: wait, Goroutines: ids(senders, from), Frames: []*collector.Frame{{Func: "main.send"}}},
		{Count: int64(retries), State: "sleep", Goroutines: ids(retries, retriesFrom), Frames: []*collector.Frame{{Func: "main.retry"}}},
	}})
}

// leakOf returns a leak on the stacks of a dump.
func leakOf(s *stack.Snapshot) leak.Leak {
	l := leak.Leak{ID: "one"}
	for _, fn := range []string{"main.send", "main.retry"} {
		for _, st := range s.Stacks {
			if st.Key.Func == fn {
				l.Stacks = append(l.Stacks, leak.StackGrowth{Signature: st.Signature, Op: st.Op, Frames: st.Calls(), Key: st.Key})
			}
		}
	}
	return l
}

func compare(d *Dumps, at time.Time, l leak.Leak, s *stack.Snapshot) lifecycle.Finding {
	f := lifecycle.Finding{Leak: l.ID}
	d.Next = at.Add(5 * time.Minute)
	d.Compare(at, &f, l, s, 30*time.Minute)
	return f
}

// Half of the goroutines are stuck, half try again and again: the stuck ones show that the leak
// stays.
func TestOneStackStaysAndAnotherMoves(t *testing.T) {
	d := &Dumps{}
	first := dump(150, 1, 150, 1000, "chan send", 0)
	l := leakOf(first)
	require.Empty(t, compare(d, noon, l, first).Evidence)
	f := compare(d, noon.Add(5*time.Minute), l, dump(160, 1, 150, 2000, "chan send", 5*time.Minute))
	require.Equal(t, leak.Aged, f.Evidence)
	require.Zero(t, f.Stayed, "not all stayed")
}

// If the goroutines did not stay, the comparison starts over, a few times.
func TestBeginsAnew(t *testing.T) {
	d := &Dumps{}
	l := leakOf(dump(100, 1, 0, 0, "chan send", 0))
	compare(d, noon, l, dump(100, 1, 0, 0, "chan send", 0))
	f := compare(d, noon.Add(5*time.Minute), l, dump(100, 500, 0, 0, "chan send", 0))
	require.Empty(t, f.Evidence)
	require.Equal(t, "only 0 of 100 goroutines were still there 5 min later", d.Missing)
	require.False(t, d.Done)
	require.Equal(t, noon.Add(10*time.Minute), d.Next)
	f = compare(d, d.Next, l, dump(110, 500, 0, 0, "chan send", 10*time.Minute))
	require.Equal(t, leak.Aged, f.Evidence)

	d = &Dumps{}
	at := noon
	for i := range uint64(6) {
		compare(d, at, l, dump(100, 1+1000*i, 0, 0, "chan send", 0))
		at = d.Next
	}
	require.True(t, d.Done, "dumps cost the target")
}

// Consumers that receive messages stay, and are at work.
func TestWokenGoroutinesAreAtWork(t *testing.T) {
	for state, aged := range map[string]bool{"chan receive": false, "select": false, "IO wait": false, "chan send": true, "sleep": true} {
		d := &Dumps{}
		l := leakOf(dump(100, 1, 0, 0, state, 0))
		compare(d, noon, l, dump(100, 1, 0, 0, state, 0))
		f := compare(d, noon.Add(10*time.Minute), l, dump(100, 1, 0, 0, state, time.Minute))
		require.Equal(t, aged, f.Evidence == leak.Aged, state)
		if !aged {
			require.Contains(t, d.Missing, "they may be at work")
			require.True(t, f.AtWork)
		}
	}
	// Goroutines that wait beside them, such as a read for the client, change nothing.
	both := func(wait time.Duration) *stack.Snapshot {
		some := func(from uint64) (all []collector.Goroutine) {
			for i := range uint64(8) {
				all = append(all, collector.Goroutine{ID: from + i})
			}
			return all
		}
		return stack.Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{
			{Count: 8, State: "select", Goroutines: some(1), Frames: []*collector.Frame{{Func: "main.send"}}},
			{Count: 8, State: "IO wait", Wait: wait, Goroutines: some(11), Frames: []*collector.Frame{{Func: "main.retry"}}},
		}})
	}
	for range 20 { // whatever the order of the map
		d := &Dumps{}
		l := leakOf(both(0))
		compare(d, noon, l, both(0))
		require.Empty(t, compare(d, noon.Add(10*time.Minute), l, both(10*time.Minute)).Evidence)
	}

	// Less than two minutes is not enough: Go prints whole minutes.
	early := &Dumps{}
	reading := leakOf(dump(100, 1, 0, 0, "IO wait", 0))
	compare(early, noon, reading, dump(100, 1, 0, 0, "IO wait", 0))
	require.Empty(t, compare(early, noon.Add(time.Minute), reading, dump(100, 1, 0, 0, "IO wait", time.Minute)).Evidence)
	require.Equal(t, noon.Add(2*time.Minute), early.Next)
	require.Equal(t, leak.Aged, compare(early, early.Next, reading, dump(100, 1, 0, 0, "IO wait", 2*time.Minute)).Evidence)

	// If everything is so fast that a long life is over by then, waits are not needed.
	fast := &Dumps{}
	fast.Compare(noon, &lifecycle.Finding{}, reading, dump(100, 1, 0, 0, "IO wait", 0), time.Minute)
	f := lifecycle.Finding{}
	fast.Compare(noon.Add(10*time.Second), &f, reading, dump(100, 1, 0, 0, "IO wait", 0), time.Minute)
	require.Equal(t, leak.Aged, f.Evidence)

	// Goroutines that nothing wakes are not at work.
	d := &Dumps{}
	l := leakOf(dump(100, 1, 0, 0, "select", 0))
	compare(d, noon, l, dump(100, 1, 0, 0, "select", 0))
	require.Equal(t, leak.Aged, compare(d, noon.Add(10*time.Minute), l, dump(100, 1, 0, 0, "select", 10*time.Minute)).Evidence)
}

// Goroutines that wait as idle ones do and end between two dumps pass.
func TestIdleGoroutinesThatEndPass(t *testing.T) {
	for from, passing := range map[uint64]bool{1: false, 30: false, 60: true, 500: true} {
		d := &Dumps{}
		l := leakOf(dump(100, 1, 0, 0, "select", 0))
		compare(d, noon, l, dump(100, 1, 0, 0, "select", 0))
		f := compare(d, noon.Add(5*time.Minute), l, dump(110, from, 0, 0, "select", 0))
		require.Equal(t, passing, f.Passing, "from %d", from)
	}
}

// Goroutines that had waited for a while by the first dump need to stay for that much less.
func TestEarlierWaitsCount(t *testing.T) {
	const longLife = 30 * time.Minute
	waiting := func(state string, minutes ...int) *stack.Snapshot {
		p := &collector.Profile{Format: collector.FormatDebug2}
		for i, m := range minutes {
			p.Records = append(p.Records, collector.Record{
				Count: 1, State: state, Wait: time.Duration(m) * time.Minute, Goroutines: []collector.Goroutine{{ID: uint64(i + 1), Waited: time.Duration(m) * time.Minute}},
				Frames: []*collector.Frame{{Func: "main.send"}},
			})
		}
		return stack.Of(p)
	}
	for name, c := range map[string]struct {
		state   string
		minutes []int
		earlier time.Duration
	}{
		"the fifth longest":           {"select", []int{1, 9, 10, 8, 7, 6, 0}, 6 * time.Minute},
		"not from before the onset":   {"select", []int{300, 9, 299, 8, 7, 6, 5}, 5 * time.Minute},
		"not too few":                 {"select", []int{9, 9, 9, 9}, 0},
		"half of a long life at most": {"select", []int{19, 19, 19, 19, 19}, 15 * time.Minute},
		"not where they are stuck":    {"chan send", []int{9, 9, 9, 9, 9}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := &Dumps{}
			later := func(by int) *stack.Snapshot {
				grown := slices.Clone(c.minutes)
				for i := range grown {
					grown[i] += by
				}
				return waiting(c.state, grown...)
			}
			l := leakOf(later(0))
			l.Onset = noon.Add(-20 * time.Minute)
			compare(d, noon, l, later(0))
			f := compare(d, noon.Add(5*time.Minute), l, later(5))
			if len(c.minutes) >= Enough {
				require.Equal(t, leak.Aged, f.Evidence)
				require.Equal(t, 5*time.Minute+c.earlier, f.Stayed)
			}
			if c.state == "select" {
				require.Equal(t, noon.Add(longLife-c.earlier), d.Next)
			}
			f = compare(d, noon.Add(longLife-c.earlier), l, later(20))
			if len(c.minutes) >= Enough && c.state == "select" {
				require.Equal(t, longLife, f.Stayed)
				require.True(t, d.Done)
			}
		})
	}
}

// The writer of a websocket waits for days until something is to be sent. Its client is there as
// long as something is read from it.
func TestWritersOfWebsocketsThatAreRead(t *testing.T) {
	both := func(wait, read time.Duration) *stack.Snapshot {
		some := func(from uint64) (all []collector.Goroutine) {
			for i := range uint64(50) {
				all = append(all, collector.Goroutine{ID: from + i})
			}
			return all
		}
		return stack.Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{
			{Count: 50, State: "select", Wait: wait, Goroutines: some(1), Frames: []*collector.Frame{{Func: "main.(*client).write"}}},
			{Count: 50, State: "IO wait", Wait: read, Goroutines: some(101), Frames: []*collector.Frame{
				{Func: "net.(*conn).Read"}, {Func: "github.com/gorilla/websocket.(*Conn).ReadMessage"}, {Func: "main.(*client).read"},
			}},
		}})
	}
	for read, evidence := range map[time.Duration]leak.Evidence{time.Minute: "", 10 * time.Minute: leak.Aged} {
		d := &Dumps{}
		var l leak.Leak
		for _, st := range both(0, 0).Stacks {
			l.Stacks = append(l.Stacks, leak.StackGrowth{Signature: st.Signature, Op: st.Op})
		}
		slices.SortFunc(l.Stacks, func(a, b leak.StackGrowth) int { return -cmp.Compare(a.Op, b.Op) }) // the select leads
		compare(d, noon, l, both(0, 0))
		f := compare(d, noon.Add(10*time.Minute), l, both(10*time.Minute, read))
		require.Equal(t, evidence, f.Evidence)
		require.Equal(t, evidence == "", f.AtWork)
	}
}
