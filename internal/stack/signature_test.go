package stack

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// goroutine writes a record in short: frames are "function", "function file" or "function
// file:line", leaf first; a state makes it one of a dump.
func goroutine(state string, frames ...string) collector.Record {
	rec := collector.Record{Count: 1, State: state}
	for _, s := range frames {
		f := &collector.Frame{File: "/src/app/main.go", Line: 10}
		var at string
		f.Func, at, _ = strings.Cut(s, " ")
		if at != "" {
			f.File = at
			if i := strings.LastIndexByte(at, ':'); i >= 0 {
				f.File = at[:i]
				f.Line, _ = strconv.Atoi(at[i+1:])
			}
		}
		rec.Frames = append(rec.Frames, f)
	}
	return rec
}

func only(t *testing.T, rec collector.Record, format collector.Format) *Stack {
	t.Helper()
	s := Of(&collector.Profile{Format: format, Total: 1, Records: []collector.Record{rec}})
	require.Len(t, s.Stacks, 1)
	for _, st := range s.Stacks {
		return st
	}
	return nil
}

func formatOf(rec collector.Record) collector.Format {
	if rec.State != "" {
		return collector.FormatDebug2
	}
	return collector.FormatProto
}

func repeat(n int, frames ...string) []string {
	var out []string
	for range n {
		out = append(out, frames...)
	}
	return out
}

func join(parts ...[]string) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

var (
	send = []string{"runtime.gopark", "runtime.chansend", "runtime.chansend1"}
	recv = []string{"runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1"}
	// handler is the stack of a request.
	handler = []string{"net/http.HandlerFunc.ServeHTTP", "net/http.(*ServeMux).ServeHTTP", "net/http.serverHandler.ServeHTTP", "net/http.(*conn).serve"}
)

