package attribution

import (
	"slices"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/leak"
)

// links maps how close a call comes to the start of the goroutines to its name in the API.
var links = map[stack.Closeness]leak.Link{
	stack.ToStarter: leak.LinkStarter, stack.ToCallback: leak.LinkCallback, stack.ToType: leak.LinkType,
	stack.ToConstructor: leak.LinkConstructor, stack.ToPackage: leak.LinkPackage, stack.ToLibrary: leak.LinkLibrary,
}

// CallersOf searches profiles of the kind seen for user code that may have started the goroutines of
// a stack.
func CallersOf(s leak.StackGrowth, seen collector.ProfileKind, snapshots ...*stack.Snapshot) (callers []leak.Caller) {
	for _, c := range stack.CallsInto(framesOf(s), s.CreatedBy, snapshots...) {
		callers = append(callers, leak.Caller{Frame: c.Caller, From: c.From, Calls: c.Called, Link: links[c.Closeness], Seen: seen})
	}
	return callers
}

// CallersInHeap searches a heap profile for these callers. All parts of a program call the standard
// library. So for goroutines in the standard library only calls whose objects are still in use count,
// because a leaked goroutine keeps what was made for it. If there are none, the other calls are
// returned as remote possibilities.
func CallersInHeap(s leak.StackGrowth, heap *collector.Profile) []leak.Caller {
	if !stack.RunInStandard(framesOf(s)) {
		return CallersOf(s, collector.KindHeap, stack.Of(heap))
	}
	kept := *heap
	kept.Records = slices.DeleteFunc(slices.Clone(heap.Records), func(r collector.Record) bool { return !r.InUse })
	if callers := CallersOf(s, collector.KindHeap, stack.Of(&kept)); len(callers) > 0 {
		return callers
	}
	callers := CallersOf(s, collector.KindHeap, stack.Of(heap))
	for i := range callers {
		callers[i].Link = leak.LinkPackage
	}
	return callers
}

// HasUnknownCaller reports whether a stack is entirely in a library, and its go statement is not in
// user code either.
func HasUnknownCaller(s leak.StackGrowth) bool { return stack.RunInLibrary(framesOf(s), s.CreatedBy) }

// IsWokenByOthers reports whether goroutines of a stack that wake up now and then are at work: a
// message or arriving data wakes them, not a timer of their own.
func IsWokenByOthers(s leak.StackGrowth) bool { return stack.WokenByOthers(s.Op, framesOf(s)) }

// ServesClients reports whether the goroutines of a stack serve connections of clients. A websocket
// counts, too: few programs are the clients of many.
func ServesClients(s leak.StackGrowth) bool {
	return stack.ServesClients(framesOf(s)) || stack.HasWebsocket(framesOf(s))
}

// ReadsFromClients reports whether the goroutines of a stack wait for data of clients, so that their
// connections are open. Where a client has left, the goroutine that reads from it has ended, although
// the one that serves it may stay.
func ReadsFromClients(s leak.StackGrowth) bool { return s.Op == "IO wait" && ServesClients(s) }

func framesOf(s leak.StackGrowth) []*collector.Frame { return stack.PointersTo(s.Frames) }

// CreatorsIn searches a dump for the goroutines that started those of a stack in a library.
func CreatorsIn(dump *stack.Snapshot, st *stack.Stack) (callers []leak.Caller) {
	if !stack.RunInLibrary(st.Frames, st.CreatedBy) {
		return nil
	}
	for _, f := range dump.CreatorsOf(st) {
		callers = append(callers, leak.Caller{Frame: f, Link: leak.LinkCreator, Seen: collector.KindGoroutine})
	}
	return callers
}

// callersOf searches all profiles of the histories for callers.
func callersOf(s leak.StackGrowth, histories []History) []leak.Caller {
	var snapshots []*stack.Snapshot
	for _, h := range histories {
		for _, shot := range slices.Concat(h.before, h.Shots) {
			snapshots = append(snapshots, shot.Snapshot)
		}
	}
	return CallersOf(s, collector.KindGoroutine, snapshots...)
}

// maxCallers bounds the callers of a stack.
const maxCallers = 4

// CloserCallers picks one of two lists of callers, of which b is newer: the one whose calls come closer
// to the start of the goroutines, or both if they are equally close. The goroutines that started them
// come last, and are left out if the caller is certain.
func CloserCallers(a, b []leak.Caller) []leak.Caller {
	isCreator := func(c leak.Caller) bool { return c.Link == leak.LinkCreator }
	callsOf := func(list []leak.Caller) []leak.Caller { return slices.DeleteFunc(slices.Clone(list), isCreator) }
	calls, other := callsOf(a), callsOf(b)
	switch {
	case len(calls) == 0, len(other) > 0 && other[0].Link.Closer(calls[0].Link):
		calls = other
	case len(other) > 0 && !calls[0].Link.Closer(other[0].Link):
		if other[0].Seen == collector.KindHeap {
			calls, other = other, calls // a heap profile counts from the start of the process, so the newer list is more complete
		}
		calls = addCallers(calls, other)
	}
	if len(calls) > 0 && calls[0].Link == leak.LinkStarter {
		return calls
	}
	for _, list := range [][]leak.Caller{a, b} {
		calls = addCallers(calls, slices.DeleteFunc(slices.Clone(list), func(c leak.Caller) bool { return !isCreator(c) }))
	}
	return calls
}

// addCallers adds the callers that are not in the list yet, up to maxCallers.
func addCallers(list, more []leak.Caller) []leak.Caller {
	for _, c := range more {
		known := slices.ContainsFunc(list, func(o leak.Caller) bool { return o.Frame.Func == c.Frame.Func })
		if !known && len(list) < maxCallers {
			list = append(list, c)
		}
	}
	return list
}
