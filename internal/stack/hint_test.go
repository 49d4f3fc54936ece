package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack/explain"
)

func TestHint(t *testing.T) {
	for name, tc := range map[string]struct {
		rec  collector.Record
		kind string // empty: nothing to say
		text string
	}{
		"log handler":            {goroutine("", join(send, []string{"main.logHandler.func1"})...), "chan-send", "in a closure of logHandler: the receiver probably returned first"},
		"method":                 {goroutine("chan receive", "app/q.(*Queue[...]).Pop", "main.main"), "chan-receive", "in Queue.Pop:"},
		"nil channel":            {goroutine("chan receive (nil chan)", "main.wait"), "nil-channel", "nil channel in wait"},
		"for ever":               {goroutine("select (no cases)", "main.run.func1"), "select-forever", "in a closure of run"},
		"lock":                   {goroutine("sync.Mutex.Lock", "sync.(*Mutex).Lock", "main.run"), "mutex", "waits for a lock in run"},
		"group":                  {goroutine("semacquire", "sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.run"), "waitgroup", ""},
		"sleep":                  {goroutine("sleep", "time.Sleep", "main.poll"), "sleep", ""},
		"client":                 {goroutine("select", "net/http.(*persistConn).roundTrip", "net/http.(*Transport).roundTrip", "net/http.(*Client).Do", "main.fetch"), "http-timeout", "in fetch"},
		"idle client connection": {goroutine("IO wait", "internal/poll.runtime_pollWait", "net.(*conn).Read", "bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop"), "http-client", ""},
		"idle server connection": {goroutine("IO wait", "internal/poll.runtime_pollWait", "net.(*conn).Read", "bufio.(*Reader).Peek", "net/http.(*conn).serve"), "http-server", ""},
		"handler":                {goroutine("chan send", append([]string{"main.cart"}, handler...)...), "chan-send", "in cart"},
		"command":                {goroutine("syscall", "syscall.Syscall6", "os.(*Process).Wait", "os/exec.(*Cmd).Wait", "os/exec.(*Cmd).Run", "main.convert"), "exec", "in convert"},
		"output of a command":    {goroutine("IO wait", "internal/poll.runtime_pollWait", "os.(*File).Read", "io.copyBuffer", "os/exec.(*Cmd).writerDescriptor.func1", "os/exec.(*Cmd).Start.func2"), "exec", ""},
		"transaction":            {goroutine("select", "database/sql.(*Tx).awaitDone"), "sql", "tx.Rollback()"},
		"pool":                   {goroutine("select", "database/sql.(*DB).conn", "database/sql.(*DB).query", "database/sql.(*DB).QueryContext", "main.find"), "sql", "in find"},
		"subscription":           {goroutine("select", "github.com/redis/go-redis/v9.(*channel).initMsgChan.func1"), "subscription", ""},
		"pipe":                   {goroutine("select", "io.(*pipe).write", "io.(*PipeWriter).Write", "main.encode"), "io-pipe", "in encode"},

		"call of a library": {goroutine("chan receive", "net/rpc.(*Client).Call", "main.ask"), "library", "rpc.(*Client).Call does not return in ask"},
		"iterator":          {goroutine("coroutine", "runtime.coroswitch", "iter.Pull[...].func1", "main.walk"), "iterator", "defer stop()"},
		"semaphore":         {goroutine("select", "golang.org/x/sync/semaphore.(*Weighted).Acquire", "main.render"), "semaphore", "in render"},
		"singleflight":      {goroutine("sync.WaitGroup.Wait", "sync.(*WaitGroup).Wait", "golang.org/x/sync/singleflight.(*Group).Do", "main.show"), "waitgroup", "singleflight"},
		"signal context":    {goroutine("select", "os/signal.NotifyContext.func1"), "context", "stop function"},
		"output of a pipe":  {goroutine("IO wait", "internal/poll.runtime_pollWait", "os.(*File).Read", "bufio.(*Scanner).Scan", "main.follow"), "exec", "in follow"},
		"library, sending":  {goroutine("chan send", "github.com/nats-io/nats.go.(*Conn).publish.func1"), "library", "github.com/nats-io/nats.go hands over a value"},
		"library, reading":  {goroutine("IO wait", "internal/poll.runtime_pollWait", "net.(*conn).Read", "github.com/rabbitmq/amqp091-go.(*reader).ReadFrame", "github.com/rabbitmq/amqp091-go.(*Connection).reader"), "network", "waits for a silent peer"},

		"running":          {goroutine("running", "main.compute"), "", ""},
		"signals":          {goroutine("syscall", "os/signal.signal_recv", "os/signal.loop"), "", ""},
		"listener":         {goroutine("IO wait", "internal/poll.runtime_pollWait", "net.(*TCPListener).Accept", "net/http.(*Server).Serve", "main.main"), "", ""},
		"inside a library": {goroutine("select", "go.opentelemetry.io/otel/sdk/trace.(*batchSpanProcessor).processQueue"), "library", "each client or other object of go.opentelemetry.io starts a goroutine"},
		"a system call":    {goroutine("syscall", "syscall.Syscall", "main.run"), "", ""},
		"nothing":          {goroutine("chan send"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, ok := NewHints("").Of(only(t, tc.rec, formatOf(tc.rec)))
			require.Equal(t, tc.kind != "", ok, "%v", h)
			require.Equal(t, tc.kind, h.Kind)
			require.Contains(t, h.Sentence, tc.text)
		})
	}
}

