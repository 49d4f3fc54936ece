package stack

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// Closeness says how near a call of the user's code comes to the start of goroutines in a
// library. A higher one is more certain.
type Closeness int

// The steps of closeness.
const (
	// ToNothing means that there is no such call.
	ToNothing Closeness = iota
	// ToLibrary is a call into the same library, in any of its packages.
	ToLibrary
	// ToPackage is a call into the same package.
	ToPackage
	// ToConstructor is a call of a function of the same package that makes something, by its
	// name: New, Open, WithCancel.
	ToConstructor
	// ToType is a call of a method of the type whose method starts the goroutines, or which
	// they run.
	ToType
	// ToCallback is no call of the library: a goroutine that started in the same way runs the
	// user's code, which somebody gave to the library for that.
	ToCallback
	// ToStarter is a call that leads to the very function that starts the goroutines.
	ToStarter
)

// Call is a call of the user's code into a library.
type Call struct {
	// Caller is in the user's code. Called is the function of the library that it calls, or
	// that calls it back.
	Caller collector.Frame
	Called string
	// From is the user's code that called the Caller; without a Func there is none.
	From      collector.Frame
	Closeness Closeness
	// Count is how many goroutines, or allocations, had such a call.
	Count int64
}

// maxCalls is how many calls are returned.
const maxCalls = 3

// CallsInto finds calls of the user's code in the stacks of snapshots that may start the
// goroutines of a stack, the closest and most frequent first. frames are the stack, leaf first;
// createdBy is its go statement, without a Func: unknown. It finds none for goroutines that the
// user's own code has started.
//
// A heap profile can be such a snapshot, too: a constructor that returns at once is rarely on
// the stack of a goroutine, but its allocations are in the heap profile.
func CallsInto(frames []*collector.Frame, createdBy collector.Frame, snapshots ...*Snapshot) []Call {
	n := newNamer()
	target := n.startOf(frames, createdBy)
	if target == nil {
		return nil
	}
	found := map[Call]int64{}
	best := ToLibrary
	for _, s := range snapshots {
		for _, st := range s.Stacks {
			for _, way := range st.ways() { // they differ in the functions of the standard library
				c := n.callInto(target, way.shape.Frames)
				if c.Closeness >= best {
					best = c.Closeness
					found[c] += way.count
				}
			}
		}
	}
	calls := make([]Call, 0, len(found))
	for c := range maps.Keys(found) {
		if c.Closeness == best {
			count := found[c]
			c.Count = count
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b Call) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Caller.Func, b.Caller.Func), cmp.Compare(a.Caller.Line, b.Caller.Line), strings.Compare(a.Called, b.Called))
	})
	calls = slices.CompactFunc(calls, func(a, b Call) bool { return a.Caller.Func == b.Caller.Func })
	return calls[:min(len(calls), maxCalls)]
}

// RunInLibrary reports whether goroutines stand in a library or the standard library alone, and
// their go statement too, as far as it is known. Then somebody else has called the library.
func RunInLibrary(frames []*collector.Frame, createdBy collector.Frame) bool {
	return newNamer().startOf(frames, createdBy) != nil
}

// start is how goroutines of a library are started, by canonical names.
type start struct {
	starters map[string]bool // functions that start them
	types    map[string]bool // receivers of these, and of the functions that they run
	packages map[string]bool
	library  string // empty: the standard library
	// root is the library's function in which the goroutines began; empty: of the standard
	// library, whose goroutines run anything.
	root string
}

// startOf finds how goroutines are started from their stack and their go statement. It returns
// nil if their stack, or the go statement, is in the user's own code.
func (n *namer) startOf(frames []*collector.Frame, createdBy collector.Frame) *start {
	s := &start{starters: map[string]bool{}, types: map[string]bool{}, packages: map[string]bool{}}
	var root *function
	places := n.places(frames, nil)
	for _, p := range places {
		switch {
		case p.wrapper, p.fn == "", p.class == classRuntime, p.class == classInternal:
			continue
		case p.class == classUser:
			return nil
		}
		if root == nil || p.class == classLibrary || root.class == classStd {
			root = p.function
		}
	}
	if root == nil {
		return nil
	}
	s.add(root)
	if fn, ok := strings.CutSuffix(root.fn, ".func"); ok { // a closure runs in it
		s.starters[root.pkg+"."+fn] = true
	}
	s.library = root.library
	if first := beginning(places); first.class == classLibrary && !ServesClients(frames) && blocksIn(first.library, places) {
		s.root = first.name()
	}
	if createdBy.Func != "" {
		f := n.function(&createdBy)
		if f.class == classUser {
			return nil
		}
		s.add(f)
		s.starters[f.pkg+"."+strings.TrimSuffix(f.fn, ".func")] = true
	}
	return s
}

