package stack

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/gorowatch/gorowatch/collector"
)

// Hint is what kind of leak a stack usually is.
type Hint struct {
	// Kind names the page in docs/leaks.
	Kind string
	// Sentence says what probably happened and what to do, without a full
	// stop.
	Sentence string
}

// Hints finds the hints for many stacks, and reads each name once. It is not
// safe for concurrent use.
type Hints struct{ n *namer }

// NewHints makes Hints.
func NewHints() *Hints { return &Hints{newNamer()} }

// Of says what kind of leak a growing number of goroutines usually is that
// stand so. It has nothing to say, and returns false, where waiting so is a
// program's normal life or the frames do not tell.
//
// The hint is about what blocks: the operation and the frames next to it. A
// function further from the leaf explains nothing where the user's own code, or
// a library, was called from it and blocks itself.
func (h *Hints) Of(s *Stack) (Hint, bool) {
	return h.of(s.Op, s.Frames, strings.Contains(s.State, " (nil chan)"))
}

// HintFor is Hints for one stack: of those that wait in op on these frames,
// leaf first.
func HintFor(op string, frames []collector.Frame) (Hint, bool) {
	shared := make([]*collector.Frame, len(frames))
	for i := range frames {
		shared[i] = &frames[i]
	}
	return NewHints().of(op, shared, false)
}

func (h *Hints) of(op string, frames []*collector.Frame, nilChannel bool) (Hint, bool) {
	places := h.n.places(frames, nil)
	var key collector.Frame
	user := false
	if k := keyOf(places); k >= 0 {
		key, user = places[k].frame, places[k].class == classUser
	}
	blocks := blocking(places)
	own := user && blocks >= 0 && places[blocks].class == classUser
	if nilChannel && own {
		return Hint{"nil-channel", "blocked for ever on a nil channel " + where(key) + ": it was never made, or set to nil while still in use"}, true
	}
	for explained := explanationsOf(op, places); explained != 0; explained &= explained - 1 {
		e := &explanations[bits.TrailingZeros64(explained)]
		if e.ops != "" && op != Unknown && !slices.Contains(strings.Split(e.ops, "|"), op) {
			continue
		}
		if e.hint.Sentence == "" {
			return Hint{}, false
		}
		return e.hint.at(key), true
	}
	// A WaitGroup is waited for through a library as well: an errgroup.
	if !own && !(user && op == "sync.WaitGroup.Wait" && places[blocks].class == classLibrary) {
		return Hint{}, false
	}
	if h, ok := byOp[op]; ok {
		return h.at(key), true
	}
	return Hint{}, false
}

// blocking is the index of the frame that waits: the first that is more than an
// operation. It is -1 if there is none.
func blocking(places []*place) int {
	for i, p := range places {
		if !p.primitive() {
			return i
		}
	}
	return -1
}

// primitive tells what is part of an operation, or was made by the compiler.
func (f *function) primitive() bool {
	switch {
	case f.wrapper, f.fn == "", f.class == classRuntime, f.class == classInternal:
		return true
	case f.class != classStd:
		return false
	}
	switch f.pkg {
	case "sync", "time", "reflect", "iter", "context", "syscall":
		return true
	}
	return false
}

// explanationsOf is the explanations of the functions that are near enough to
// the leaf, as their bits.
func explanationsOf(op string, places []*place) uint64 {
	var explained uint64
	near := ^uint64(0)
	leaf := blocking(places)
	for i, p := range places {
		if p.wrapper || p.fn == "" || p.class == classRuntime || p.class == classInternal {
			continue
		}
		if i >= leaf && leaf >= 0 && p.pkg != places[leaf].pkg {
			near &^= explanationBits.samePackage
			if op == Unknown {
				// The operation is hidden. Only the function at the leaf tells.
				near &^= explanationBits.ofOps
			}
		}
		explained |= near & p.explains()
		passes := op == "IO wait" && p.passesOn()
		switch {
		case p.class == classUser && passes:
			near &= explanationBits.connections
		case p.class == classUser:
			return explained
		case p.class == classLibrary && passes:
			near &= explanationBits.connections | explanationBits.libraries
		case p.class == classLibrary:
			near &= explanationBits.libraries
		}
	}
	return explained
}

// passesOn tells a Read or Write, which in a wrapper of a connection only calls
// that of the connection.
func (f *function) passesOn() bool {
	return strings.HasSuffix(f.fn, ".Read") || strings.HasSuffix(f.fn, ".Write")
}

// explains is the explanations that a function on the stack is one of, as
// their bits.
func (f *function) explains() uint64 {
	if !f.asked {
		f.asked = true
		name := f.name() + "\n"
		for i, e := range explanations {
			if slices.ContainsFunc(e.parts, func(part string) bool { return strings.HasPrefix(name, part) }) {
				f.explained |= 1 << i
			}
		}
	}
	return f.explained
}

