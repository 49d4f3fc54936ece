package stack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// calls makes a snapshot with one stack each, whose frames are leaf first.
func calls(stacks ...[]*collector.Frame) *Snapshot {
	p := &collector.Profile{Format: collector.FormatProto}
	for _, frames := range stacks {
		p.Records = append(p.Records, collector.Record{Count: 1, Frames: frames})
	}
	return Of(p)
}

// at makes frames; those of the queue are of a dependency.
func at(functions ...string) (frames []*collector.Frame) {
	for i, fn := range functions {
		f := &collector.Frame{Func: fn, File: "/src/x.go", Line: i + 1}
		if len(fn) > 22 && fn[:22] == "github.com/acme/queue." || len(fn) > 22 && fn[:22] == "github.com/acme/queue/" {
			f.File = "/root/go/pkg/mod/github.com/acme/queue@v1.4.0/queue.go"
		}
		frames = append(frames, f)
	}
	return frames
}

func TestCallsInto(t *testing.T) {
	loop := at("github.com/acme/queue.(*Queue).run")
	created := *at("github.com/acme/queue.(*Queue).start.func1")[0]
	started := at("github.com/acme/queue.(*Queue).start", "github.com/acme/queue.New", "main.(*jobs).run", "main.main")
	method := at("github.com/acme/queue.(*Queue).Push", "main.(*jobs).push", "main.main")
	pkg := at("github.com/acme/queue.Sizes", "main.report", "main.main")
	elsewhere := at("github.com/acme/queue/wire.Encode", "main.encode", "main.main")

	find := func(createdBy collector.Frame, stacks ...[]*collector.Frame) (callers []string, c Closeness) {
		for _, call := range CallsInto(loop, createdBy, calls(stacks...)) {
			callers = append(callers, call.Caller.Func)
			c = call.Closeness
		}
		return callers, c
	}
	callers, c := find(created, started, method, pkg, elsewhere)
	require.Equal(t, []string{"main.(*jobs).run"}, callers, "it leads to the go statement")
	require.Equal(t, ToStarter, c)
	callers, c = find(created, method, pkg, elsewhere)
	require.Equal(t, []string{"main.(*jobs).push"}, callers)
	require.Equal(t, ToType, c)
	callers, c = find(collector.Frame{}, at("github.com/acme/queue.NewReader", "main.read", "main.main"), at("github.com/acme/queue.Newest", "main.last"), pkg)
	require.Equal(t, []string{"main.read"}, callers, "it makes something")
	require.Equal(t, ToConstructor, c)
	callers, c = find(collector.Frame{}, pkg, elsewhere)
	require.Equal(t, []string{"main.report"}, callers)
	require.Equal(t, ToPackage, c)
	callers, c = find(collector.Frame{}, elsewhere)
	require.Equal(t, []string{"main.encode"}, callers)
	require.Equal(t, ToLibrary, c)

	// A function that the library calls is no caller of it.
	callers, _ = find(created, at("main.handle", "github.com/acme/queue.(*Queue).dispatch"))
	require.Empty(t, callers)
	// A helper of the user's calls the library: its caller is named, too.
	helped := CallsInto(loop, created, calls(at("github.com/acme/queue.New", "main.open", "main.(*jobs).run", "main.main")))
	require.Equal(t, "main.open", helped[0].Caller.Func)
	require.Equal(t, "main.(*jobs).run", helped[0].From.Func)
	// The go statement is in the user's own code.
	callers, _ = find(*at("main.serve")[0], started)
	require.Empty(t, callers)
	// So are the goroutines.
	require.Empty(t, CallsInto(at("github.com/acme/queue.(*Queue).Pop", "main.work"), collector.Frame{}, calls(started)))
}

