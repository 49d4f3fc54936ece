package pprof

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// prefixed puts a prefix before each line; %d in it is the number of the line.
func prefixed(prefix string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		i := 0
		for line := range strings.Lines(s) {
			p := prefix
			if strings.Contains(p, "%") {
				p = fmt.Sprintf(prefix, i%60)
			}
			b.WriteString(p + line)
			i++
		}
		return b.String()
	}
}

// jsonLines returns a log with a JSON object a line.
func jsonLines(key, end string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for line := range strings.Lines(s) {
			value, _ := json.Marshal(strings.TrimSuffix(line, "\n") + end)
			fmt.Fprintf(&b, `{"level":"error","more":{"a":["}",{"b":1}]},%q:%s,"stream":"stderr","time":"2026-05-01T10:22:33.1Z"}`+"\n", key, value)
		}
		return b.String()
	}
}

// oneJSON has the whole dump in one string.
func oneJSON(s string) string {
	text, _ := json.Marshal("Stack: " + s)
	return `{"level":"error","msg":` + string(text) + `,"ts":1}` + "\n"
}

// wrappings are what logs and tools put around a dump, and what ReadAs says of it.
var wrappings = []struct {
	name string
	do   func(string) string
	says string
}{
	{"kubectl --timestamps", prefixed("2026-05-01T10:22:%02d.123456789Z "), "kubectl log with timestamps; prefix stripped from"},
	{"kubectl --prefix", prefixed("[pod/shop-7d9f-x2/shop] "), "kubectl log with prefixes; prefix stripped from"},
	{"kubectl --prefix --timestamps", prefixed("[pod/shop-7d9f-x2/shop] 2026-05-01T10:22:%02d.123456789Z "), "kubectl log with prefixes and timestamps; prefix stripped from"},
	{"CRI", prefixed("2026-05-01T10:22:%02d.123456789+00:00 stderr F "), "CRI log; prefix stripped from"},
	{"journald", prefixed("May  1 10:22:%02d node-1 shop[812]: "), "journald log; prefix stripped from"},
	{"rsyslog", prefixed("2026-05-01T10:22:%02d.460676+00:00 ams INFO shop[1322]: "), "syslog; prefix stripped from"},
	{"RFC 5424", prefixed("<11>1 2026-05-01T10:22:%02d.003Z host shop 812 - - "), "syslog; prefix stripped from"},
	{"docker compose", prefixed("server_1  | "), "docker compose log; prefix stripped from"},
	{"plugin", prefixed("2026/05/01 15:34:%02d [DEBUG] provider-aws: "), `log whose lines begin with "2026/05/01 15:34:00 [DEBUG] provider-aws: "; prefix stripped from`},
	{"since 1970", prefixed("1777631553.%06d shop "), "prefix stripped from"},
	{"docker JSON", jsonLines("log", "\n"), "docker JSON log; text taken from"},
	{"other JSON", jsonLines("message", ""), `JSON log, "message" of each line; text taken from`},
	{"journald JSON of kubectl", func(s string) string { return jsonLines("MESSAGE", "")(prefixed("2026-05-01T10:22:%02d.1Z ")(s)) }, `JSON log, "MESSAGE" of each line, kubectl log with timestamps; prefix stripped from`},
	{"one JSON string", oneJSON, "text within a string with escapes"},
	{"one Go string", func(s string) string { return fmt.Sprintf("level=error msg=%q\n", "stack "+s) }, "text within a string with escapes"},
	{"one JSON string in docker JSON", func(s string) string { return jsonLines("log", "\n")(oneJSON(s)) }, "text within a string with escapes"},
	{"web page", func(s string) string { return "<pre>" + html.EscapeString(s) + "</pre>\n" }, "web page"},
	{"first line", func(s string) string { return "2026/05/01 10:22:33 stack: " + s }, `dump behind "2026/05/01 10:22:33 stack: "`},
}