func (s *start) add(f *function) {
	if recv, _, ok := strings.Cut(f.fn, "."); ok && !strings.HasSuffix(f.fn, recv+".func") {
		s.types[f.pkg+"."+recv] = true
	}
	s.packages[f.pkg] = true
}

// beginning returns the function in which a goroutine began; nil: there is none.
func beginning(places []*place) *function {
	for _, p := range slices.Backward(places) {
		if !p.wrapper && p.fn != "" && p.class != classRuntime && p.class != classInternal {
			return p.function
		}
	}
	return nil
}

// blocksIn reports whether a goroutine blocks in a library and runs nothing of another one. A
// library that runs other libraries, as errgroup does, is like a go statement.
func blocksIn(library string, places []*place) bool {
	leaf := blockingFrame(places)
	return leaf >= 0 && places[leaf].library == library && !slices.ContainsFunc(places, func(p *place) bool {
		return p.class == classLibrary && p.library != library
	})
}

// callback returns the user's code that a goroutine with the same beginning runs, if it runs
// some: that which is called first.
func (s *start) callback(places []*place) (c Call) {
	first := beginning(places)
	if s.root == "" || first == nil || first.name() != s.root {
		return Call{}
	}
	for _, p := range slices.Backward(places) {
		if p.class == classUser && !p.wrapper {
			return Call{Caller: p.frame, Called: c.Called, Closeness: ToCallback}
		}
		if p.class == classLibrary && !p.wrapper {
			c.Called = p.frame.Func
		}
	}
	return Call{}
}

// callInto returns the call in a stack that comes closest to a start.
func (n *namer) callInto(target *start, frames []*collector.Frame) (best Call) {
	closest, at, last := ToNothing, -1, -1 // of the frames since the user's last one
	places := n.places(frames, nil)
	best = target.callback(places)
	for i, p := range places {
		switch {
		case p.wrapper, p.fn == "", p.class == classRuntime, p.class == classInternal:
		case p.class == classUser:
			if at := best.Caller; best.Closeness != ToCallback && best.From.Func == "" && at.Func != "" && at.Func != p.frame.Func {
				best.From = p.frame
			}
			if target.library == "" && !isTelling(closest, places, at, last) {
				closest = ToNothing
			}
			if closest > best.Closeness {
				// The standard library may be in between, as in fmt.Fprintf(logger, …).
				if called := places[last]; called.class == classLibrary || target.packages[called.pkg] {
					at = last
				}
				best = Call{Caller: p.frame, Called: places[at].frame.Func, Closeness: closest}
			}
			closest = ToNothing
		default:
			if c := target.closeness(p.function); c > ToNothing {
				closest, at = max(closest, c), i
			}
			last = i
		}
	}
	return best
}

// isTelling reports whether a call into the standard library says anything, since all of a
// program calls it: the user calls the constructor itself, or a method that is not only
// reached through an interface, as Done of a context is. at is the call, last the frame next to
// the user's.
func isTelling(c Closeness, places []*place, at, last int) bool {
	switch c {
	case ToConstructor:
		return at == last
	case ToType:
		recv, _, _ := strings.Cut(places[at].fn, ".")
		return at != last || isExported(recv)
	}
	return true
}

// closeness returns how near a function of a library is to the start.
func (s *start) closeness(f *function) Closeness {
	fn := strings.TrimSuffix(f.fn, ".func")
	recv, _, method := strings.Cut(fn, ".")
	switch {
	case s.starters[f.pkg+"."+fn]:
		return ToStarter
	case method && s.types[f.pkg+"."+recv]:
		return ToType
	case !method && s.packages[f.pkg] && isConstructor(fn):
		return ToConstructor
	case s.library == "": // too much of a program calls the standard library
		return ToNothing
	case s.packages[f.pkg]:
		return ToPackage
	case f.library == s.library:
		return ToLibrary
	}
	return ToNothing
}

