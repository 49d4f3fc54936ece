package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
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

		"running":          {goroutine("running", "main.compute"), "", ""},
		"signals":          {goroutine("syscall", "os/signal.signal_recv", "os/signal.loop"), "", ""},
		"listener":         {goroutine("IO wait", "internal/poll.runtime_pollWait", "net.(*TCPListener).Accept", "net/http.(*Server).Serve", "main.main"), "", ""},
		"inside a library": {goroutine("select", "go.opentelemetry.io/otel/sdk/trace.(*batchSpanProcessor).processQueue"), "", ""},
		"a system call":    {goroutine("syscall", "syscall.Syscall", "main.run"), "", ""},
		"nothing":          {goroutine("chan send"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, ok := NewHints().Of(only(t, tc.rec, formatOf(tc.rec)))
			require.Equal(t, tc.kind != "", ok, "%v", h)
			require.Equal(t, tc.kind, h.Kind)
			require.Contains(t, h.Sentence, tc.text)
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
	require.LessOrEqual(t, len(explanations), 64, "bits")
	for _, k := range explanations {
		sentences(k.hint)
	}
	for _, h := range byOp {
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

// What was read for one stack does not change what is said of the next.
func TestHintsOfMany(t *testing.T) {
	hints := NewHints()
	for _, name := range []string{"go126.debug2.txt", "go127.debug2.txt", "go126.debug2.txt"} {
		for _, st := range Of(load(t, name)).Stacks {
			want, known := NewHints().Of(st)
			got, ok := hints.Of(st)
			require.Equal(t, known, ok)
			require.Equal(t, want, got)
		}
	}
}
