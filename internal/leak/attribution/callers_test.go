package attribution

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// stackIn returns a stack of several frames, leaf first; those of acme/queue are of a
// dependency.
func stackIn(state string, functions ...string) collector.Record {
	r := collector.Record{State: state}
	for i, fn := range functions {
		f := &collector.Frame{Func: fn, File: "/src/shop/x.go", Line: i + 1}
		if len(fn) > 21 && fn[:21] == "github.com/acme/queue" {
			f.File = "/root/go/pkg/mod/github.com/acme/queue@v1.4.0/queue.go"
		}
		r.Frames = append(r.Frames, f)
	}
	return r
}

// A library's goroutines grow, and one profile has a request in the constructor.
func TestCallerIsFoundInAnyProfile(t *testing.T) {
	loop := stackIn("select", "github.com/acme/queue.(*Queue).run")
	request := stackIn("IO wait", "net.(*conn).Read", "github.com/acme/queue.(*Queue).connect", "github.com/acme/queue.New", "example.org/shop.handle")
	as, why := Attribute([]History{history("a",
		profile{&worker: 8}, profile{&worker: 8, &loop: 20}, profile{&worker: 8, &loop: 41, &request: 1}, profile{&worker: 8, &loop: 60},
	)})
	require.Empty(t, why)
	require.Len(t, as, 1)
	callers := as[0].Stacks[0].Callers
	require.Len(t, callers, 1)
	require.Equal(t, "example.org/shop.handle", callers[0].Frame.Func)
	require.Equal(t, "github.com/acme/queue.New", callers[0].Calls)
	require.Equal(t, leak.LinkType, callers[0].Link)
	require.Equal(t, collector.KindGoroutine, callers[0].Seen)
	require.True(t, HasUnknownCaller(as[0].Stacks[0]))
	require.True(t, leak.LinkStarter.Closer(leak.LinkType))

	surer := []leak.Caller{{Link: leak.LinkStarter}}
	require.Equal(t, surer, CloserCallers(callers, surer))
	require.Equal(t, surer, CloserCallers(surer, callers))
	require.Equal(t, callers, CloserCallers(callers, nil))
	other := []leak.Caller{{Link: leak.LinkType, Frame: collector.Frame{Func: "example.org/shop.load"}}}
	require.Len(t, CloserCallers(callers, other), 2, "both are as close")
	require.Len(t, CloserCallers(callers, callers), 1)
	early := []leak.Caller{{Link: leak.LinkStarter, Seen: collector.KindHeap, Frame: collector.Frame{Func: "main.setUp"}}}
	late := []leak.Caller{{Link: leak.LinkStarter, Seen: collector.KindHeap, Frame: collector.Frame{Func: "main.pay"}}, early[0]}
	require.Equal(t, late, CloserCallers(early, late), "the later heap profile has more of all calls")
	creator := []leak.Caller{{Link: leak.LinkCreator, Frame: collector.Frame{Func: "example.org/shop.loop"}}}
	require.Equal(t, []leak.Caller{callers[0], creator[0]}, CloserCallers(creator, callers), "it is no call")
	require.Equal(t, surer, CloserCallers(creator, surer))
	require.Equal(t, creator, CloserCallers(nil, creator))
}

// All parts of a program make contexts. The ones of a leak stay in use.
func TestKeptAllocationsOfTheStandardLibraryComeFirst(t *testing.T) {
	with := func(caller string, inUse bool) collector.Record {
		r := stackIn("", "context.withCancel", "context.WithCancel", caller)
		r.Count, r.InUse = 900, inUse
		if inUse {
			r.Count = 3
		}
		return r
	}
	heap := &collector.Profile{Kind: collector.KindHeap, Format: collector.FormatProto, Records: []collector.Record{with("main.fetch", false), with("main.forward", true)}}
	grown := leak.StackGrowth{Frames: []collector.Frame{{Func: "context.(*cancelCtx).propagateCancel.func2"}}}
	callers := CallersInHeap(grown, heap)
	require.Len(t, callers, 1)
	require.Equal(t, "main.forward", callers[0].Frame.Func)
	require.Equal(t, leak.LinkConstructor, callers[0].Link)
	require.Len(t, heap.Records, 2)
	only := *heap
	only.Records = heap.Records[:1]
	freed := CallersInHeap(grown, &only)
	require.Equal(t, "main.fetch", freed[0].Frame.Func)
	require.Equal(t, leak.LinkPackage, freed[0].Link, "it may be")
	require.Equal(t, "main.forward", CloserCallers(freed, callers)[0].Frame.Func)

	// Fewer parts call another library, and what it allocated may be free again.
	made := stackIn("", "github.com/acme/queue.New", "main.open")
	made.Count = 1
	heap.Records = append(heap.Records, made)
	grown.Frames = []collector.Frame{{Func: "github.com/acme/queue.(*Queue).run", File: "/root/go/pkg/mod/github.com/acme/queue@v1.4.0/queue.go"}}
	callers = CallersInHeap(grown, heap)
	require.Len(t, callers, 1)
	require.Equal(t, "main.open", callers[0].Frame.Func)
}