// The frames of a released program would make a hint for its authors.
func TestHintForAReleasedProgram(t *testing.T) {
	frames := []collector.Frame{{Func: "go.etcd.io/etcd/etcdserver/api/v3rpc.(*serverWatchStream).sendLoop", File: "go.etcd.io/etcd/etcdserver/api/v3rpc/watch.go", Line: 408}}
	h, ok := HintFor("", "select", "", frames)
	require.True(t, ok)
	require.Contains(t, h.Sentence, "add a case for the context's Done")
	h, ok = HintFor("go.etcd.io/etcd", "select", "", frames)
	require.True(t, ok)
	require.Equal(t, "program", h.Kind)
	require.Contains(t, h.Sentence, "go.etcd.io/etcd is not your code: look for clients")
}

// The file of main tells whose program it is.
func TestProgram(t *testing.T) {
	main := func(file string) *Snapshot {
		return calls(at("main.work"), []*collector.Frame{{Func: "main.run", File: file}, {Func: "main.main", File: file}})
	}
	relay, shop := main("/root/go/pkg/mod/github.com/acme/relay@v1.2.0/main.go"), main("/src/shop/main.go")
	etcd, work := main("go.etcd.io/etcd/server/main.go"), calls(at("main.work"))
	for name, tc := range map[string]struct {
		snapshots []*Snapshot
		want      string
	}{
		"released":            {[]*Snapshot{relay}, "github.com/acme/relay v1.2.0"},
		"the user's own":      {[]*Snapshot{shop}, ""},
		"main is on no stack": {[]*Snapshot{work}, ""},
		"main is on one":      {[]*Snapshot{nil, work, etcd, {}}, "go.etcd.io/etcd"},
		"twice the same":      {[]*Snapshot{etcd, etcd}, "go.etcd.io/etcd"},
		"two that differ":     {[]*Snapshot{etcd, relay}, "go.etcd.io/etcd"},
		"one is the user's":   {[]*Snapshot{etcd, shop}, ""},
		"the first is":        {[]*Snapshot{shop, etcd}, ""},
		"none":                {nil, ""},
	} {
		require.Equal(t, tc.want, ProgramOf(tc.snapshots...), name)
	}
}

// The dumps of several pods may be added up to one snapshot.
func TestProgramOfASum(t *testing.T) {
	b := NewBuilder()
	for line, file := range []string{"go.etcd.io/etcd/server/main.go", "go.etcd.io/etcd/server/main.go", "/src/shop/main.go"} {
		require.NoError(t, b.Add(collector.FormatDebug2, &collector.Record{Count: 1, State: "chan receive", Frames: []*collector.Frame{{Func: "main.main", File: file, Line: 9 + line}}}))
	}
	s := b.Snapshot(&collector.Profile{})
	require.Len(t, s.Stacks, 1, "their signature is the same")
	require.Empty(t, ProgramOf(s))
}