// The stacks are the same whatever is around a dump, and ReadAs says what was removed.
func TestWrappedDumps(t *testing.T) {
	for name, text := range map[string]string{"debug=1": manyCounts, "debug=2": manyDumps} {
		want := parse(t, text)
		for _, w := range wrappings {
			for _, before := range []string{"", "starting\n"} {
				for _, enc := range encodings {
					p, err := Parse(strings.NewReader(enc.do(before+w.do(text))), fetched, Limits{})
					require.NoError(t, err, "%s %s %s", name, w.name, enc.name)
					require.Contains(t, p.ReadAs, w.says, "%s %s %s", name, w.name, enc.name)
					p.ReadAs = ""
					require.Equal(t, want, p, "%s %s %s", name, w.name, enc.name)
				}
			}
		}
	}
}

// All lines of one source are read, whatever else is in the log.
func TestWrappedAmongOthers(t *testing.T) {
	want := parse(t, manyDumps)
	others := prefixed("[pod/web-1/web] 2026-05-01T10:22:%02d.1Z ")("GET / 200 (in 3 ms)\n" + oneDump + "main.other(0x1)\n\t/src/other.go:3 +0x1\n")
	mine := strings.SplitAfter(prefixed("[pod/shop-2/shop] 2026-05-01T10:22:%02d.1Z ")(manyDumps), "\n")
	var b strings.Builder
	for i, line := range mine {
		b.WriteString(line)
		if i < 40 {
			b.WriteString(strings.SplitAfter(others, "\n")[i%8])
		}
	}
	p, err := Parse(strings.NewReader(b.String()), fetched, Limits{})
	require.NoError(t, err)
	require.Equal(t, want.Records, p.Records)
	require.Equal(t, `kubectl log with prefixes and timestamps; prefix stripped from 66 lines; 40 lines that belong to no goroutine ignored`, p.ReadAs)
	require.Equal(t, []string{`dumps of other sources are in the log, too: 5 goroutines begin behind other prefixes, the first behind "[pod/web-1/web] 2026-05-01T10:22:01.1Z "; only the one behind "[pod/shop-2/shop] 2026-05-01T10:22:00.1Z " is read`}, p.Warnings)
}

// Missing parts lead to a warning.
func TestWrappedAndIncomplete(t *testing.T) {
	for text, want := range map[string]string{
		prefixed("May  1 10:22:33 node-1 shop[812]: ")(oneDump) + "May  1 10:22:33 node-1 systemd-journald[91]: Suppressed 1203 messages from shop.service\n": "line 7: the log says that it lost lines",
		prefixed("May  1 10:22:33 node-1 shop[812]: ")("main.f(0x1)\n\t/src/f.go:3 +0x1\n\n" + oneDump):                                                       "a frame stands before the first goroutine: the beginning of the dump is missing",
		"main.f(0x1)\n\t/src/f.go:3 +0x1\n\n" + oneDump: "a frame stands before the first goroutine: the beginning of the dump is missing",
		"* Goroutine 1 - User: /src/main.go:9 main.main (0x4a1b2c) (thread 812)\n  Goroutine 2 - User: /src/f.go:3 main.f (0x4a1b2c) [chan send 91]\n[5 goroutines]\n":                  "the list has 2 goroutines, but its last line says 5",
		"* Goroutine 1 - User: /src/main.go:9 main.main (0x4a1b2c) (thread 812)\n  Goroutine 2 - User: /src/f.go:3 main.f (0x4a1b2c) [chan send 91]\n[2 goroutines]\n":                  `the list has one frame of each goroutine; "goroutines -t" shows whole stacks`,
		prefixed("2026-05-01T10:22:33.1Z stderr F ")(oneDump) + "2026-05-01T10:22:33.1Z stderr F goroutine 9 [select]:\n2026-05-01T10:22:33.1Z stderr F main.f()\n[... 2 MB cut ...]\n": "",
	} {
		p, err := Parse(strings.NewReader(text), fetched, Limits{})
		if want == "" {
			require.ErrorContains(t, err, "it ends within goroutine 9")
			continue
		}
		require.NoError(t, err, text)
		require.Contains(t, strings.Join(p.Warnings, "\n"), want, text)
	}
}

