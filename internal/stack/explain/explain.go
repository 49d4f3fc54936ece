// Package explain has what usually causes a leak, by the functions on the stack and by the
// operation that blocks. It is data; internal/stack finds out which of it fits.
package explain

// Hint says what usually causes a leak with such a stack.
type Hint struct {
	// Kind names the page in docs/leaks.
	Kind string
	// Sentence says what probably happened and what to do, without a full stop.
	Sentence string
}

// Reach says what may be between the leaf and a function that explains a wait. Functions of the
// standard library are always allowed.
type Reach uint8

const (
	// SamePackage allows no other package.
	SamePackage Reach = 1 << iota
	// ThroughLibraries allows libraries.
	ThroughLibraries
	// Connections allows wrappers of a connection while it is read or written.
	Connections
)

// Explanations are functions on the stack that explain a wait better than the operation does,
// at most 64. The first that matches counts; one without a sentence means that there is no
// hint. Ops are its operations, separated by "|"; empty: any. A part is the beginning of a
// canonical name, or with a newline the whole name.
var Explanations = []struct {
	Ops   string
	Reach Reach
	Parts []string
	Hint  Hint
}{
	{"", ThroughLibraries, []string{"os/signal.loop\n", "net/http.Server.Serve\n", "net.TCPListener.Accept", "net.UnixListener.Accept", "net/http.Server.ListenAndServe"}, Hint{}},
	{
		"", SamePackage,
		[]string{"io.pipe.read\n", "io.pipe.write\n", "io.PipeReader.", "io.PipeWriter."},
		Hint{"io-pipe", "one end of an io.Pipe {place}, whose other end was left without closing it: close both, with CloseWithError on failure"},
	},
	{
		"", SamePackage,
		[]string{"net.Dialer.", "net.Resolver.", "net.Dial\n", "net.DialTimeout\n", "net.Lookup", "net.sysDialer."},
		Hint{"network", "looks up a name or dials {place} without an answer: give it a context with a deadline, or set the Timeout of the net.Dialer"},
	},
	{
		"", ThroughLibraries | Connections,
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
		"select|chan receive", SamePackage,
		[]string{"database/sql.DB.conn\n", "database/sql.DB.Query", "database/sql.DB.Exec", "database/sql.DB.Begin", "database/sql.DB.Conn\n", "database/sql.DB.Ping"},
		Hint{"sql", "waits for a free connection of the database pool {place}: others are not given back (rows, transactions), or the pool is too small for the work"},
	},
	{
		"", ThroughLibraries,
		[]string{"github.com/redis/go-redis/v9.channel.", "github.com/redis/go-redis/v8.channel.", "github.com/go-redis/redis/v8.channel.", "github.com/redis/go-redis/v9.PubSub.", "github.com/gomodule/redigo/redis.PubSubConn.", "github.com/nats-io/nats.go.Conn.waitForMsgs\n"},
		Hint{"subscription", "a subscription that is not closed: who subscribes must also unsubscribe, on every way out"},
	},
	{
		"", ThroughLibraries,
		[]string{"google.golang.org/grpc.newClientStreamWithParams.func\n"},
		Hint{"grpc", "a gRPC stream that is neither read to its end nor cancelled: cancel its context on every way out"},
	},
	{
		"", ThroughLibraries | Connections,
		[]string{
			"google.golang.org/grpc/internal/transport.http2Server.HandleStreams\n", "google.golang.org/grpc/internal/transport.http2Server.keepalive\n",
			"google.golang.org/grpc/internal/transport.NewServerTransport.func\n", "google.golang.org/grpc/internal/transport.newHTTP2Server.func\n",
			"google.golang.org/grpc/transport.http2Server.HandleStreams\n", "google.golang.org/grpc/transport.http2Server.keepalive\n",
			"google.golang.org/grpc/transport.http2Server.controller\n", "google.golang.org/grpc/transport.newHTTP2Server.func\n",
		},
		Hint{"grpc", "a gRPC connection that a client keeps open: set keepalive.ServerParameters of the server (MaxConnectionIdle, Time), and close clients after their use"},
	},
	{
		"", ThroughLibraries,
		[]string{"google.golang.org/grpc.serverStream.", "google.golang.org/grpc.GenericServerStream."},
		Hint{"grpc", "waits for the client of a gRPC stream {place}: return when the stream's context is done, and set keepalive.ServerParameters of the server"},
	},
	{
		"", ThroughLibraries,
		[]string{
			"google.golang.org/grpc.Invoke\n", "google.golang.org/grpc.invoke\n", "google.golang.org/grpc.ClientConn.Invoke\n", "google.golang.org/grpc.ClientConn.NewStream\n",
			"google.golang.org/grpc.newClientStream\n", "google.golang.org/grpc.clientStream.", "google.golang.org/grpc.GenericClientStream.",
		},
		Hint{"grpc", "waits for the answer to a gRPC call {place}: give the call a context with a deadline"},
	},
	{
		"", ThroughLibraries | Connections,
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
		Hint{"grpc", "a gRPC client connection that stays: one is dialled again and again and never closed; dial once for all calls, or Close each"},
	},
	{
		"", ThroughLibraries | Connections,
		[]string{"google.golang.org/grpc/internal/transport.loopyWriter.run\n", "google.golang.org/grpc/transport.loopyWriter.run\n", "google.golang.org/grpc/transport.loopyWriter\n"},
		Hint{"grpc", "a gRPC connection that stays open: close each client connection, and set keepalive.ServerParameters of the server (MaxConnectionIdle, Time)"},
	},
	{
		"", 0,
		[]string{"os/signal.NotifyContext.func\n", "os/signal.signalCtx."},
		Hint{"context", "a context of signal.NotifyContext that is never released: call the stop function that it returns on every way out, or make one for the whole program"},
	},
	{
		"coroutine", 0,
		[]string{"iter.Pull.func\n", "iter.Pull2.func\n", "iter.Pull\n", "iter.Pull2\n"},
		Hint{"iterator", "an iterator of iter.Pull that is neither read to its end nor stopped {place}: defer stop() after each iter.Pull"},
	},
	{
		"select|chan receive", SamePackage,
		[]string{"golang.org/x/sync/semaphore.Weighted.Acquire\n"},
		Hint{"semaphore", "waits for a place in a semaphore {place}: whoever has one does not Release it on every way out, or is stuck; defer Release, and give Acquire a context with a deadline"},
	},
	{
		"sync.WaitGroup.Wait|semacquire|chan receive", SamePackage,
		[]string{"golang.org/x/sync/singleflight.Group.Do\n"},
		Hint{"waitgroup", "waits {place} for the one call of singleflight that is under way and does not return: give the function that it calls a deadline, or use DoChan and a select on the context's Done"},
	},
	{
		"", 0,
		[]string{"context.cancelCtx.propagateCancel.func\n", "context.propagateCancel.func\n"},
		Hint{"context", "a context derived from one of a type of its own, and never cancelled: call the cancel function on every way out"},
	},
	{
		"select|IO wait|sync.Cond.Wait", ThroughLibraries | Connections,
		[]string{"net/http.bodyEOFSignal.Read\n", "net/http.transportResponseBody.Read\n", "golang.org/x/net/http2.transportResponseBody.Read\n"},
		Hint{"http-timeout", "reads the body of an HTTP response {place} that does not end: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"select", 0,
		[]string{"net/http.Client.", "net/http.Transport.RoundTrip\n", "net/http.persistConn.roundTrip\n", "net/http.Get\n", "net/http.Post\n", "net/http.PostForm\n", "net/http.Head\n"},
		Hint{"http-timeout", "waits for the answer to an HTTP request {place}: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"select", ThroughLibraries,
		[]string{"golang.org/x/net/http2.ClientConn.RoundTrip\n", "golang.org/x/net/http2.ClientConn.roundTrip\n", "golang.org/x/net/http2.Transport.RoundTrip"},
		Hint{"http-timeout", "waits for the answer to an HTTP request {place}: give the request a context with a deadline, or the client a Timeout"},
	},
	{
		"IO wait", Connections,
		[]string{"net/http.body.Read\n", "net/http.response.Write\n"},
		Hint{"http-server", "reads from or writes to a client that does not answer {place}: set ReadTimeout and WriteTimeout of the server, or deadlines by http.ResponseController"},
	},
	{
		"select|sync.Cond.Wait", ThroughLibraries,
		[]string{
			"net/http.requestBody.Read\n", "net/http.responseWriter.Write\n", "net/http.responseWriter.Flush",
			"golang.org/x/net/http2.requestBody.Read\n", "golang.org/x/net/http2.responseWriter.Write\n", "golang.org/x/net/http2.responseWriter.Flush",
		},
		Hint{"http-server", "reads from or writes to a client that does not answer {place}: set ReadTimeout and WriteTimeout of the server, or deadlines by http.ResponseController"},
	},
	{
		"", ThroughLibraries | Connections,
		[]string{"net/http.serverConn.serve\n", "net/http.serverConn.readFrames\n", "net/http.serverConn.readPreface", "golang.org/x/net/http2.serverConn.serve\n", "golang.org/x/net/http2.serverConn.readFrames\n", "golang.org/x/net/http2.serverConn.readPreface"},
		Hint{"http-server", "connections that clients keep open over HTTP/2: set IdleTimeout of the server"},
	},
	{
		"IO wait", Connections,
		[]string{"net/http.conn.serve\n"},
		Hint{"http-server", "connections that clients keep open: set ReadHeaderTimeout and IdleTimeout of the server"},
	},
	{
		"IO wait", ThroughLibraries | Connections,
		[]string{"net.conn.Read\n", "net.conn.Write\n", "crypto/tls.Conn.Read\n", "crypto/tls.Conn.Write\n", "net.UDPConn.Read"},
		Hint{"network", "reads from or writes to a connection without a deadline {place}: the other side is silent; set deadlines, or close the connection when its user is done"},
	},
	{
		"IO wait|syscall", ThroughLibraries | Connections,
		[]string{"os.File.Read\n", "os.File.Write\n", "os.File.ReadFrom\n"},
		Hint{"exec", "reads from or writes to a pipe or device that stays silent {place}: let what is at the other end finish (exec.CommandContext with the caller's context), close the file, or set its deadline"},
	},
}

// Masks are the explanations with each reach, and those for certain operations only, as sets of
// bits.
var Masks = func() (b struct{ SamePackage, Libraries, Connections, OfOps uint64 }) {
	for i, e := range Explanations {
		bit := uint64(1) << i
		for _, r := range []struct {
			is   bool
			bits *uint64
		}{{e.Reach&SamePackage != 0, &b.SamePackage}, {e.Reach&ThroughLibraries != 0, &b.Libraries}, {e.Reach&Connections != 0, &b.Connections}, {e.Ops != "", &b.OfOps}} {
			if r.is {
				*r.bits |= bit
			}
		}
	}
	return b
}()

// OfOperation has the hints for waits in the user's own code. Each is true whether the
// goroutines wait for good or something wakes them now and then.
var OfOperation = map[string]Hint{
	"chan send":           {"chan-send", "blocked sending on a channel {place}: the receiver probably returned first; give the channel a buffer of one, or select on the context's Done as well"},
	"chan receive":        {"chan-receive", "keeps receiving from a channel that nobody closes {place}: close it when the last sender is done, or select on the context's Done as well; stopping a time.Ticker closes no channel"},
	"select":              {"select", "stays in a select that no case ends {place}: add a case for the context's Done, or for a channel that is closed at the end, and make sure that somebody cancels or closes it"},
	"select (no cases)":   {"select-forever", "blocked for ever by a select without cases {place}: whoever starts it adds one each time"},
	"sync.Mutex.Lock":     {"mutex", "waits for a lock {place} that is not released: its holder is blocked itself, or returned without Unlock"},
	"sync.RWMutex.Lock":   {"mutex", "waits for a write lock {place} that is not released: a holder is blocked itself, or returned without RUnlock or Unlock"},
	"sync.RWMutex.RLock":  {"mutex", "waits for a read lock {place}: a writer holds the lock or waits for it, blocked by a holder that does not release it"},
	"sync.WaitGroup.Wait": {"waitgroup", "waits for a WaitGroup {place}: a goroutine it counts leaks itself, or ends without Done; look for the stack that grows along with this one"},
	"sync.Cond.Wait":      {"cond", "waits for a condition {place} that nobody signals: who changes the state must call Signal or Broadcast, when shutting down, too"},
	"sleep":               {"sleep", "sleeps in a loop {place} that has no end: wait on a timer and the context's Done in a select instead"},
	"coroutine":           {"iterator", "an iterator of iter.Pull that is neither read to its end nor stopped {place}: defer stop() after each iter.Pull"},
}

// OfCall has the hints for calls of the user's code into a library that do not return.
// {call} is the called function.
var OfCall = map[string]Hint{
	"chan send":          {"library", "{call} does not return {place}: it hands something over that nobody takes; receive it or end its receiver's work first, and give the call a context with a deadline"},
	"chan receive":       {"library", "{call} does not return {place}: what it waits for does not come; give it a context with a deadline, or close or cancel what it waits on when its user is done"},
	"select":             {"library", "{call} does not return {place}: it waits, or tries again, without an end; give it a context with a deadline or a limit of retries, or close what it waits on when its user is done"},
	"sync.Cond.Wait":     {"library", "{call} does not return {place}: what it waits for does not come; close or stop what it waits on when its user is done, or give it a deadline"},
	"sleep":              {"library", "{call} does not return {place}: it tries again without an end; give it a limit of retries, or a context with a deadline"},
	"IO wait":            {"network", "{call} does not return {place}: the other side is silent; set its timeout, give it a context with a deadline, or close the connection when its user is done"},
	"semacquire":         {"mutex", "{call} waits {place} for a lock or a place that is not given back: its holder is blocked itself, or returned without releasing it"},
	"sync.Mutex.Lock":    {"mutex", "{call} waits {place} for a lock inside the library: another goroutine holds it and is blocked itself, as by an iterator left early or a callback; let that one finish"},
	"sync.RWMutex.Lock":  {"mutex", "{call} waits {place} for a lock inside the library: another goroutine holds it and is blocked itself, as by an iterator left early or a callback; let that one finish"},
	"sync.RWMutex.RLock": {"mutex", "{call} waits {place} for a lock inside the library: another goroutine holds it and is blocked itself, as by an iterator left early or a callback; let that one finish"},
}

// Hints for goroutines that run only in a library. They address its callers. {library} is its
// module with the version, as far as known.
var (
	// OfOwned is for goroutines that a library runs besides the requested work.
	OfOwned = Hint{"library", "each {object} of {library} starts a goroutine: create one and reuse it, or call its Close, Stop, Shutdown or cancel when its user is done; where that does not end the goroutine, only reuse or an upgrade helps"}
	// OfLibrary is for operations that certainly block a library's goroutine.
	OfLibrary = map[string]Hint{
		"chan send":          {"library", "{library} hands over a value that nobody receives any more: read its channel or iterator to the end, or cancel or close it when you stop early or time out; if you do that already, upgrade"},
		"sync.Mutex.Lock":    {"mutex", "a goroutine of {library} waits for a lock inside it: its holder is blocked itself, as by an iterator left early or a callback; let that one finish, or upgrade"},
		"sync.RWMutex.Lock":  {"mutex", "a goroutine of {library} waits for a lock inside it: its holder is blocked itself, as by an iterator left early or a callback; let that one finish, or upgrade"},
		"sync.RWMutex.RLock": {"mutex", "a goroutine of {library} waits for a lock inside it: its holder is blocked itself, as by an iterator left early or a callback; let that one finish, or upgrade"},
	}
	// OfConnection is for a library that reads from a connection.
	OfConnection = Hint{"network", "a goroutine of {library} waits for a silent peer: set the client's timeouts (read, write, idle), create one client and reuse it, and close it when its user is done; if you do that already, upgrade"}
	// OfLibraryPipe is for a library that reads from or writes to an io.Pipe.
	OfLibraryPipe = Hint{"io-pipe", "a goroutine of {library} serves a pipe whose other end you hold: Close the reader or writer that you got from it on every way out"}
)

// OfProgram is for programs that somebody else has released. It addresses who runs them, not who
// writes them. {program} is the main module.
var OfProgram = Hint{"program", "{program} is not your code: look for clients that open connections, streams or watches and neither close nor cancel them, upgrade to its latest release, or report this profile to its authors"}
