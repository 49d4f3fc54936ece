package known

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/stack"
	"github.com/gorowatch/gorowatch/known"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// museumData is the folder that make museum-data writes. With it, testdata/museum.json is
// rewritten.
var update = flag.Bool("update", false, "write the table of docs/known.md anew")

var museumData = flag.String("museum", "", "folder of make museum-data, to write testdata/museum.json anew")

// museumCase is a case of the museum, as in test/museum/cases.yaml.
type museumCase struct {
	Name, Module, Version, Fixed, Issue, Server string
}

func museumCases(t *testing.T) map[string]museumCase {
	data, err := os.ReadFile("../../test/museum/cases.yaml")
	require.NoError(t, err)
	var doc struct{ Leaks []museumCase }
	require.NoError(t, yaml.Unmarshal(data, &doc))
	out := map[string]museumCase{}
	for _, c := range doc.Leaks {
		out[c.Name] = c
	}
	return out
}

// TestSchema reads all entries, and compares those that a program shows with its case.
func TestSchema(t *testing.T) {
	l, err := Load(known.Files)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(l.Entries()), 25)
	require.Equal(t, len(l.Entries()), len(BuiltIn().Entries()))
	cases := museumCases(t)
	for _, e := range l.Entries() {
		if e.Museum == "" {
			require.True(t, e.ReadOnly, e.ID)
			continue
		}
		c, ok := cases[e.Museum]
		require.True(t, ok, "%s: test/museum/cases.yaml has no case %q", e.ID, e.Museum)
		if c.Server == "" {
			require.DirExists(t, filepath.Join("../../test/museum/leaks", e.Museum), e.ID)
		}
		require.Equal(t, c.Issue, e.Issue, e.ID)
		require.Equal(t, c.Fixed != "", e.Fixed != "", "%s: the twin is mended by a release in one place only", e.ID)
		if e.Fixed == "" {
			continue
		}
		// The release of the program has the bug, that of its twin does not.
		function := collector.Frame{Func: e.Functions[0]}
		for version, want := range map[string]bool{c.Version: true, c.Fixed: false} {
			function.File = "/go/pkg/mod/" + escape(e.Module) + "@" + version + "/x.go"
			m, ok := l.MatchFrames([]collector.Frame{function})
			require.Equal(t, want, ok && m.IsCertain, "%s %s", e.ID, version)
		}
	}
}

// escape writes a module path as the module cache does.
func escape(path string) string {
	var b strings.Builder
	for _, r := range path {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// recorded is a leak as gorowatch attributed it in a run of the museum.
type recorded struct {
	Program string     `json:"program"`
	Stacks  []recStack `json:"stacks"`
}

type recStack struct {
	Frames []collector.Frame `json:"frames"`
	Holder []collector.Frame `json:"holder,omitempty"`
}

func (r recorded) leak() leak.Leak {
	var l leak.Leak
	for _, s := range r.Stacks {
		g := leak.StackGrowth{Frames: s.Frames}
		if s.Holder != nil {
			g.Holder = &leak.Holder{Frames: s.Holder}
		}
		l.Stacks = append(l.Stacks, g)
	}
	return l
}

// TestPage: the table of the page is the list.
func TestPage(t *testing.T) {
	const page, begin, end = "../../docs/known.md", "<!-- table: go test ./internal/known -update -->\n", "<!-- end of table -->\n"
	data, err := os.ReadFile(page)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(data), begin)
	require.True(t, ok)
	table, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := "| module | fixed in | reported | what leaks | what to do | shown by |\n|---|---|---|---|---|---|\n"
	for _, e := range BuiltIn().Entries() {
		fixed, shown := e.Fixed, "`"+e.Museum+"`"
		if fixed == "" {
			fixed = "–"
		}
		if e.ReadOnly {
			shown = "read only"
		}
		want += "| " + strings.Join([]string{"`" + e.Module + "`", fixed, "[" + Ref(e.Issue) + "](" + e.Issue + ")", e.Summary, e.Do, shown}, " | ") + " |\n"
	}
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(head+begin+want+end+tail), 0o644))
		return
	}
	require.Equal(t, want, table)
}