// The function main shows that somebody else has released the program.
func TestProgramOfALeak(t *testing.T) {
	main := stackIn("chan receive", "main.main")
	watch := stackIn("select", "go.etcd.io/etcd/etcdserver.(*stream).send")
	for file, want := range map[string]string{"go.etcd.io/etcd/main.go": "go.etcd.io/etcd", "/src/shop/main.go": ""} {
		main.Frames[0].File = file
		as, _ := Attribute([]History{history("a",
			profile{&main: 1, &worker: 8}, profile{&main: 1, &worker: 8, &watch: 20}, profile{&main: 1, &worker: 8, &watch: 40}, profile{&main: 1, &worker: 8, &watch: 60},
		)})
		require.Len(t, as, 1)
		require.Equal(t, want, as[0].Stacks[0].Program)
	}
}

// Thousands wait for a lock, and one goroutine that appeared with the first of them is in a
// method of the same type.
func TestHolderIsFound(t *testing.T) {
	add := stackIn("sync.Mutex.Lock", "sync.(*Mutex).Lock", "main.(*ledger).add")
	flush := stackIn("IO wait", "net.(*conn).Read", "main.(*ledger).flush")
	loop := stackIn("select", "main.(*ledger).loop")
	total := stackIn("sync.Mutex.Lock", "sync.(*Mutex).Lock", "main.(*ledger).total")
	h := history("a",
		profile{&worker: 8, &loop: 1}, profile{&worker: 8, &loop: 1, &add: 40, &flush: 1, &total: 1}, profile{&worker: 8, &loop: 1, &add: 80, &flush: 1, &total: 1}, profile{&worker: 8, &loop: 1, &add: 120, &flush: 1, &total: 1},
	)
	as, _ := Attribute([]History{h})
	require.Len(t, as, 1)
	holder := as[0].Stacks[0].Holder
	require.NotNil(t, holder)
	require.Equal(t, "main.(*ledger).flush", holder.Key.Func)
	require.Equal(t, "IO wait", holder.Op)
	require.EqualValues(t, 1, holder.Count)
	require.Equal(t, h.Shots[1].Ref.Time, holder.Since)

	// A goroutine that comes and goes holds nothing, and neither does one that was there before.
	as, _ = Attribute([]History{history("a",
		profile{&worker: 8, &loop: 1}, profile{&worker: 8, &loop: 1, &add: 40, &flush: 1}, profile{&worker: 8, &loop: 1, &add: 80}, profile{&worker: 8, &loop: 1, &add: 120},
	)})
	require.Nil(t, as[0].Stacks[0].Holder)
}

// The goroutine that blocks comes before the one that waits for it.
func TestCauseBeforeTheOneThatWaits(t *testing.T) {
	wait := stackIn("sync.WaitGroup.Wait", "sync.(*WaitGroup).Wait", "main.(*index).build")
	send := stackIn("chan send", "main.(*index).build.func1")
	as, _ := Attribute([]History{history("a",
		profile{&worker: 8}, profile{&worker: 8, &wait: 21, &send: 20}, profile{&worker: 8, &wait: 41, &send: 40}, profile{&worker: 8, &wait: 61, &send: 60},
	)})
	require.Len(t, as, 1)
	require.Len(t, as[0].Stacks, 2)
	require.Equal(t, "chan send", as[0].Stacks[0].Op)
}