// The specification of the signature: pairs that are the same stack, and pairs that are not.
func TestSignature(t *testing.T) {
	pb := func(parts ...[]string) collector.Record { return goroutine("", join(parts...)...) }
	dump := goroutine
	for name, tc := range map[string]struct {
		a, b collector.Record
		same bool
	}{
		// The same.
		"lines move":                       {pb(send, []string{"main.run /src/a.go:1"}), pb(send, []string{"main.run /src/a.go:99"}), true},
		"files move":                       {pb(send, []string{"main.run /src/a.go:1"}), pb(send, []string{"main.run /build/7/b.go:1"}), true},
		"formats":                          {pb(send, []string{"main.run"}), dump("chan send", "main.run"), true},
		"main":                             {pb(send, []string{"main.main", "runtime.main"}), dump("chan send", "main.main"), true},
		"leaked":                           {dump("chan send", "main.run"), func() collector.Record { r := dump("chan send", "main.run"); r.Leaked = true; return r }(), true},
		"receive twice":                    {pb(recv, []string{"main.run"}), pb([]string{"runtime.gopark", "runtime.chanrecv", "runtime.chanrecv2", "main.run"}), true},
		"nil channel, as only dumps know":  {pb(recv, []string{"main.run"}), dump("chan receive (nil chan)", "main.run"), true},
		"synctest's durable":               {dump("select", "main.run"), dump("select (durable)", "main.run"), true},
		"closures renumbered":              {pb(send, []string{"main.run.func1"}), pb(send, []string{"main.run.func7"}), true},
		"closures nested otherwise":        {pb(send, []string{"main.run.func1.2"}), pb(send, []string{"main.run.func3"}), true},
		"package variable's closure":       {pb(send, []string{"main.glob..func1"}), pb(send, []string{"main.init.func2"}), true},
		"range over function":              {pb(send, []string{"main.run-range1"}), pb(send, []string{"main.run.func1-range2"}), true},
		"inlined closure, Go 1.21 to 1.26": {pb(send, []string{"app/pool.start.grow.func2"}), pb(send, []string{"app/pool.grow.func1"}), true},
		"inlined method's closure":         {pb(send, []string{"app/pool.start.(*Pool).grow.func2"}), pb(send, []string{"app/pool.(*Pool).grow.func1"}), true},
		"inlined value method's closure":   {pb(send, []string{"app/pool.start.Pool.grow.func2"}), pb(send, []string{"app/pool.Pool.grow.func1"}), true},
		"inlined through a go wrapper":     {pb(send, []string{"main.start.gowrap10.grow-range1"}), pb(send, []string{"main.grow-range1"}), true},
		"inlined out of the module cache": {
			pb(send, []string{"example.com/app.start.(*Pool).Grow.func2 /root/go/pkg/mod/github.com/!acme/pool@v1.2.3/sub/pool.go"}),
			pb(send, []string{"github.com/Acme/pool/sub.(*Pool).Grow.func1 /root/go/pkg/mod/github.com/!acme/pool@v1.2.4/sub/pool.go"}), true,
		},
		"inlined out of the standard library": {
			pb(recv, []string{"main.start.AfterFunc.func2 /usr/local/go/src/context/context.go"}),
			pb(recv, []string{"context.AfterFunc.func1 /usr/local/go/src/context/context.go"}), true,
		},
		"inlined, trimmed paths": {
			pb(recv, []string{"main.start.Go.func2 golang.org/x/sync@v0.22.0/errgroup/errgroup.go"}),
			pb(recv, []string{"golang.org/x/sync/errgroup.Go.func1 golang.org/x/sync@v0.21.0/errgroup/errgroup.go"}), true,
		},
		"shapes of generics":    {pb(send, []string{"app/q.(*Queue[go.shape.int]).Push"}), dump("chan send", "app/q.(*Queue[...]).Push"), true},
		"nested type arguments": {pb(send, []string{"app/q.Map[go.shape.[]a/b.X,go.shape.map[string][]int].func1"}), dump("chan send", "app/q.Map[...].func2"), true},
		"method value":          {pb(send, []string{"main.(*T).run", "main.(*T).run-fm"}), pb(send, []string{"main.(*T).run"}), true},
		"go wrapper":            {pb(send, []string{"main.run", "main.start.gowrap1"}), pb(send, []string{"main.run"}), true},
		"defer wrapper":         {pb(send, []string{"main.run", "main.start.deferwrap2", "main.start"}), pb(send, []string{"main.run", "main.start"}), true},
		"pointer wrapper":       {pb(send, []string{"main.T.run", "main.(*T).run <autogenerated>:1"}), pb(send, []string{"main.T.run"}), true},
		"vendored":              {pb(send, []string{"app/vendor/github.com/lib/pq.(*conn).watch"}), pb(send, []string{"github.com/lib/pq.(*conn).watch"}), true},
		"recursion":             {pb(send, repeat(3, "main.walk"), []string{"main.run"}), pb(send, repeat(11, "main.walk"), []string{"main.run"}), true},
		"mutual recursion":      {pb(send, repeat(2, "main.a", "main.b", "main.c"), []string{"main.run"}), pb(send, repeat(9, "main.a", "main.b", "main.c"), []string{"main.run"}), true},
		"recursion through std": {pb(send, repeat(2, "main.visit", "path/filepath.walk"), []string{"path/filepath.Walk", "main.run"}), pb(send, repeat(5, "main.visit", "path/filepath.walk"), []string{"path/filepath.Walk", "main.run"}), true},
		"panicking":             {pb(recv, []string{"main.f.func1", "runtime.gopanic", "main.f"}), dump("chan receive", "main.f.func1", "panic", "main.f"), true},
		"mutex, Go 1.19 and 1.26": {
			dump("semacquire", "sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock", "main.run"),
			dump("sync.Mutex.Lock", "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "main.run"), true,
		},
		"RWMutex, Go 1.19 and 1.26, the second waiting for the mutex in it": {
			dump("semacquire", "sync.runtime_SemacquireMutex", "sync.(*RWMutex).Lock", "main.run"),
			pb([]string{"runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1", "internal/sync.runtime_SemacquireMutex", "internal/sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "sync.(*RWMutex).Lock", "main.run"}), true,
		},
		"WaitGroup, Go 1.24 and 1.25": {
			dump("semacquire", "sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "main.run"),
			dump("sync.WaitGroup.Wait", "sync.runtime_SemacquireWaitGroup", "sync.(*WaitGroup).Wait", "main.run"), true,
		},
		"signals": {
			pb([]string{"runtime.notetsleepg", "os/signal.signal_recv", "os/signal.loop"}),
			dump("syscall", "os/signal.signal_recv", "os/signal.loop"), true,
		},
		"system calls, Go 1.20 and 1.26": {
			dump("syscall", "syscall.Syscall6", "syscall.wait4", "syscall.Wait4", "os.(*Process).blockUntilWaitable", "os.(*Process).wait", "os.(*Process).Wait", "os/exec.(*Cmd).Wait", "main.run"),
			dump("syscall", "internal/runtime/syscall/linux.Syscall6", "syscall.RawSyscall6", "internal/syscall/unix.Waitid", "os.(*Process).pidfdWait.func1", "os.(*Process).pidfdWait", "os.(*Process).wait", "os.(*Process).Wait", "os/exec.(*Cmd).Wait", "main.run"), true,
		},
		"insides of the standard library": {
			dump("select", "net/http.(*persistConn).roundTrip", "net/http.(*Transport).roundTrip", "net/http.(*Client).do", "net/http.(*Client).Do", "main.run"),
			dump("select", "net/http.(*Transport).getConn", "net/http.(*Transport).roundTrip", "net/http.send", "net/http.(*Client).send", "net/http.(*Client).Do", "main.run"), true,
		},
		"HTTP/2 moved in Go 1.27": {
			dump("select", "net/http.(*http2serverConn).serve"),
			dump("select", "net/http/internal/http2.(*serverConn).serve"), true,
		},
		"depths of Go 1.22 and 1.23": {
			pb(send, stairs(0, 29)), pb(send, stairs(0, 60)), true,
		},
		"who started it is unknown to the protocol buffer": {
			dump("chan send", "main.run"),
			func() collector.Record { r := dump("chan send", "main.run"); r.CreatedBy.Func = "main.start"; return r }(), true,
		},

		// Not the same.
		"operation":                        {pb(send, []string{"main.run"}), pb(recv, []string{"main.run"}), false},
		"blocked or not":                   {pb(send, []string{"main.run"}), pb([]string{"main.run"}), false},
		"read lock or write lock":          {dump("sync.RWMutex.RLock", "sync.(*RWMutex).RLock", "main.run"), dump("sync.RWMutex.Lock", "sync.(*RWMutex).Lock", "main.run"), false},
		"select without cases":             {dump("select", "main.run"), dump("select (no cases)", "main.run"), false},
		"function":                         {pb(send, []string{"main.run"}), pb(send, []string{"main.walk"}), false},
		"package":                          {pb(send, []string{"app/a.run"}), pb(send, []string{"app/b.run"}), false},
		"major version":                    {pb(send, []string{"github.com/a/b.run"}), pb(send, []string{"github.com/a/b/v2.run"}), false},
		"receiver":                         {pb(send, []string{"main.(*A).run"}), pb(send, []string{"main.(*B).run"}), false},
		"receiver of the closure":          {pb(send, []string{"main.(*A).run.func1"}), pb(send, []string{"main.(*B).run.func1"}), false},
		"closure or function":              {pb(send, []string{"main.run.func1"}), pb(send, []string{"main.run"}), false},
		"caller":                           {pb(send, []string{"app/q.Push", "main.a"}), pb(send, []string{"app/q.Push", "main.b"}), false},
		"handler":                          {pb(send, []string{"main.cart"}, handler), pb(send, []string{"main.order"}, handler), false},
		"handler or background":            {pb(send, []string{"main.cart"}, handler), pb(send, []string{"main.cart"}), false},
		"function of the goroutine":        {pb(recv, []string{"app/q.Pop", "main.a.func1"}), pb(recv, []string{"app/q.Pop", "main.b.func1"}), false},
		"what was called of std":           {dump("select", "net/http.(*Client).Do", "main.run"), dump("select", "database/sql.(*DB).QueryContext", "main.run"), false},
		"where in std it stands":           {dump("IO wait", "net.(*conn).Read", "bufio.(*Reader).Peek", "net/http.(*conn).serve"), dump("IO wait", "net.(*conn).Write", "net/http.checkConnErrorWriter.Write", "bufio.(*Writer).Flush", "net/http.(*conn).serve"), false},
		"once in a recursion or beside it": {pb(send, []string{"main.walk", "main.run"}), pb(send, []string{"main.run"}), false},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := only(t, tc.a, formatOf(tc.a)), only(t, tc.b, formatOf(tc.b))
			if tc.same {
				require.Equal(t, a.Signature, b.Signature)
			} else {
				require.NotEqual(t, a.Signature, b.Signature)
			}
		})
	}
}

// stairs makes functions that call one another.
func stairs(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, "main.step"+strconv.Itoa(i))
	}
	return out
}

