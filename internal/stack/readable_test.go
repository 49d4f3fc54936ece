package stack

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
)

// Go escapes dots in the last element of an import path. People read names as they wrote them;
// signatures, which are stored in archives and ignore lists, use the names as profiled.
func TestNamesAreReadable(t *testing.T) {
	rec := goroutine("chan receive", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill.func1.1", "main.main")
	rec.CreatedBy = collector.Frame{Func: "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill.func1", File: "/l.go", Line: 3}
	raw := *rec.Frames[0]
	const signature = "5c650fa48c128544-chan-receive"
	check := func(st *Stack) {
		require.Equal(t, signature, st.Signature)
		require.Equal(t, "gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun", st.Frames[0].Func)
		require.Equal(t, "gopkg.in/natefinch/lumberjack.v2.(*Logger).mill.func1.1", st.Frames[1].Func)
		require.Equal(t, "gopkg.in/natefinch/lumberjack.v2.(*Logger).mill.func1", st.CreatedBy.Func)
		require.Equal(t, "main.main", st.Key.Func)
	}
	check(only(t, rec, collector.FormatDebug2))
	require.Equal(t, raw, *rec.Frames[0], "the profile stays as it is")

	b := NewBuilder()
	for range 2 { // first parsed, then from what is known
		require.NoError(t, b.Add(collector.FormatDebug2, &rec))
		require.NoError(t, b.Add(collector.FormatDebug2, &rec))
		s := b.Snapshot(&collector.Profile{})
		require.Len(t, s.Stacks, 1)
		check(s.Stacks[signature])
	}

	user := goroutine("chan send", "example.org/caf%c3%a9/shop%2ego.(*Cart).add", "example.org/shop%2ego.run.func1")
	st := only(t, user, collector.FormatDebug2)
	require.Equal(t, "example.org/café/shop.go.(*Cart).add", st.Key.Func)
	require.Equal(t, "example.org/shop.go.run.func1", st.Frames[1].Func)
}

// Hints, classes and relations are the same for readable names.
func TestReadableNamesAreUnderstood(t *testing.T) {
	for raw, want := range map[string]string{
		"github.com/nats-io/nats%2ego.(*Conn).waitForMsgs":     "github.com/nats-io/nats.go|Conn.waitForMsgs",
		"gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun": "gopkg.in/natefinch/lumberjack.v2|Logger.millRun",
		"gopkg.in/yaml%2ev3.Unmarshal":                         "gopkg.in/yaml.v3|Unmarshal",
		"gopkg.in/yaml%2ev3.unmarshal.func1":                   "gopkg.in/yaml.v3|unmarshal.func",
		"gopkg.in/DataDog/dd-trace-go%2ev1.Start":              "gopkg.in/DataDog/dd-trace-go.v1|Start",
	} {
		pkg, fn, _ := canonical(raw)
		require.Equal(t, want, pkg+"|"+fn)
		pkg, fn, _ = canonical(collector.ReadableFunc(raw))
		require.Equal(t, want, pkg+"|"+fn, "as it is read")
	}
	// A user's own v2 and go-like names are no packages.
	for name, want := range map[string]string{
		"example.org/api.v2.Handle":   "example.org/api|v2.Handle",
		"example.org/api.goes.Handle": "example.org/api|goes.Handle",
		"gopkg.in/x.v2x.Handle":       "gopkg.in/x|v2x.Handle",
	} {
		pkg, fn, _ := canonical(name)
		require.Equal(t, want, pkg+"|"+fn)
	}
	st := only(t, goroutine("sync.Cond.Wait", "sync.(*Cond).Wait", "github.com/nats-io/nats%2ego.(*Conn).waitForMsgs", "github.com/nats-io/nats%2ego.(*Conn).subscribeLocked.gowrap1"), collector.FormatDebug2)
	h, ok := NewHints("").Of(st)
	require.True(t, ok)
	require.Equal(t, "subscription", h.Kind)
	require.False(t, st.UserCode)
	h, ok = HintFor("", "chan send", "", []collector.Frame{{Func: "example.org/shop.go.(*Cart).add"}})
	require.True(t, ok)
	require.Contains(t, h.Sentence, "in Cart.add")
}

// Frames of stored leaks are readable too.
func TestKeptFramesAreReadable(t *testing.T) {
	var f collector.Frame
	require.NoError(t, json.Unmarshal([]byte(`{"Func":"gopkg.in/yaml%2ev3.(*parser).parse","File":"/y.go","Line":7}`), &f))
	require.Equal(t, collector.Frame{Func: "gopkg.in/yaml.v3.(*parser).parse", File: "/y.go", Line: 7}, f)
	text, err := json.Marshal(f)
	require.NoError(t, err)
	var again collector.Frame
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, f, again)
}
