package pprof

import (
	"encoding/json"
	"fmt"
	"html"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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

// jsonLines is a log with a JSON object a line.
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

// wrappings are what logs and tools put around a dump, and what is said of it.
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

// Whatever is around a dump, it is the same stacks, and what was taken away is said.
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