// A container runtime splits lines of more than 16 KiB, so a long one comes in parts.
func TestCRIParts(t *testing.T) {
	want := parse(t, manyDumps)
	var b strings.Builder
	for line := range strings.Lines(manyDumps) {
		for len(line) > 61 {
			b.WriteString("2026-05-01T10:22:33.1Z stderr P " + line[:60] + "\n")
			line = line[60:]
		}
		b.WriteString("2026-05-01T10:22:33.1Z stderr F " + line)
	}
	require.Equal(t, want, parse(t, b.String()))
	require.Equal(t, want, parse(t, strings.ReplaceAll(jsonLines("log", "\n")(manyDumps), `\n"`, `"`+"}\n"+`{"log":"\n"`)))
}

// A report of the goleak that is used here, and one of earlier versions, which has the
// header of the dump as well.
func TestGoleakReport(t *testing.T) {
	stop := make(chan struct{})
	var done sync.WaitGroup
	for range 3 {
		done.Go(func() { waitForEver(stop) })
	}
	time.Sleep(10 * time.Millisecond) // until they wait; goleak waits too
	err := goleak.Find(goleak.IgnoreTopFunction("nothing"))
	close(stop)
	done.Wait()
	require.Error(t, err)
	p, err := Parse(strings.NewReader("    leak_test.go:50: "+err.Error()+"\n--- FAIL: TestX (0.44s)\n"), fetched, Limits{})
	require.NoError(t, err)
	require.EqualValues(t, 3, p.Total)
	require.Equal(t, "chan receive", p.Records[0].State)
	require.Equal(t, "github.com/gorowatch/gorowatch/collector/pprof.waitForEver", p.Records[0].Frames[0].Func)
	require.Contains(t, p.ReadAs, "goleak's report")

	old := "    leak_test.go:50: found unexpected goroutines:\n["
	for i := range 4 {
		old += fmt.Sprintf("Goroutine %d in state chan send, 12 minutes, with main.logHandler.func1 on top of the stack:\n%s", i+7, strings.Replace(oneDump, "goroutine 7", fmt.Sprint("goroutine ", i+7), 1)) + "\n "
	}
	for _, w := range []func(string) string{same, expand, prefixed("        "), prefixed("2026-05-01T10:22:33.1234567Z ")} {
		p, err = Parse(strings.NewReader(w(old+"\n]\nFAIL\n")), fetched, Limits{})
		require.NoError(t, err)
		require.Len(t, p.Records, 1)
		require.EqualValues(t, 4, p.Total)
		var ids []uint64
		for _, g := range p.Records[0].Goroutines {
			ids = append(ids, g.ID)
		}
		require.Equal(t, []uint64{7, 8, 9, 10}, ids)
	}
}

func waitForEver(stop chan struct{}) { <-stop }

func TestDelveList(t *testing.T) {
	const stacks = `* Goroutine 1 - User: /src/my shop/main.go:9 main.main (0x4a1b2c) (thread 812)
	0  0x00000000004a1b2c in main.main
	   at /src/my shop/main.go:9
	1  0x000000000043a0a7 in runtime.main
	   at /usr/local/go/src/runtime/proc.go:250
  Goroutine 18 - User: /src/handler.go:29 main.logHandler.func1 (0x4a1b2c) [chan send 1234567]
	0  0x0000000000438a25 in runtime.gopark
	   at /usr/local/go/src/runtime/proc.go:381
	1  0x0000000000406e45 in runtime.chansend
	   at /usr/local/go/src/runtime/chan.go:259
	2  0x00000000004a1b2c in main.logHandler.func1
	   at /src/handler.go:29
	(truncated)
[2 goroutines]
`
	for _, w := range []func(string) string{same, expand, prefixed("2026-05-01T10:22:33.1Z ")} {
		p, err := Parse(strings.NewReader(w(stacks)), fetched, Limits{})
		require.NoError(t, err)
		require.EqualValues(t, 2, p.Total)
		require.Len(t, p.Records, 2)
		require.Equal(t, "running", p.Records[0].State)
		require.Equal(t, collector.Frame{Func: "main.main", File: "/src/my shop/main.go", Line: 9}, *p.Records[0].Frames[0])
		require.Equal(t, "chan send", p.Records[1].State)
		require.Len(t, p.Records[1].Frames, 3)
		require.Contains(t, p.ReadAs, "delve's list of goroutines")
		require.Empty(t, p.Warnings)
	}
	p, err := Parse(strings.NewReader("  Goroutine 223 - User: /src/a b/w.go:122 example.org/x.(*W).watch (0x8c572a\n  Goroutine 224 - Start: /src/a b/w.go:122 example.org/x.(*W).watch (0x8c572a)\n"), fetched, Limits{})
	require.NoError(t, err)
	require.Len(t, p.Records, 1)
	require.EqualValues(t, 2, p.Total)
	require.Equal(t, collector.Frame{Func: "example.org/x.(*W).watch", File: "/src/a b/w.go", Line: 122}, *p.Records[0].Frames[0])
}