// The hint is about what blocks: the leaf and the frames next to it. A function further away
// explains nothing if it called other code that blocks.
func TestHintIsAboutTheLeaf(t *testing.T) {
	read := []string{"internal/poll.runtime_pollWait", "internal/poll.(*pollDesc).wait", "internal/poll.(*FD).Read", "net.(*netFD).Read", "net.(*conn).Read"}
	client := []string{"net/http.send", "net/http.(*Client).send", "net/http.(*Client).do", "net/http.(*Client).Do", "example.org/edge/fetch.(*Fetcher).get"}
	query := []string{"database/sql.(*DB).QueryContext", "example.org/shop/store.(*Orders).Find"}
	serve := []string{"net/http.HandlerFunc.ServeHTTP", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve"}
	frames := []string{"golang.org/x/net/http2.readFrameHeader", "golang.org/x/net/http2.(*Framer).ReadFrame"}
	for name, tc := range map[string]struct {
		state  string
		frames []string
		kind   string // empty: nothing to say
		text   string
	}{
		// The user's code, or a library, below a function that explains other waits.
		"a RoundTripper's own select":      {"select", join([]string{"example.org/edge/limit.(*Transport).RoundTrip"}, client), "select", "in Transport.RoundTrip"},
		"a RoundTripper's own sleep":       {"sleep", join([]string{"time.Sleep", "example.org/edge/limit.(*Transport).RoundTrip"}, client), "sleep", "in Transport.RoundTrip"},
		"a RoundTripper of a library":      {"select", join([]string{"golang.org/x/time/rate.(*Limiter).wait", "golang.org/x/time/rate.(*Limiter).Wait"}, client), "library", "http.(*Client).Do does not return in Fetcher.get"},
		"a dial function":                  {"chan receive", join([]string{"example.org/edge.(*Dialer).Dial", "database/sql.(*DB).conn"}, query), "chan-receive", "in Dialer.Dial"},
		"a driver":                         {"select", join([]string{"example.org/driver.(*Conn).wait", "database/sql.(*DB).conn"}, query), "select", "in Conn.wait"},
		"a driver of a library":            {"select", join([]string{"github.com/jackc/pgx/v5.(*Conn).wait", "database/sql.(*DB).conn"}, query), "library", "sql.(*DB).QueryContext does not return in Orders.Find"},
		"a name, below a pool":             {"select", join([]string{"net.(*Resolver).lookupIPAddr", "net.(*Dialer).DialContext", "github.com/go-sql-driver/mysql.(*connector).Connect", "database/sql.(*DB).conn"}, query), "network", "looks up a name or dials in Orders.Find"},
		"a dial, below a pool":             {"IO wait", join([]string{"internal/poll.runtime_pollWait", "net.(*netFD).connect", "net.(*sysDialer).doDialTCP", "net.(*Dialer).DialContext", "github.com/lib/pq.DialOpen", "database/sql.(*DB).conn"}, query), "network", "dials in Orders.Find"},
		"a lock of the pool itself":        {"sync.Mutex.Lock", join([]string{"sync.(*Mutex).Lock", "database/sql.(*DB).conn"}, query), "", ""},
		"a Writer below a command":         {"sync.Mutex.Lock", []string{"sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "example.org/edge/logw.(*Writer).Write", "io.copyBuffer", "io.Copy", "os/exec.(*Cmd).writerDescriptor.func1", "os/exec.(*Cmd).Start.func2"}, "mutex", "in Writer.Write"},
		"a Writer of a library, below one": {"sync.Mutex.Lock", []string{"sync.(*Mutex).Lock", "go.uber.org/zap/zapcore.(*lockedWriteSyncer).Write", "io.Copy", "os/exec.(*Cmd).writerDescriptor.func1", "os/exec.(*Cmd).Start.func2"}, "mutex", "a goroutine of go.uber.org waits for a lock"},
		"a pipe below a command":           {"select", []string{"io.(*pipe).write", "io.(*PipeWriter).Write", "io.copyBuffer", "io.Copy", "os/exec.(*Cmd).writerDescriptor.func1", "os/exec.(*Cmd).Start.func2"}, "io-pipe", ""},
		"a sink below a pipe":              {"chan send", []string{"example.org/edge/tee.(*Sink).Write", "io.(*multiWriter).Write", "io.(*PipeReader).WriteTo", "io.Copy", "main.copy"}, "chan-send", "in Sink.Write"},
		"a listener":                       {"chan receive", []string{"example.org/edge/lim.(*Listener).Accept", "net/http.(*Server).Serve", "example.org/edge.Run"}, "chan-receive", "in Listener.Accept"},
		"a listener of a library":          {"select", []string{"golang.org/x/net/netutil.(*limitListener).acquire", "golang.org/x/net/netutil.(*limitListener).Accept", "net/http.(*Server).Serve", "example.org/edge.Run"}, "", ""},
		"a backend, below a handler":       {"IO wait", join(read, []string{"example.org/edge.(*Peer).ask"}, serve), "network", "in Peer.ask"},
		"a database, below a handler":      {"IO wait", join(read, []string{"github.com/go-sql-driver/mysql.(*buffer).fill", "github.com/go-sql-driver/mysql.(*mysqlConn).readPacket", "database/sql.(*DB).query"}, query, serve), "network", "in Orders.Find"},
		"a body, below a handler":          {"IO wait", join(read, []string{"net/http.(*connReader).Read", "bufio.(*Reader).Read", "net/http.(*body).Read", "io.ReadAll", "main.upload"}, serve), "http-server", "in upload"},
		"a client's body, below a handler": {"IO wait", join(read, []string{"net/http.(*persistConn).Read", "bufio.(*Reader).Read", "net/http.(*body).readLocked", "net/http.(*body).Read", "net/http.(*bodyEOFSignal).Read", "io.ReadAll", "main.fetch"}, serve), "http-timeout", "in fetch"},
		"a client, below a handler":        {"select", join([]string{"net/http.(*persistConn).roundTrip", "net/http.(*Transport).roundTrip", "net/http.(*Transport).RoundTrip"}, client, serve), "http-timeout", "in Fetcher.get"},
		"a client through a library":       {"select", join([]string{"net/http.(*persistConn).roundTrip", "net/http.(*Transport).RoundTrip", "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp.(*Transport).RoundTrip"}, client), "http-timeout", "in Fetcher.get"},
		"a wrapper of a connection":        {"IO wait", join(read, []string{"example.org/edge/count.(*Conn).Read", "bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop"}), "http-client", ""},
		"a wrapper that blocks":            {"chan receive", []string{"example.org/edge/count.(*Conn).Read", "bufio.(*Reader).Peek", "net/http.(*persistConn).readLoop"}, "chan-receive", "in Conn.Read"},
		"a wrapper on a server":            {"IO wait", join(read, []string{"example.org/edge/count.(*Conn).Read", "net/http.(*connReader).Read", "bufio.(*Reader).Peek", "net/http.(*conn).serve"}), "http-server", "keep open"},
		"an input of a command":            {"IO wait", join(read, []string{"example.org/edge.(*body).Read", "io.Copy", "os/exec.(*Cmd).stdin.func1", "os/exec.(*Cmd).Start.func2"}), "network", ""},
		"a group of a library":             {"sync.WaitGroup.Wait", []string{"sync.(*WaitGroup).Wait", "golang.org/x/sync/errgroup.(*Group).Wait", "main.all"}, "waitgroup", "in all"},
		"a channel of a library":           {"chan receive", []string{"go.temporal.io/sdk/internal.(*coroutineState).yield", "example.org/app.execute"}, "library", "internal.(*coroutineState).yield does not return in execute"},
		"once":                             {"chan receive", []string{"example.org/app.load", "sync.(*Once).doSlow", "sync.(*Once).Do", "example.org/app.run"}, "chan-receive", "in load"},
		"a lock in once":                   {"sync.Mutex.Lock", []string{"sync.(*Mutex).Lock", "sync.(*Once).doSlow", "sync.(*Once).Do", "example.org/app.run"}, "mutex", "in run"},

		// HTTP/2 and gRPC.
		"HTTP/2 client":              {"IO wait", join(read, []string{"crypto/tls.(*Conn).Read", "bufio.(*Reader).Read", "io.ReadAtLeast", "io.ReadFull"}, frames, []string{"golang.org/x/net/http2.(*clientConnReadLoop).run", "golang.org/x/net/http2.(*ClientConn).readLoop"}), "http-client", ""},
		"HTTP/2 client, bundled":     {"IO wait", join(read, []string{"io.ReadFull", "net/http.http2readFrameHeader", "net/http.(*http2Framer).ReadFrame", "net/http.(*http2clientConnReadLoop).run", "net/http.(*http2ClientConn).readLoop"}), "http-client", ""},
		"HTTP/2 client, Go 1.27":     {"IO wait", join(read, []string{"io.ReadFull", "net/http/internal/http2.readFrameHeader", "net/http/internal/http2.(*clientConnReadLoop).run", "net/http/internal/http2.(*ClientConn).readLoop"}), "http-client", ""},
		"HTTP/2 stream":              {"select", []string{"net/http.(*http2clientStream).writeRequest", "net/http.(*http2clientStream).doRequest"}, "http-client", ""},
		"HTTP/2 request":             {"select", join([]string{"net/http.(*http2ClientConn).RoundTrip", "net/http.(*http2Transport).RoundTripOpt", "net/http.(*Transport).RoundTrip"}, client), "http-timeout", "in Fetcher.get"},
		"HTTP/2 request, x/net":      {"select", join([]string{"golang.org/x/net/http2.(*ClientConn).roundTrip", "golang.org/x/net/http2.(*Transport).RoundTripOpt"}, client), "http-timeout", ""},
		"HTTP/2 server":              {"select", []string{"net/http.(*http2serverConn).serve", "net/http.(*http2Server).ServeConn", "net/http.http2ConfigureServer.func1", "net/http.(*conn).serve"}, "http-server", "IdleTimeout"},
		"HTTP/2 server, reader":      {"IO wait", join(read, []string{"crypto/tls.(*Conn).Read", "io.ReadFull", "net/http.http2readFrameHeader", "net/http.(*http2Framer).ReadFrame", "net/http.(*http2serverConn).readFrames"}), "http-server", "IdleTimeout"},
		"HTTP/2 server, x/net":       {"select", []string{"golang.org/x/net/http2.(*serverConn).serve", "golang.org/x/net/http2.(*Server).ServeConn", "golang.org/x/net/http2/h2c.h2cHandler.ServeHTTP"}, "http-server", "IdleTimeout"},
		"HTTP/2 body":                {"sync.Cond.Wait", []string{"sync.(*Cond).Wait", "net/http.(*http2pipe).Read", "net/http.(*http2requestBody).Read", "io.ReadAll", "main.upload"}, "http-server", "in upload"},
		"HTTP/2 response":            {"sync.Cond.Wait", []string{"sync.(*Cond).Wait", "net/http.(*http2pipe).Read", "net/http.http2transportResponseBody.Read", "io.ReadAll", "main.fetch"}, "http-timeout", "in fetch"},
		"HTTP/2 handler":             {"chan send", []string{"main.cart", "net/http.HandlerFunc.ServeHTTP", "net/http.(*http2serverConn).runHandler"}, "chan-send", "in cart"},
		"gRPC server":                {"IO wait", join(read, frames, []string{"google.golang.org/grpc/internal/transport.(*framer).readFrame", "google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams", "google.golang.org/grpc.(*Server).serveStreams"}), "grpc", "MaxConnectionIdle"},
		"gRPC server, old":           {"IO wait", join([]string{"net.runtime_pollWait", "net.(*pollDesc).Wait", "net.(*netFD).Read", "net.(*conn).Read"}, frames, []string{"google.golang.org/grpc/transport.(*framer).readFrame", "google.golang.org/grpc/transport.(*http2Server).HandleStreams"}), "grpc", "MaxConnectionIdle"},
		"gRPC server, controller":    {"select", []string{"google.golang.org/grpc/transport.(*http2Server).controller"}, "grpc", "MaxConnectionIdle"},
		"gRPC server, writer":        {"select", []string{"google.golang.org/grpc/internal/transport.(*controlBuffer).get", "google.golang.org/grpc/internal/transport.(*loopyWriter).run", "google.golang.org/grpc/internal/transport.NewServerTransport.func2"}, "grpc", "MaxConnectionIdle"},
		"gRPC client, writer":        {"select", []string{"google.golang.org/grpc/internal/transport.(*controlBuffer).get", "google.golang.org/grpc/internal/transport.(*loopyWriter).run", "google.golang.org/grpc/internal/transport.newHTTP2Client.func6"}, "grpc", "never closed"},
		"gRPC writer":                {"select", []string{"google.golang.org/grpc/internal/transport.(*controlBuffer).get", "google.golang.org/grpc/internal/transport.(*loopyWriter).run"}, "grpc", "stays open"},
		"gRPC client, reader":        {"IO wait", join(read, frames, []string{"google.golang.org/grpc/internal/transport.(*http2Client).reader"}), "grpc", "never closed"},
		"gRPC client, new":           {"IO wait", join(read, frames, []string{"google.golang.org/grpc/internal/transport.newHTTP2Client"}), "grpc", "never closed"},
		"gRPC balancer":              {"select", []string{"google.golang.org/grpc.(*ccBalancerWrapper).watcher"}, "grpc", "never closed"},
		"gRPC resolver":              {"select", []string{"google.golang.org/grpc/internal/resolver/dns.(*dnsResolver).watcher"}, "grpc", "never closed"},
		"gRPC balancer, old":         {"chan receive", []string{"google.golang.org/grpc.(*roundRobin).watchAddrUpdates", "google.golang.org/grpc.(*roundRobin).Start.func1"}, "grpc", "never closed"},
		"gRPC call":                  {"select", []string{"google.golang.org/grpc/internal/transport.(*recvBufferReader).readClient", "google.golang.org/grpc.(*clientStream).RecvMsg", "google.golang.org/grpc.invoke", "google.golang.org/grpc.(*ClientConn).Invoke", "example.org/api.(*client).Get"}, "grpc", "in client.Get"},
		"gRPC stream, on a server":   {"select", []string{"google.golang.org/grpc/internal/transport.(*recvBufferReader).read", "google.golang.org/grpc.(*serverStream).RecvMsg", "example.org/api.(*server).Watch"}, "grpc", "in server.Watch"},
		"below a gRPC interceptor":   {"chan send", []string{"example.org/api.auth", "google.golang.org/grpc.(*ClientConn).Invoke", "example.org/api.(*client).Get"}, "chan-send", "in auth"},
		"a handler of a gRPC method": {"chan receive", []string{"example.org/api.(*server).Get", "google.golang.org/grpc.(*Server).processUnaryRPC", "google.golang.org/grpc.(*Server).handleStream"}, "chan-receive", "in server.Get"},

		// All forms in which a dump shows a nil channel.
		"nil channel in a bubble":  {"chan receive (nil chan) (durable)", []string{"example.org/e.f"}, "nil-channel", "in f"},
		"nil channel, sent to":     {"chan send (nil chan) (scan)", []string{"example.org/e.f"}, "nil-channel", "in f"},
		"nil channel of a library": {"chan receive (nil chan)", []string{"go.temporal.io/sdk/internal.(*channelImpl).Receive", "example.org/app.execute"}, "library", "(*channelImpl).Receive does not return in execute"},
		"a channel in a bubble":    {"chan receive (durable)", []string{"example.org/e.f"}, "chan-receive", "in f"},
		"for ever in a bubble":     {"select (no cases) (durable)", []string{"example.org/e.f"}, "select-forever", "in f"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := goroutine(tc.state, tc.frames...)
			h, ok := NewHints("").Of(only(t, rec, formatOf(rec)))
			require.Equal(t, tc.kind != "", ok, "%v", h)
			require.Equal(t, tc.kind, h.Kind, "%v", h)
			require.Contains(t, h.Sentence, tc.text)
		})
	}
}

// debug=1 hides channel operations; there only the function at the leaf may show them.
func TestHintOfDebug1(t *testing.T) {
	for name, tc := range map[string]struct {
		frames []string
		op     string
		kind   string // empty: nothing to say
	}{
		"pool":                    {[]string{"database/sql.(*DB).conn", "database/sql.(*DB).query", "database/sql.(*DB).QueryContext", "github.com/jmoiron/sqlx.Get", "example.org/shop/store.(*Orders).Find"}, "", "sql"},
		"client":                  {[]string{"net/http.(*persistConn).roundTrip", "net/http.(*Transport).roundTrip", "net/http.(*Transport).RoundTrip", "net/http.send", "net/http.(*Client).Do", "main.fetch"}, "", "http-timeout"},
		"transaction":             {[]string{"database/sql.(*Tx).awaitDone"}, "", "sql"},
		"HTTP/2 server":           {[]string{"net/http.(*http2serverConn).serve", "net/http.(*http2Server).ServeConn", "net/http.(*conn).serve"}, "", "http-server"},
		"gRPC server, controller": {[]string{"google.golang.org/grpc/transport.(*http2Server).controller"}, "", "grpc"},
		"driver below the pool":   {[]string{"github.com/jackc/pgx/v5.(*Conn).wait", "database/sql.(*DB).conn", "main.find"}, "", ""},
		"RoundTripper":            {[]string{"example.org/edge/limit.(*Transport).RoundTrip", "net/http.send", "net/http.(*Client).Do", "main.fetch"}, "", ""},
		"own code":                {[]string{"main.wait"}, "", ""},

		// Go 1.8 and older.
		"old read":   {[]string{"net.runtime_pollWait", "net.(*pollDesc).Wait", "net.(*netFD).Read", "net.(*conn).Read", "main.read"}, "IO wait", "network"},
		"old accept": {[]string{"net.runtime_pollWait", "net.(*pollDesc).Wait", "net.(*netFD).accept", "net.(*TCPListener).AcceptTCP", "main.main"}, "IO wait", ""},
		"old cond":   {[]string{"sync.runtime_Syncsemacquire", "sync.(*Cond).Wait", "main.(*Stopper).Quiesce"}, "sync.Cond.Wait", "cond"},
		"old lock":   {[]string{"sync.runtime_Semacquire", "sync.(*Mutex).Lock", "main.(*Store).get"}, "sync.Mutex.Lock", "mutex"},
	} {
		t.Run(name, func(t *testing.T) {
			st := only(t, goroutine("", tc.frames...), collector.FormatDebug1)
			require.Equal(t, tc.op, st.Op)
			h, ok := NewHints("").Of(st)
			require.Equal(t, tc.kind != "", ok, "%v", h)
			require.Equal(t, tc.kind, h.Kind)
		})
	}
}

// Each kind has its page, and each page its kind.
func TestHintPages(t *testing.T) {
	kinds := map[string]bool{"nil-channel": true}
	sentences := func(h Hint) {
		if h.Sentence == "" {
			return
		}
		kinds[h.Kind] = true
		require.Less(t, len(h.Sentence), 220, "one sentence")
		require.False(t, strings.HasSuffix(h.Sentence, "."))
	}
	require.LessOrEqual(t, len(explain.Explanations), 64, "bits")
	for _, k := range explain.Explanations {
		sentences(k.Hint)
	}
	for _, m := range []map[string]Hint{explain.OfOperation, explain.OfCall, explain.OfLibrary} {
		for _, h := range m {
			sentences(h)
		}
	}
	for _, h := range []Hint{explain.OfOwned, explain.OfConnection, explain.OfLibraryPipe, explain.OfProgram} {
		sentences(h)
	}
	pages, err := filepath.Glob("../../docs/leaks/*.md")
	require.NoError(t, err)
	for _, page := range pages {
		kind := strings.TrimSuffix(filepath.Base(page), ".md")
		require.True(t, kinds[kind], "%s is for no kind", page)
		delete(kinds, kind)
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), "# "))
	}
	require.Empty(t, kinds, "kinds without a page")
}

// What was read for one stack does not change the hint for the next.
func TestHintsOfMany(t *testing.T) {
	hints := NewHints("")
	for _, name := range []string{"go126.debug2.txt", "go127.debug2.txt", "go126.debug2.txt"} {
		for _, st := range Of(load(t, name)).Stacks {
			want, known := NewHints("").Of(st)
			got, ok := hints.Of(st)
			require.Equal(t, known, ok)
			require.Equal(t, want, got)
		}
	}
}