// Most of a program calls the standard library, so a call of the same package is no evidence.
func TestCallsIntoTheStandardLibrary(t *testing.T) {
	leak := at("os/signal.NotifyContext.func1")
	require.Empty(t, CallsInto(leak, collector.Frame{}, calls(at("os/signal.Notify", "main.watch"))))
	got := CallsInto(leak, collector.Frame{}, calls(at("context.WithCancel", "os/signal.NotifyContext", "main.(*checkout).pay"), at("os/signal.Notify", "main.watch")))
	require.Len(t, got, 1)
	require.Equal(t, "main.(*checkout).pay", got[0].Caller.Func)
	require.Equal(t, "os/signal.NotifyContext", got[0].Called)
	require.Equal(t, ToStarter, got[0].Closeness)
}

// A context derived from one of a foreign type has a goroutine. Who made it calls a function that
// makes contexts; who waits for its end does not.
func TestCallsIntoContext(t *testing.T) {
	leak := at("context.(*cancelCtx).propagateCancel.func2")
	created := *at("context.(*cancelCtx).propagateCancel")[0]
	require.Empty(t, CallsInto(leak, created, calls(
		at("context.(*cancelCtx).Done", "main.wait"),
		at("context.WithDeadline", "net/http.(*Client).do", "net/http.(*Client).Get", "main.fetch"),
	)), "all of a program does that")
	got := CallsInto(leak, created, calls(at("context.withCancel", "context.WithCancel", "main.(*gateway).forward"), at("context.(*cancelCtx).Done", "main.wait")))
	require.Len(t, got, 1)
	require.Equal(t, "main.(*gateway).forward", got[0].Caller.Func)
	require.Equal(t, ToConstructor, got[0].Closeness)
}

// The library's goroutines run what the user gave it. One of them is seen while it does.
func TestCallback(t *testing.T) {
	leak := at("github.com/acme/queue.(*Limit).Run.func1")
	working := at("time.Sleep", "main.pause", "main.(*converter).convert.func1", "github.com/acme/queue.(*Limit).Run.func1")
	got := CallsInto(leak, collector.Frame{}, calls(leak, working, at("github.com/acme/queue.(*Limit).Reset", "main.(*converter).tune")))
	require.Len(t, got, 1)
	require.Equal(t, "main.(*converter).convert.func1", got[0].Caller.Func)
	require.Equal(t, "github.com/acme/queue.(*Limit).Run.func1", got[0].Called)
	require.Equal(t, ToCallback, got[0].Closeness)
	require.Empty(t, got[0].From.Func)
	// A call that leads to the go statement is more certain.
	got = CallsInto(leak, collector.Frame{}, calls(working, at("github.com/acme/queue.(*Limit).Run", "main.(*converter).convert")))
	require.Equal(t, "main.(*converter).convert", got[0].Caller.Func)

	// Goroutines that run other libraries, or serve clients, have nothing in common.
	group := "golang.org/x/sync/errgroup.(*Group).Go.func1"
	require.Empty(t, CallsInto(at("github.com/acme/queue.(*Queue).Pop", group), collector.Frame{}, calls(at("time.Sleep", "main.work", group))))
	handle := "google.golang.org/grpc.(*Server).handleStream"
	require.Empty(t, CallsInto(at(handle), collector.Frame{}, calls(at("time.Sleep", "main.answer", handle))))
}

func TestSearchFor(t *testing.T) {
	created := func(fn string) collector.Frame { return *at(fn)[0] }
	for want, tc := range map[string]struct {
		frames  string
		created collector.Frame
	}{
		"calls of NewPool of github.com/acme/queue":                 {"github.com/acme/queue.(*Pool).ticktock", created("github.com/acme/queue.NewPool")},
		"calls of the method Run of Limit of github.com/acme/queue": {"github.com/acme/queue.(*Limit).Run.func1", collector.Frame{}},
		"uses of the type Logger of gopkg.in/natefinch/lumberjack.v2": {
			"gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun", created("gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill.func1"),
		},
		"calls into github.com/acme/queue/wire":  {"github.com/acme/queue/wire.(*controller).loop", created("github.com/acme/queue/wire.newController")},
		"calls into github.com/acme/queue":       {"github.com/acme/queue/internal/pool.(*Pool).reap", created("github.com/acme/queue/internal/pool.New")},
		"calls of Open of github.com/acme/queue": {"github.com/acme/queue/internal/pool.(*Pool).reap", created("github.com/acme/queue.Open")},
		"calls of NotifyContext of os/signal":    {"os/signal.NotifyContext.func1", collector.Frame{}},
	} {
		frames := []collector.Frame{created(tc.frames)}
		require.Equal(t, want, SearchFor(frames, tc.created))
	}
	require.Empty(t, SearchFor([]collector.Frame{created("main.work")}, collector.Frame{}), "it is the user's own")
	require.Empty(t, SearchFor([]collector.Frame{created("net/http.(*persistConn).readLoop")}, collector.Frame{}), "all of a program calls net/http")
}