// constructors begin the names of functions that make something which may run goroutines.
var constructors = []string{"New", "Open", "Dial", "Connect", "Start", "Listen", "Watch", "Subscribe", "With", "AfterFunc"}

// isConstructor reports whether a function makes something, by its name.
func isConstructor(fn string) bool {
	return slices.ContainsFunc(constructors, func(prefix string) bool {
		rest, ok := strings.CutPrefix(fn, prefix)
		return ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') // not Network
	})
}

// CreatorsOf finds, in a dump, the goroutines that have started those of a stack and still
// exist. For each it returns the frame of the user's code that it runs, next to its own
// beginning: deeper frames have changed since.
func (s *Snapshot) CreatorsOf(st *Stack) (frames []collector.Frame) {
	if len(st.Creators) == 0 {
		return nil
	}
	n := newNamer()
	for _, creator := range s.Stacks {
		if !slices.ContainsFunc(creator.Goroutines, func(g collector.Goroutine) bool { return slices.Contains(st.Creators, g.ID) }) {
			continue
		}
		run := -1
		places := n.places(creator.Frames, nil)
		for i, p := range slices.Backward(places) {
			if p.class != classUser || p.wrapper {
				continue
			}
			run = i
			if p.pkg != "main" || p.fn != "main" { // all is below main
				break
			}
		}
		if run >= 0 && !slices.Contains(frames, places[run].frame) && len(frames) < maxCalls {
			frames = append(frames, places[run].frame)
		}
	}
	slices.SortFunc(frames, func(a, b collector.Frame) int {
		return cmp.Or(strings.Compare(a.Func, b.Func), cmp.Compare(a.Line, b.Line))
	})
	return frames
}

// WokenByOthers reports whether goroutines that wake up now and then are at work, woken by a
// peer or a message. They are not if they sleep, try again after a pause, or wait in a
// library's own loop, which usually has a ticker.
func WokenByOthers(op string, frames []*collector.Frame) bool {
	switch op {
	case "IO wait":
		return true
	case "select", "chan receive", "sync.Cond.Wait":
		return !RunInLibrary(frames, collector.Frame{}) && !slices.ContainsFunc(frames, isRetry)
	}
	return false
}

// isRetry reports whether a function tries again after a pause, by its name.
func isRetry(f *collector.Frame) bool {
	name := strings.ToLower(f.Func)
	return strings.Contains(name, "retry") || strings.Contains(name, "backoff")
}

// serverFuncs begin the names of functions that run for a connection of a client.
var serverFuncs = []string{
	"net/http.(*conn).serve", "net/http.(*connReader).", "net/http.(*http2serverConn).", "golang.org/x/net/http2.(*serverConn).",
	"google.golang.org/grpc/internal/transport.(*http2Server).", "google.golang.org/grpc.(*Server).",
	"github.com/valyala/fasthttp.(*Server).", "net/rpc.(*Server).",
}

// websocketFuncs begin the names of functions that read and write a websocket.
var websocketFuncs = []string{
	"github.com/gorilla/websocket.(*Conn).", "github.com/fasthttp/websocket.(*Conn).", "github.com/coder/websocket.(*Conn).",
	"nhooyr.io/websocket.(*Conn).", "golang.org/x/net/websocket.(*Conn).", "github.com/gobwas/ws.", "github.com/gobwas/ws/wsutil.",
}

// ServesClients reports whether a goroutine serves a connection of a client: it is one of
// a server of HTTP or gRPC.
func ServesClients(frames []*collector.Frame) bool { return hasFunc(frames, serverFuncs) }

// HasWebsocket reports whether a goroutine reads or writes a websocket.
func HasWebsocket(frames []*collector.Frame) bool { return hasFunc(frames, websocketFuncs) }

func hasFunc(frames []*collector.Frame, prefixes []string) bool {
	return slices.ContainsFunc(frames, func(f *collector.Frame) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.Func, p) })
	})
}
