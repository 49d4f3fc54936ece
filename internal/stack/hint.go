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
func (h *Hints) Of(s *Stack) (Hint, bool) {
	if strings.HasSuffix(s.State, "(nil chan)") && s.UserCode {
		return Hint{"nil-channel", "blocked for ever on a nil channel " + where(s.Key) + ": it was never made, or set to nil while still in use"}, true
	}
	return h.of(s.Op, s.Frames)
}

// HintFor is Hints for one stack: of those that wait in op on these frames,
// leaf first.
func HintFor(op string, frames []collector.Frame) (Hint, bool) {
	shared := make([]*collector.Frame, len(frames))
	for i := range frames {
		shared[i] = &frames[i]
	}
	return NewHints().of(op, shared)
}

func (h *Hints) of(op string, frames []*collector.Frame) (Hint, bool) {
	places := h.n.places(frames)
	var key collector.Frame
	user := false
	if k := keyOf(places); k >= 0 {
		key, user = places[k].frame, places[k].class == classUser
	}
	var explained uint64
	for _, p := range places {
		explained |= p.explains()
	}
	for ; explained != 0; explained &= explained - 1 {
		e := explanations[bits.TrailingZeros64(explained)]
		if e.op != "" && e.op != op {
			continue
		}
		if e.hint.Sentence == "" {
			return Hint{}, false
		}
		return e.hint.at(key), true
	}
	if !user {
		return Hint{}, false
	}
	if h, ok := byOp[op]; ok {
		return h.at(key), true
	}
	return Hint{}, false
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

// explanations are waits that a function on the stack explains better than the
// operation does, at most 64. The first that matches counts; one without a
// sentence says that there is nothing to say. A part is the beginning of a canonical name,
// up to its newline where it is all of it.
var explanations = []struct {
	op    string
	parts []string
	hint  Hint
}{
	{"", []string{"os/signal.loop\n", "net/http.Server.Serve\n", "net.TCPListener.Accept", "net.UnixListener.Accept", "net/http.Server.ListenAndServe"}, Hint{}},
	{
		"",
		[]string{"net/http.persistConn.readLoop\n", "net/http.persistConn.writeLoop\n", "net/http.ClientConn.readLoop\n"},
		Hint{"http-client", "a connection of an HTTP client that stays open: bodies of responses are not closed, or a new http.Transport is made again and again"},
	},
	{
		"",
		[]string{"os/exec.Cmd.Wait\n", "os/exec.Cmd.Run\n", "os/exec.Cmd.Output\n", "os/exec.Cmd.CombinedOutput\n", "os/exec.Cmd.Start.func\n", "os/exec.Cmd.writerDescriptor.func\n", "os/exec.Cmd.stdin.func\n", "os/exec.Cmd.watchCtx.func\n", "os.Process.Wait\n"},
		Hint{"exec", "waits for a command that does not end {place}: start it with exec.CommandContext and the caller's context, and set WaitDelay for its children"},
	},
	{
		"",
		[]string{"database/sql.Tx.awaitDone\n"},
		Hint{"sql", "a transaction that is neither committed nor rolled back: defer tx.Rollback() after each Begin"},
	},
	{
		"",
		[]string{"database/sql.Rows.awaitDone\n"},
		Hint{"sql", "rows of a query that are not closed: defer rows.Close() after each Query"},
	},
	{
		"",
		[]string{"database/sql.DB.connectionOpener\n"},
		Hint{"sql", "a sql.DB that is opened again and again: open it once, or close it"},
	},
	{
		"select",
		[]string{"database/sql.DB.conn\n", "database/sql.DB.Query", "database/sql.DB.Exec", "database/sql.DB.Begin", "database/sql.DB.Conn\n", "database/sql.DB.Ping"},
		Hint{"sql", "waits for a free connection of the database pool {place}: others are not given back (rows, transactions), or the pool is too small for the work"},
	},
	{
		"",
		[]string{"github.com/redis/go-redis/v9.channel.", "github.com/redis/go-redis/v8.channel.", "github.com/go-redis/redis/v8.channel.", "github.com/redis/go-redis/v9.PubSub.", "github.com/gomodule/redigo/redis.PubSubConn.", "github.com/nats-io/nats.go.Conn.waitForMsgs\n"},
		Hint{"subscription", "a subscription that is not closed: who subscribes must also unsubscribe, on every way out"},
	},
	{
		"",
		[]string{"google.golang.org/grpc.newClientStreamWithParams.func\n"},
		Hint{"grpc", "a gRPC stream that is neither read to its end nor cancelled: cancel its context on every way out"},
	},
	{
		"",
		[]string{"google.golang.org/grpc/internal/grpcsync.CallbackSerializer.run\n", "google.golang.org/grpc/internal/transport.http2Client.reader\n", "google.golang.org/grpc/internal/transport.NewHTTP2Client.func\n", "google.golang.org/grpc.addrConn."},
		Hint{"grpc", "a gRPC client connection that stays: one is dialled again and again and never closed"},
	},
	{
		"",
		[]string{"context.cancelCtx.propagateCancel.func\n", "context.propagateCancel.func\n"},
		Hint{"context", "a context derived from one of a type of its own, and never cancelled: call the cancel function on every way out"},
	},
	{
		"",
		[]string{"io.pipe.read\n", "io.pipe.write\n", "io.PipeReader.", "io.PipeWriter."},
		Hint{"io-pipe", "one end of an io.Pipe {place}, whose other end was left without closing it: close both, with CloseWithError on failure"},
	},
	{
		"select",
		[]string{"net/http.Client.", "net/http.Transport.RoundTrip\n", "net/http.Get\n", "net/http.Post\n", "net/http.PostForm\n", "net/http.Head\n"},
		Hint{"http-timeout", "waits for the answer to an HTTP request {place}: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"select",
		[]string{"net/http.body.Read\n", "net/http.bodyEOFSignal.Read\n"},
		Hint{"http-timeout", "reads the body of an HTTP response {place} that does not end: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"IO wait",
		[]string{"net/http.body.Read\n", "net/http.response.Write\n"},
		Hint{"http-server", "reads from or writes to a client that does not answer {place}: set ReadTimeout and WriteTimeout of the server, or deadlines by http.ResponseController"},
	},
	{
		"IO wait",
		[]string{"net/http.conn.serve\n"},
		Hint{"http-server", "connections that clients keep open: set ReadHeaderTimeout and IdleTimeout of the server"},
	},
	{
		"IO wait",
		[]string{"net.conn.Read\n", "net.conn.Write\n", "crypto/tls.Conn.Read\n", "crypto/tls.Conn.Write\n", "net.UDPConn.Read"},
		Hint{"network", "reads from or writes to a connection without a deadline {place}: the other side is silent; set deadlines, or close the connection when its user is done"},
	},
}

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