// A debug=1 profile whose "#" became the comment of a page.
func TestDebug1WithoutMarks(t *testing.T) {
	want := parse(t, manyCounts)
	for _, text := range []string{strings.ReplaceAll(manyCounts, "#", ""), strings.ReplaceAll(expand(manyCounts), "#", " "), strings.ReplaceAll(strings.ReplaceAll(manyCounts, "#", ""), "\t", "")} {
		require.Equal(t, want, parse(t, text), text)
	}
	p, err := Parse(strings.NewReader(strings.ReplaceAll(manyCounts, "#", "")), fetched, Limits{})
	require.NoError(t, err)
	require.Equal(t, `debug=1 dump; "#" before frames is gone`, p.ReadAs)
}

// Truncated lines in a log, or lines without a prefix, lead to a warning. A log of the first
// lines of a dump is read like these lines.
func TestWrappedAndCut(t *testing.T) {
	for name, text := range map[string]string{"debug=1": manyCounts, "debug=2": manyDumps} {
		all := strings.SplitAfter(text, "\n")
		for n := 1; n < len(all); n++ {
			cut := strings.Join(all[:n], "")
			want, wantErr := Parse(strings.NewReader(cut), fetched, Limits{})
			for _, w := range wrappings {
				p, err := Parse(strings.NewReader(w.do(cut)), fetched, Limits{})
				require.Equal(t, wantErr == nil, err == nil, "%s %s: %d lines: want %v, have %v", name, w.name, n, wantErr, err)
				if err == nil {
					p.ReadAs, want.ReadAs = "", ""
					require.Equal(t, want, p, "%s %s: %d lines", name, w.name, n)
				}
			}
		}
	}
	p, err := Parse(strings.NewReader(prefixed("[pod/a/b] ")(oneDump)+manyDumps), fetched, Limits{})
	require.NoError(t, err)
	require.EqualValues(t, 1, p.Total)
	require.Equal(t, []string{`dumps of other sources are in the log, too: 9 goroutines begin behind other prefixes, the first behind ""; only the one behind "[pod/a/b] " is read`}, p.Warnings)
}

// A whole dump in one line of a log is longer than a buffer, and docker splits such
// lines every 16 KiB.
func TestWrappedInOneLongLine(t *testing.T) {
	var b strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&b, "goroutine %d [select, 3 minutes]:\nmain.f%d(0x%x)\n\t/src/f.go:%d +0x1\ncreated by main.start in goroutine 1\n\t/src/s.go:1 +0x1\n\n", i+1, i%7, i, i%7)
	}
	want := parse(t, b.String())
	line := oneJSON(b.String())
	require.Greater(t, len(line), 500_000)
	var docker strings.Builder
	for rest := line; rest != ""; {
		part := rest[:min(len(rest), 16<<10)]
		rest = rest[len(part):]
		value, _ := json.Marshal(part)
		fmt.Fprintf(&docker, `{"log":%s,"stream":"stderr"}`+"\n", value)
	}
	for _, text := range []string{line, docker.String()} {
		require.Equal(t, want, parse(t, text))
	}
	for n := len(line) - 500; n < len(line)-20; n += 7 {
		p, err := Parse(strings.NewReader(line[:n]), fetched, Limits{})
		if err == nil {
			require.Contains(t, p.Warnings, "the string that holds the dump has no end: a part is missing there, so there may be more goroutines than counted")
		}
	}
}