// Signatures are stored in archives and ignore lists: these must not change.
func TestSignatureStaysOverVersions(t *testing.T) {
	require.Equal(t, "bbe05c155bc5dbd3-chan-send", only(t, goroutine("chan send", "main.logHandler.func1"), collector.FormatDebug2).Signature)
	require.Equal(t, "bbe05c155bc5dbd3-any", only(t, goroutine("", "main.logHandler.func1"), collector.FormatDebug1).Signature)
	require.Equal(t, "dc5939c4e162fd5a-select-no-cases", only(t, goroutine("select (no cases)", "example.com/a/b/v2.(*Q[...]).Pop", "main.main"), collector.FormatDebug2).Signature)
}

func TestCanonical(t *testing.T) {
	for name, want := range map[string]string{
		"main.main":                    "main|main",
		"main.(*server).run":           "main|server.run",
		"main.server.run":              "main|server.run",
		"main.(*server).run-fm":        "main|server.run",
		"main.run.func1":               "main|run.func",
		"main.run.func1.2.3":           "main|run.func",
		"main.run.func1.gowrap2":       "main|run.func wrapper",
		"main.run.gowrap1":             "main|run wrapper",
		"main.(*T).run.deferwrap1":     "main|T.run wrapper",
		"main.run.func2-range1":        "main|run.func",
		"main.glob..func1":             "main|init.func",
		"main.init.func1":              "main|init.func",
		"main.init.0.func1":            "main|init.func",
		"main.a.b.c.func1":             "main|c.func guest",
		"main.a.(*T).c.func1":          "main|T.c.func guest",
		"main.T.c.func1":               "main|c.func guest",
		"github.com/a/b.(*Q[...]).Pop": "github.com/a/b|Q.Pop",
		"github.com/a/b.Map[go.shape.[]a/b.c,go.shape.int].func1": "github.com/a/b|Map.func",
		"gopkg.in/yaml%2ev3.(*parser).parse":                      "gopkg.in/yaml.v3|parser.parse",
		"vendor/golang.org/x/net/dns.f":                           "golang.org/x/net/dns|f",
		"net/http.(*http2serverConn).serve":                       "net/http|serverConn.serve",
		"net/http.http2ConfigureServer.func1":                     "net/http|ConfigureServer.func",
		"net/http/internal/http2.(*serverConn).serve":             "net/http|serverConn.serve",
		"_cgoexp_1234_callback":                                   "|_cgoexp_1234_callback",
		"panic":                                                   "|panic",
		"":                                                        "|",
		"main.":                                                   "main|",
		"main.func1":                                              "main|func1",
		"main..func1":                                             "main|func",
		"a[b.c/d":                                                 "|a",
		"a]b.c":                                                   "a]b|c",
	} {
		pkg, fn, kind := canonical(name)
		got := pkg + "|" + fn
		if kind.wrapper {
			got += " wrapper"
		}
		if kind.guest {
			got += " guest"
		}
		require.Equal(t, want, got, name)
	}
}