// TestMuseum recognises the leaks of museum programs by the stacks from a run of gorowatch
// beside them. Each matches the entry that names the program, and no other program matches.
func TestMuseum(t *testing.T) {
	if *museumData != "" {
		record(t, *museumData)
	}
	data, err := os.ReadFile("testdata/museum.json")
	require.NoError(t, err)
	var all []recorded
	require.NoError(t, json.Unmarshal(data, &all))
	want := map[string]string{}
	for _, e := range BuiltIn().Entries() {
		if e.Museum != "" {
			want[e.Museum] = e.ID
		}
	}
	recognised := map[string]bool{}
	for _, r := range all {
		m, ok := BuiltIn().Match(r.leak())
		if id := want[r.Program]; id == "" {
			require.False(t, ok, "%s: taken for %s", r.Program, m.Entry.ID)
			continue
		}
		require.True(t, ok, r.Program)
		require.Equal(t, want[r.Program], m.Entry.ID)
		require.True(t, m.IsCertain, r.Program)
		recognised[r.Program] = true
	}
	for program := range want {
		require.True(t, recognised[program], "no record of %s", program)
	}
	require.Greater(t, len(all), len(recognised)+10, "leaks that nobody knows")
}

// record writes testdata/museum.json from the leaks in a bucket.
func record(t *testing.T, dir string) {
	files, err := filepath.Glob(filepath.Join(dir, "bucket", "leaks", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	cases := museumCases(t)
	var all []recorded
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		var l leak.Leak
		require.NoError(t, json.Unmarshal(data, &l))
		r := recorded{Program: l.Service.Get("job")}
		if _, ok := cases[r.Program]; !ok || l.State != leak.Firing { // a healthy program
			continue
		}
		for _, s := range l.Stacks {
			g := recStack{Frames: relocate(s.Frames)}
			if s.Holder != nil {
				g.Holder = relocate(s.Holder.Frames)
			}
			r.Stacks = append(r.Stacks, g)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b recorded) int { return strings.Compare(a.Program, b.Program) })
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	require.NoError(t, e.Encode(all))
	require.NoError(t, os.MkdirAll("testdata", 0o755))
	require.NoError(t, os.WriteFile("testdata/museum.json", b.Bytes(), 0o644))
}

// relocate removes the machine's folders from paths.
func relocate(frames []collector.Frame) []collector.Frame {
	out := slices.Clone(frames)
	for i, f := range out {
		if _, file, ok := strings.Cut(f.File, "/pkg/mod/"); ok {
			out[i].File = "/go/pkg/mod/" + file
		} else if _, file, ok := strings.Cut(f.File, "/test/museum/"); ok {
			out[i].File = "/src/test/museum/" + file
		} else if _, file, ok := strings.Cut(f.File, "/go/src/"); ok {
			out[i].File = "/usr/local/go/src/" + file
		}
	}
	return out
}

const good = `module: github.com/acme/pool
introduced: v1.2.0
fixed: v1.4.0
functions:
  - github.com/acme/pool.(*Pool).run
issue: https://github.com/acme/pool/issues/12
summary: Close does not end the goroutine of the pool.
do: Upgrade.
read_only: true
`

func TestVersions(t *testing.T) {
	l, err := Load(fstest.MapFS{"pool.yaml": {Data: []byte(good)}})
	require.NoError(t, err)
	for _, tc := range []struct {
		file  string
		words string
	}{
		{"/go/pkg/mod/github.com/acme/pool@v1.1.9/pool.go", ""},
		{"/go/pkg/mod/github.com/acme/pool@v1.2.0-rc.1/pool.go", ""},
		{"/go/pkg/mod/github.com/acme/pool@v1.2.0/pool.go", "known v1.2.0"},
		{"github.com/acme/pool@v1.3.9/pool.go", "known v1.3.9"},
		{"/go/pkg/mod/github.com/acme/pool@v1.4.0-0.20260101000000-abcdefabcdef/pool.go", "known v1.4.0-0.20260101000000-abcdefabcdef"},
		{"/go/pkg/mod/github.com/acme/pool@v1.4.0/pool.go", ""},
		{"/go/pkg/mod/github.com/acme/pool@v1.10.0/pool.go", ""},
		{"/go/pkg/mod/github.com/other/pool@v1.3.0/pool.go", "possibly known "}, // replaced by a fork
		{"/go/pkg/mod/github.com/acme/pool@v1.x/pool.go", "possibly known "},
		{"/src/vendor/github.com/acme/pool/pool.go", "possibly known "},
		{"", "possibly known "},
	} {
		m, ok := l.MatchFrames([]collector.Frame{{Func: "github.com/acme/pool.(*Pool).run", File: tc.file}})
		if tc.words == "" {
			require.False(t, ok, tc.file)
			continue
		}
		require.True(t, ok, tc.file)
		require.Equal(t, tc.words, m.Name()+" "+m.Version, tc.file)
	}
}

// TestFunctions: closures and type arguments do not matter. A library whose callback blocks
// does not leak itself.
func TestFunctions(t *testing.T) {
	const at = "/go/pkg/mod/github.com/acme/pool@v1.3.0/pool.go"
	own := collector.Frame{Func: "github.com/acme/pool.(*Pool[go.shape.int]).run", File: at}
	user := collector.Frame{Func: "main.(*shop).work", File: "/src/shop/shop.go"}
	sys := collector.Frame{Func: "net/http.(*Client).Do", File: "/usr/local/go/src/net/http/client.go"}
	l, err := Load(fstest.MapFS{"pool.yaml": {Data: []byte(good)}})
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		frames []collector.Frame
		want   bool
	}{
		"leaf":                {[]collector.Frame{own, user}, true},
		"below the library":   {[]collector.Frame{sys, own}, true},
		"in a callback":       {[]collector.Frame{user, own}, false},
		"deep in a callback":  {[]collector.Frame{sys, user, own}, false},
		"another function":    {[]collector.Frame{{Func: "github.com/acme/pool.(*Pool).runs", File: at}}, false},
		"a module that grows": {[]collector.Frame{{Func: "github.com/acme/pools.(*Pool).run", File: at}}, false},
		"without frames":      {nil, false},
		"of a profile with neither versions nor well-known paths": {[]collector.Frame{{Func: "github.com/acme/pool.(*Pool).wait"}, {Func: "github.com/acme/pool.(*Pool).run"}}, true},
	} {
		_, ok := l.MatchFrames(tc.frames)
		require.Equal(t, tc.want, ok, name)
	}
}

