package stack

// reach says what may be between the leaf and a function that explains a wait. Functions
// of the standard library always may.
type reach uint8

const (
	// samePackage allows no other package.
	samePackage reach = 1 << iota
	// throughLibraries allows libraries.
	throughLibraries
	// connections allows wrappers of a connection while it is read or written.
	connections
)

// explanations are the waits that a function on the stack explains better than the
// operation does, at most 64. The first that matches counts; one without a sentence
// means that there is no hint. ops are its operations, separated by "|"; empty: any. A
// part is the beginning of a canonical name, or with a newline the whole name.
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

// explanationMasks are the explanations with each reach, and those for certain operations
// only, as sets of bits.
var explanationMasks = func() (b struct{ samePackage, libraries, connections, ofOps uint64 }) {
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

// hintOfOperation has the hints for waits in the user's own code.
var hintOfOperation = map[string]Hint{
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