// A dump shows which goroutine started others. If that still runs, its own beginning is known.
func TestCreators(t *testing.T) {
	leaking := collector.Record{Count: 2, State: "select", Goroutines: []collector.Goroutine{{ID: 30}, {ID: 31}}, Creators: []uint64{7, 8}, Frames: at("github.com/acme/queue.(*Queue).run")}
	loop := collector.Record{Count: 1, State: "sleep", Goroutines: []collector.Goroutine{{ID: 7}}, Frames: at("time.Sleep", "main.(*poller).pause", "main.(*poller).loop", "main.start.func1")}
	first := collector.Record{Count: 1, State: "sleep", Goroutines: []collector.Goroutine{{ID: 8}}, Frames: at("time.Sleep", "main.serve", "main.main", "runtime.main")}
	other := collector.Record{Count: 1, State: "sleep", Goroutines: []collector.Goroutine{{ID: 9}}, Frames: at("time.Sleep", "main.other")}
	s := Of(&collector.Profile{Format: collector.FormatDebug2, Records: []collector.Record{leaking, loop, first, other}})
	var st *Stack
	for _, x := range s.Stacks {
		if x.Count == 2 {
			st = x
		}
	}
	var got []string
	for _, f := range s.CreatorsOf(st) {
		got = append(got, f.Func)
	}
	require.Equal(t, []string{"main.serve", "main.start.func1"}, got, "all is below main.main")
	st.Creators = []uint64{99}
	require.Empty(t, s.CreatorsOf(st), "it has ended")
}

func TestWokenByOthers(t *testing.T) {
	require.True(t, WokenByOthers("IO wait", at("net.(*conn).Read", "github.com/acme/queue.(*Queue).run")), "a peer has sent something")
	require.True(t, WokenByOthers("select", at("main.(*room).listen")), "somebody has sent a message")
	require.False(t, WokenByOthers("select", at("github.com/acme/queue.(*Queue).run")), "a library's own loop mostly has a ticker")
	require.False(t, WokenByOthers("select", at("github.com/acme/queue.doRetry", "main.(*hooks).deliver")), "it tries again")
	require.False(t, WokenByOthers("sleep", at("time.Sleep", "main.poll")))
	require.False(t, WokenByOthers("chan send", at("main.send")), "nobody sends by being woken")
}

func TestServesClients(t *testing.T) {
	frames := func(names ...string) (list []*collector.Frame) {
		for _, n := range names {
			list = append(list, &collector.Frame{Func: n})
		}
		return list
	}
	require.True(t, ServesClients(frames("main.(*chat).join", "net/http.HandlerFunc.ServeHTTP", "net/http.(*conn).serve")))
	require.True(t, ServesClients(frames("net/http.(*connReader).backgroundRead")))
	require.True(t, ServesClients(frames("google.golang.org/grpc/internal/transport.(*http2Server).keepalive")))
	require.True(t, HasWebsocket(frames("bufio.(*Reader).fill", "github.com/gorilla/websocket.(*Conn).ReadMessage", "main.(*client).read")))
	require.False(t, ServesClients(frames("net/http.(*persistConn).readLoop")), "that is a client's own")
	require.False(t, ServesClients(frames("google.golang.org/grpc/internal/transport.(*http2Client).reader")))
}