func TestWords(t *testing.T) {
	e, err := Parse("pool.yaml", []byte(good))
	require.NoError(t, err)
	m := Match{Entry: e, Version: "v1.3.0", IsCertain: true}
	require.Equal(t, "known: fixed in v1.4.0 (acme/pool#12): Close does not end the goroutine of the pool. Upgrade", m.Name()+": "+m.Sentence())
	m.Entry.Fixed = ""
	require.Equal(t, "reported as acme/pool#12", m.Short())
	require.Equal(t, "a/b/c#4", Ref("https://gitlab.com/a/b/c/-/merge_requests/4"))
	require.Equal(t, "go.dev/issue/4", Ref("https://go.dev/issue/4"))
}

// TestRefused: for any mistake in a file, the error names the file, the field and the reason,
// and the other files are read.
func TestRefused(t *testing.T) {
	replace := func(old, new string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, new, 1)
	}
	var bomb strings.Builder
	bomb.WriteString("a: &a [x,x,x,x,x,x,x,x,x]\n")
	for i := 'b'; i < 'j'; i++ {
		bomb.WriteString(string(i) + ": &" + string(i) + " [" + strings.Repeat("*"+string(i-1)+",", 9) + "]\n")
	}
	for want, data := range map[string]string{
		"is empty":                                   "",
		"has more than 8192 bytes":                   good + strings.Repeat("#", maxFile),
		"is not UTF-8":                               good + "\xff",
		"has more than one document":                 good + "---\n" + good,
		"field severity not found":                   good + "severity: 3\n",
		"field a not found":                          bomb.String(),
		`module: "../../etc" is not a module path`:   replace("module: github.com/acme/pool", "module: ../../etc"),
		`fixed: "1.4" is not a version`:              replace("v1.4.0", "1.4"),
		"is not after introduced":                    replace("v1.4.0", "v1.1.0"),
		"functions: is empty":                        replace("\n  - github.com/acme/pool.(*Pool).run", " []"),
		"functions: has 40, more than 16":            replace("  - github.com", strings.Repeat("  - github.com/acme/pool.f\n", 39)+"  - github.com"),
		"functions[0]: \"main.run\" is not of":       replace("github.com/acme/pool.(*Pool).run", "main.run"),
		"issue: is not an https address":             replace("https://github.com/acme/pool/issues/12", "javascript:alert(1)"),
		"summary: is empty":                          replace("Close does not end the goroutine of the pool.", ""),
		"summary: has a line break or a character":   replace("Close does", `"Close\u202e does`+"\"\n#"),
		"do: is not a sentence with a full stop":     replace("Upgrade.", "Upgrade"),
		"do: has more than 300 bytes":                replace("Upgrade.", strings.Repeat("Upgrade. ", 40)+"."),
		"read_only: has museum too":                  good + "museum: pool\n",
		"museum: is empty; name the program":         replace("read_only: true", ""),
		"frames do not have the version of the":      replace("module: github.com/acme/pool", "module: std"),
		"cannot unmarshal":                           "- a\n- b\n",
		`functions[0]: "github.com/acme/pool.(*Pool`: replace("module: github.com/acme/pool", "module: std"),
	} {
		_, err := Parse("bad.yaml", []byte(data))
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `"bad.yaml"`)
		require.Less(t, len(err.Error()), 1500, want)
	}
	_, err := Parse("../Bad name.yaml", []byte(good))
	require.ErrorContains(t, err, "the name is not lower-case letters and digits")

	l, err := Load(fstest.MapFS{"pool.yaml": {Data: []byte(good)}, "big.yaml": {Data: bytes.Repeat([]byte("x"), 1<<20)}, "notes.txt": {}})
	require.ErrorContains(t, err, `"big.yaml": has more than 8192 bytes`)
	require.Len(t, l.Entries(), 1)
}