// at is the hint with the place that it speaks of.
func (h Hint) at(key collector.Frame) Hint {
	h.Sentence = strings.ReplaceAll(h.Sentence, "{place}", where(key))
	return h
}

// where is a frame's place, for a sentence.
func where(key collector.Frame) string {
	_, fn, _ := canonical(key.Func)
	if fn == "" {
		return "in code without a name"
	}
	if outer, ok := strings.CutSuffix(fn, ".func"); ok {
		return "in a closure of " + outer
	}
	return "in " + fn
}

// reach is what may stand between the leaf and a function that explains a wait.
// The standard library always may.
type reach uint8

const (
	// samePackage: nothing of another package may.
	samePackage reach = 1 << iota
	// throughLibraries: libraries may.
	throughLibraries
	// connections: while a connection is read or written, wrappers of it may.
	connections
)

// explanations are waits that a function on the stack explains better than the
// operation does, at most 64. The first that matches counts; one without a
// sentence says that there is nothing to say. Ops are the operations that it is
// for, with "|" between them; empty: any. A part is the beginning of a canonical name,
// up to its newline where it is all of it.
var explanations = []struct {
	ops   string
	reach reach
	parts []string
	hint  Hint
}{
	{"", throughLibraries, []string{"os/signal.loop\n", "net/http.Server.Serve\n", "net.TCPListener.Accept", "net.UnixListener.Accept", "net/http.Server.ListenAndServe"}, Hint{}},
	{
		"", samePackage,
		[]string{"io.pipe.read\n", "io.pipe.write\n", "io.PipeReader.", "io.PipeWriter."},
		Hint{"io-pipe", "one end of an io.Pipe {place}, whose other end was left without closing it: close both, with CloseWithError on failure"},
	},
	{
		"", samePackage,
		[]string{"net.Dialer.", "net.Resolver.", "net.Dial\n", "net.DialTimeout\n", "net.Lookup", "net.sysDialer."},
		Hint{"network", "looks up a name or dials {place} without an answer: give it a context with a deadline, or set the Timeout of the net.Dialer"},
	},
	{
		"", throughLibraries | connections,
		[]string{
			"net/http.persistConn.readLoop\n", "net/http.persistConn.writeLoop\n", "net/http.ClientConn.readLoop\n", "net/http.clientConnReadLoop.", "net/http.clientStream.doRequest\n",
			"golang.org/x/net/http2.ClientConn.readLoop\n", "golang.org/x/net/http2.clientConnReadLoop.", "golang.org/x/net/http2.clientStream.doRequest\n",
		},
		Hint{"http-client", "a connection of an HTTP client that stays open: bodies of responses are not closed, or a new http.Transport is made again and again"},
	},
	{
		"", 0,
		[]string{"os/exec.Cmd.Wait\n", "os/exec.Cmd.Run\n", "os/exec.Cmd.Output\n", "os/exec.Cmd.CombinedOutput\n", "os/exec.Cmd.Start.func\n", "os/exec.Cmd.writerDescriptor.func\n", "os/exec.Cmd.stdin.func\n", "os/exec.Cmd.watchCtx.func\n", "os.Process.Wait\n"},
		Hint{"exec", "waits for a command that does not end {place}: start it with exec.CommandContext and the caller's context, and set WaitDelay for its children"},
	},
	{
		"", 0,
		[]string{"database/sql.Tx.awaitDone\n"},
		Hint{"sql", "a transaction that is neither committed nor rolled back: defer tx.Rollback() after each Begin"},
	},
	{
		"", 0,
		[]string{"database/sql.Rows.awaitDone\n"},
		Hint{"sql", "rows of a query that are not closed: defer rows.Close() after each Query"},
	},
	{
		"", 0,
		[]string{"database/sql.DB.connectionOpener\n"},
		Hint{"sql", "a sql.DB that is opened again and again: open it once, or close it"},
	},
	{
		"select|chan receive", samePackage,
		[]string{"database/sql.DB.conn\n", "database/sql.DB.Query", "database/sql.DB.Exec", "database/sql.DB.Begin", "database/sql.DB.Conn\n", "database/sql.DB.Ping"},
		Hint{"sql", "waits for a free connection of the database pool {place}: others are not given back (rows, transactions), or the pool is too small for the work"},
	},
	{
		"", throughLibraries,
		[]string{"github.com/redis/go-redis/v9.channel.", "github.com/redis/go-redis/v8.channel.", "github.com/go-redis/redis/v8.channel.", "github.com/redis/go-redis/v9.PubSub.", "github.com/gomodule/redigo/redis.PubSubConn.", "github.com/nats-io/nats.go.Conn.waitForMsgs\n"},
		Hint{"subscription", "a subscription that is not closed: who subscribes must also unsubscribe, on every way out"},
	},
	{
		"", throughLibraries,
		[]string{"google.golang.org/grpc.newClientStreamWithParams.func\n"},
		Hint{"grpc", "a gRPC stream that is neither read to its end nor cancelled: cancel its context on every way out"},
	},
	{
		"", throughLibraries | connections,
		[]string{
			"google.golang.org/grpc/internal/transport.http2Server.HandleStreams\n", "google.golang.org/grpc/internal/transport.http2Server.keepalive\n",
			"google.golang.org/grpc/internal/transport.NewServerTransport.func\n", "google.golang.org/grpc/internal/transport.newHTTP2Server.func\n",
			"google.golang.org/grpc/transport.http2Server.HandleStreams\n", "google.golang.org/grpc/transport.http2Server.keepalive\n",
			"google.golang.org/grpc/transport.http2Server.controller\n", "google.golang.org/grpc/transport.newHTTP2Server.func\n",
		},
		Hint{"grpc", "a gRPC connection that a client keeps open: set keepalive.ServerParameters of the server (MaxConnectionIdle, Time), and close clients after their use"},
	},
	{
		"", throughLibraries,
		[]string{"google.golang.org/grpc.serverStream.", "google.golang.org/grpc.GenericServerStream."},
		Hint{"grpc", "waits for the client of a gRPC stream {place}: return when the stream's context is done, and set keepalive.ServerParameters of the server"},
	},
	{
		"", throughLibraries,
		[]string{
			"google.golang.org/grpc.Invoke\n", "google.golang.org/grpc.invoke\n", "google.golang.org/grpc.ClientConn.Invoke\n", "google.golang.org/grpc.ClientConn.NewStream\n",
			"google.golang.org/grpc.newClientStream\n", "google.golang.org/grpc.clientStream.", "google.golang.org/grpc.GenericClientStream.",
		},
		Hint{"grpc", "waits for the answer to a gRPC call {place}: give the call a context with a deadline"},
	},
	{
		"", throughLibraries | connections,
		[]string{
			"google.golang.org/grpc/internal/grpcsync.CallbackSerializer.run\n", "google.golang.org/grpc.addrConn.", "google.golang.org/grpc.acBalancerWrapper.",
			"google.golang.org/grpc.ccBalancerWrapper.", "google.golang.org/grpc.ccResolverWrapper.", "google.golang.org/grpc.roundRobin.", "google.golang.org/grpc.simpleBalancer.",
			"google.golang.org/grpc.ClientConn.lbWatcher", "google.golang.org/grpc.ClientConn.scWatcher", "google.golang.org/grpc.ClientConn.resolverWatcher",
			"google.golang.org/grpc/balancer", "google.golang.org/grpc/internal/balancer", "google.golang.org/grpc/resolver", "google.golang.org/grpc/internal/resolver", "google.golang.org/grpc/naming.",
			"google.golang.org/grpc/internal/transport.http2Client.reader\n", "google.golang.org/grpc/internal/transport.http2Client.keepalive\n",
			"google.golang.org/grpc/internal/transport.NewHTTP2Client", "google.golang.org/grpc/internal/transport.newHTTP2Client",
			"google.golang.org/grpc/transport.http2Client.reader\n", "google.golang.org/grpc/transport.http2Client.keepalive\n",
			"google.golang.org/grpc/transport.http2Client.controller\n", "google.golang.org/grpc/transport.newHTTP2Client", "google.golang.org/grpc/transport.NewClientTransport",
		},
		Hint{"grpc", "a gRPC client connection that stays: one is dialled again and again and never closed"},
	},
	{
		"", throughLibraries | connections,
		[]string{"google.golang.org/grpc/internal/transport.loopyWriter.run\n", "google.golang.org/grpc/transport.loopyWriter.run\n", "google.golang.org/grpc/transport.loopyWriter\n"},
		Hint{"grpc", "a gRPC connection that stays open: close each client connection, and set keepalive.ServerParameters of the server (MaxConnectionIdle, Time)"},
	},
	{
		"", 0,
		[]string{"context.cancelCtx.propagateCancel.func\n", "context.propagateCancel.func\n"},
		Hint{"context", "a context derived from one of a type of its own, and never cancelled: call the cancel function on every way out"},
	},
	{
		"select|IO wait|sync.Cond.Wait", throughLibraries | connections,
		[]string{"net/http.bodyEOFSignal.Read\n", "net/http.transportResponseBody.Read\n", "golang.org/x/net/http2.transportResponseBody.Read\n"},
		Hint{"http-timeout", "reads the body of an HTTP response {place} that does not end: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"select", 0,
		[]string{"net/http.Client.", "net/http.Transport.RoundTrip\n", "net/http.persistConn.roundTrip\n", "net/http.Get\n", "net/http.Post\n", "net/http.PostForm\n", "net/http.Head\n"},
		Hint{"http-timeout", "waits for the answer to an HTTP request {place}: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"select", throughLibraries,
		[]string{"golang.org/x/net/http2.ClientConn.RoundTrip\n", "golang.org/x/net/http2.ClientConn.roundTrip\n", "golang.org/x/net/http2.Transport.RoundTrip"},
		Hint{"http-timeout", "waits for the answer to an HTTP request {place}: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"IO wait", connections,
		[]string{"net/http.body.Read\n", "net/http.response.Write\n"},
		Hint{"http-server", "reads from or writes to a client that does not answer {place}: set ReadTimeout and WriteTimeout of the server, or deadlines by http.ResponseController"},
	},
	{
		"select|sync.Cond.Wait", throughLibraries,
		[]string{
			"net/http.requestBody.Read\n", "net/http.responseWriter.Write\n", "net/http.responseWriter.Flush",
			"golang.org/x/net/http2.requestBody.Read\n", "golang.org/x/net/http2.responseWriter.Write\n", "golang.org/x/net/http2.responseWriter.Flush",
		},
		Hint{"http-server", "reads from or writes to a client that does not answer {place}: set ReadTimeout and WriteTimeout of the server, or deadlines by http.ResponseController"},
	},
	{
		"", throughLibraries | connections,
		[]string{"net/http.serverConn.serve\n", "net/http.serverConn.readFrames\n", "net/http.serverConn.readPreface", "golang.org/x/net/http2.serverConn.serve\n", "golang.org/x/net/http2.serverConn.readFrames\n", "golang.org/x/net/http2.serverConn.readPreface"},
		Hint{"http-server", "connections that clients keep open over HTTP/2: set IdleTimeout of the server"},
	},
	{
		"IO wait", connections,
		[]string{"net/http.conn.serve\n"},
		Hint{"http-server", "connections that clients keep open: set ReadHeaderTimeout and IdleTimeout of the server"},
	},
	{
		"IO wait", throughLibraries | connections,
		[]string{"net.conn.Read\n", "net.conn.Write\n", "crypto/tls.Conn.Read\n", "crypto/tls.Conn.Write\n", "net.UDPConn.Read"},
		Hint{"network", "reads from or writes to a connection without a deadline {place}: the other side is silent; set deadlines, or close the connection when its user is done"},
	},
}

// explanationBits are the explanations that may reach so far, and those for
// certain operations only.
var explanationBits = func() (b struct{ samePackage, libraries, connections, ofOps uint64 }) {
	for i, e := range explanations {
		bit := uint64(1) << i
		for _, r := range []struct {
			is   bool
			bits *uint64
		}{{e.reach&samePackage != 0, &b.samePackage}, {e.reach&throughLibraries != 0, &b.libraries}, {e.reach&connections != 0, &b.connections}, {e.ops != "", &b.ofOps}} {
			if r.is {
				*r.bits |= bit
			}
		}
	}
	return b
}()

// byOp are waits of the user's own code.
var byOp = map[string]Hint{
	"chan send":           {"chan-send", "blocked sending on a channel {place}: the receiver probably returned first; give the channel a buffer of one, or select on the context's Done as well"},
	"chan receive":        {"chan-receive", "blocked receiving from a channel {place}: nobody sends to it or closes it any more; close it when the last sender is done, or select on the context's Done as well"},
	"select":              {"select", "blocked in a select {place} none of whose cases comes: a case for the context's Done is missing, or that context is never cancelled"},
	"select (no cases)":   {"select-forever", "blocked for ever by a select without cases {place}: whoever starts it adds one each time"},
	"sync.Mutex.Lock":     {"mutex", "waits for a lock {place} that is not released: its holder is blocked itself, or returned without Unlock"},
	"sync.RWMutex.Lock":   {"mutex", "waits for a write lock {place} that is not released: a holder is blocked itself, or returned without RUnlock or Unlock"},
	"sync.RWMutex.RLock":  {"mutex", "waits for a read lock {place}: a writer holds the lock or waits for it, blocked by a holder that does not release it"},
	"sync.WaitGroup.Wait": {"waitgroup", "waits for a WaitGroup {place}: a goroutine it counts leaks itself, or ends without Done; look for the stack that grows along with this one"},
	"sync.Cond.Wait":      {"cond", "waits for a condition {place} that nobody signals: who changes the state must call Signal or Broadcast, when shutting down, too"},
	"sleep":               {"sleep", "sleeps in a loop {place} that has no end: wait on a timer and the context's Done in a select instead"},
}