// TestPackages: names that the linker escaped, vendored packages and type arguments are found.
func TestPackages(t *testing.T) {
	for function, want := range map[string]string{
		"github.com/panjf2000/ants/v2.(*Pool).ticktock":                                           "ants",
		"example.com/app/vendor/github.com/panjf2000/ants/v2.(*Pool).ticktock":                    "ants",
		"gopkg.in/natefinch/lumberjack%2ev2.(*Logger).millRun":                                    "lumberjack",
		"gopkg.in/natefinch/lumberjack.v2.(*Logger).millRun":                                      "lumberjack",
		"github.com/hashicorp/golang-lru/v2/expirable.NewLRU[go.shape.int,go.shape.*uint8].func1": "expirable",
		"example.com/app/worker.(*Pool[github.com/panjf2000/ants/v2.Pool]).ticktock":              "",
	} {
		x := stack.Stack{Shape: new(stack.Shape)}
		x.Frames = []*collector.Frame{{Func: "runtime.gopark"}, {Func: function}}
		m, ok := BuiltIn().MatchStack(&x)
		require.Equal(t, want, m.Entry.ID, function)
		require.Equal(t, want != "", ok, function)
	}
}

// TestMatchModule: a module of a program leaks by its version; a fork or a local copy may.
func TestMatchModule(t *testing.T) {
	l, err := Load(fstest.MapFS{"pool.yaml": {Data: []byte(good)}})
	require.NoError(t, err)
	const path = "github.com/acme/pool"
	for _, tc := range []struct {
		module Module
		words  string
	}{
		{Module{Path: path, Version: "v1.3.9"}, "known v1.3.9"},
		{Module{Path: path, Version: "v1.4.0"}, ""},
		{Module{Path: path, Version: "v1.1.0"}, ""},
		{Module{Path: path, Version: "(devel)"}, "possibly known "},
		{Module{Path: path, Version: "v1.4.0", Replacement: path}, ""},
		{Module{Path: path, Version: "v1.3.0", Replacement: path}, "known v1.3.0"},
		{Module{Path: path, Version: "v9.0.0", Replacement: "github.com/fork/pool"}, "possibly known "},
		{Module{Path: path, Replacement: "./third_party/pool"}, "possibly known "},
		{Module{Path: path + "/v2", Version: "v1.3.9"}, ""},
	} {
		found := l.MatchModule(tc.module)
		if tc.words == "" {
			require.Empty(t, found, tc.module)
			continue
		}
		require.Len(t, found, 1, tc.module)
		require.Equal(t, tc.words, found[0].Name()+" "+found[0].Version, tc.module)
	}
}

// Clients and servers of gRPC share some functions. Those of a server are no leak of a client.
func TestServerOfGRPCIsNoLeakOfAClient(t *testing.T) {
	match := func(function string) bool {
		frame := collector.Frame{Func: function, File: "/go/pkg/mod/google.golang.org/grpc@v1.83.2/internal/transport/controlbuf.go"}
		_, found := BuiltIn().Match(leak.Leak{Stacks: []leak.StackGrowth{{Frames: []collector.Frame{frame}}}})
		return found
	}
	require.True(t, match("google.golang.org/grpc/internal/transport.(*http2Client).reader"))
	require.False(t, match("google.golang.org/grpc/internal/transport.(*loopyWriter).run"))
	require.False(t, match("google.golang.org/grpc/internal/transport.(*http2Server).keepalive"))
}
