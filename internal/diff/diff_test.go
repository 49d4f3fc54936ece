package diff

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/stack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	baseDump = `goroutine 1 [running]:
main.main()
	/src/main.go:9 +0x1d

goroutine 5 [select, 2 minutes]:
main.work(0xc000112000)
	/src/work.go:12 +0x1d
created by main.main in goroutine 1
	/src/main.go:7 +0x5e

goroutine 6 [chan send]:
main.logHandler.func1()
	/src/handler.go:29 +0x1d
created by main.logHandler in goroutine 1
	/src/handler.go:18 +0x5e

`
	// More of the leak; the worker is gone; a reader has come.
	leakDump = `goroutine %d [chan send, %d minutes]:
main.logHandler.func1()
	/src/handler.go:29 +0x1d
created by main.logHandler in goroutine 1
	/src/handler.go:18 +0x5e

`
	readDump = `goroutine 7 [IO wait]:
internal/poll.runtime_pollWait(0x7f, 0x72)
	/usr/local/go/src/runtime/netpoll.go:351 +0x85
net.(*conn).Read(0xc0, {0xc1, 0x1, 0x1})
	/usr/local/go/src/net/net.go:196 +0x45
main.(*peer[...]).read(0x0)
	/src/peer.go:40 +0x1
created by main.(*peer[...]).start in goroutine 1
	/src/peer.go:20 +0x1

goroutine 1 [running]:
main.main()
	/src/main.go:9 +0x1d

`
)

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	at := time.Date(2026, 3, 1, 14, 2, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(path, at, at))
	return path
}

func headDump() string {
	var b strings.Builder
	for i := range 1904 {
		fmt.Fprintf(&b, leakDump, 100+i, i%119)
	}
	return b.String() + readDump
}

func TestRunFormats(t *testing.T) {
	base, head := write(t, "base.txt", baseDump), write(t, "head.txt", headDump())
	for format, golden := range map[string]string{"": "table.txt", FormatTable: "table.txt", FormatJSON: "report.json", FormatMarkdown: "report.md"} {
		var out, odd bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Format: format}, &out, &odd))
		require.Empty(t, odd.String())
		path := filepath.Join("testdata", golden)
		if *update {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), out.String(), golden)
		if format == FormatJSON {
			require.True(t, json.Valid(out.Bytes()))
		}
	}
}

func TestRunLimit(t *testing.T) {
	base, head := write(t, "base.txt", baseDump), write(t, "head.txt", headDump())
	var out bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Top: 1}, &out, io.Discard))
	require.Contains(t, out.String(), "… and 2 stacks that changed less.")
	require.NotContains(t, out.String(), "peer.go")
}

// Top holds for all formats.
func TestRunTop(t *testing.T) {
	base, head := write(t, "base.txt", baseDump), write(t, "head.txt", headDump())
	for _, tc := range []struct {
		format    string
		top, want int
	}{
		{FormatTable, 0, 3}, {FormatTable, 1, 1}, {FormatTable, 2, 2}, {FormatTable, 9, 3},
		{FormatMarkdown, 1, 1}, {FormatMarkdown, 2, 2},
		{FormatJSON, 0, 3}, {FormatJSON, 1, 1}, {FormatJSON, 2, 2}, {FormatJSON, 9, 3},
	} {
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Format: tc.format, Top: tc.top}, &out, io.Discard))
		places := 0
		for _, place := range []string{"handler.go:29", "peer.go:40", "work.go:12"} {
			if strings.Contains(out.String(), place) {
				places++
			}
		}
		require.Equal(t, tc.want, places, "%+v\n%s", tc, out.String())
		if tc.format == FormatJSON {
			var all struct{ Stacks []any }
			require.NoError(t, json.Unmarshal(out.Bytes(), &all))
			require.Len(t, all.Stacks, tc.want)
		}
	}
}

// The JSON is streamed: never more than a buffer at once.
func TestJSONIsStreamed(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "goroutine %d [select]:\nmain.f%d()\n\t/src/f.go:1 +0x1\n\n", i+1, i)
	}
	var most mostWritten
	require.NoError(t, Run(t.Context(), Options{Base: write(t, "base.txt", baseDump), Head: write(t, "head.txt", b.String()), Format: FormatJSON}, &most, io.Discard))
	require.Greater(t, most.total, 500_000)
	require.Less(t, most.largest, 10_000)

	var out bytes.Buffer
	same := write(t, "same.txt", baseDump)
	require.NoError(t, Run(t.Context(), Options{Base: same, Head: same, Format: FormatJSON}, &out, io.Discard))
	require.Contains(t, out.String(), "\"stacks\": []\n}\n")
	require.True(t, json.Valid(out.Bytes()))
}

// The labels that all goroutines of a stack share are shown, except in the format for pull
// requests.
func TestRunLabels(t *testing.T) {
	dump := strings.NewReplacer("[chan send]:", "[chan send] {route: \"/cart\", n: 7}:").Replace(baseDump) +
		"goroutine 8 [chan send] {route: \"/cart\", n: 8}:\nmain.logHandler.func1()\n\t/src/handler.go:29 +0x1d\n\n"
	base, head := write(t, "base.txt", readDump), write(t, "head.txt", dump)
	for format, shown := range map[string]string{FormatTable: "\n    labels: route=/cart\n", FormatJSON: `"route": "/cart"`, FormatMarkdown: ""} {
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: base, Head: head, Format: format}, &out, io.Discard))
		require.Contains(t, out.String(), shown)
		require.Equal(t, shown != "", strings.Contains(out.String(), "route"), format)
	}
}

func TestRunURL(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		if strings.HasPrefix(r.URL.Path, "/missing") {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, baseDump)
	}))
	defer s.Close()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	o := Options{Base: s.URL + "/debug/pprof/goroutine?debug=2", Head: write(t, "head.txt", headDump()), Loader: Loader{Client: &http.Client{Transport: tr}}}
	var out bytes.Buffer
	require.NoError(t, Run(t.Context(), o, &out, io.Discard))
	require.Contains(t, out.String(), "+1,903 (1 → 1,904)")
	require.Equal(t, []string{"/debug/pprof/goroutine?debug=2"}, asked, "asked as it was given")

	o.Base = strings.Replace(s.URL, "http://", "http://me:hunter2@", 1) + "/missing?token=s3cret"
	err := Run(t.Context(), o, &out, io.Discard)
	require.ErrorContains(t, err, "base: "+s.URL+"/missing?token=xxx: 404")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	good := write(t, "good.txt", baseDump)
	cut := filepath.Join(t.TempDir(), "cut.txt")
	f, err := os.Create(cut)
	require.NoError(t, err)
	whole := strings.Repeat(baseDump, 1000)
	for n := 0; n < 64<<20; {
		m, err := f.WriteString(whole[:min(len(whole), 64<<20-n)])
		require.NoError(t, err)
		n += m
	}
	require.NoError(t, f.Close())
	for _, tc := range []struct{ base, head, format, want string }{
		{"no such file", good, "", "base: open no such file: no such file or directory"},
		{good, t.TempDir(), "", "it is a folder, not a profile"},
		{write(t, "empty", ""), good, "", "empty: it is empty, not a profile"},
		{good, write(t, "page", "<html>"), "", "head: "},
		{good, cut, "", "cut.txt: the dump was cut at 64 MB, so its counts mean nothing"},
		{good, good, "xml", `no format "xml"`},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, Run(t.Context(), Options{Base: tc.base, Head: tc.head, Format: tc.format}, &out, io.Discard), tc.want)
		require.Empty(t, out.String())
	}
}

// Names of functions are shown as people write them.
func TestRunShowsReadableNames(t *testing.T) {
	head := baseDump + strings.ReplaceAll(fmt.Sprintf(leakDump, 99, 3), "main.logHandler", "gopkg.in/natefinch/lumberjack%2ev2.(*Logger).mill")
	for _, format := range []string{FormatTable, FormatJSON, FormatMarkdown} {
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: write(t, "base.txt", baseDump), Head: write(t, "head.txt", head), Format: format}, &out, io.Discard))
		require.Contains(t, out.String(), "gopkg.in/natefinch/lumberjack.v2.(*Logger).mill.func1", format)
		require.Contains(t, strings.ReplaceAll(out.String(), `"created_by": "`, "created by "), "created by gopkg.in/natefinch/lumberjack.v2.(*Logger).mill", format)
		require.NotContains(t, out.String(), "%2e", format)
	}
}

// Warnings about a profile appear beside the report.
func TestRunWarns(t *testing.T) {
	twice := write(t, "twice.txt", headDump()+"\nanother one\n\n"+headDump())
	var out, odd bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{Base: write(t, "base.txt", baseDump), Head: twice}, &out, &odd))
	require.Equal(t, "gorowatch: "+twice+": read as: debug=2 dump; 1 line that belongs to no goroutine ignored\ngorowatch: "+twice+": it holds 2 dumps, one behind the other; only the last one is used\n", odd.String())
	require.Contains(t, out.String(), "+1,903 (1 → 1,904)")
}

func TestRunDifferentPrograms(t *testing.T) {
	other := strings.NewReplacer("main.", "example.com/other.", "/src/", "/other/").Replace(baseDump)
	var out, odd bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{Base: write(t, "a", baseDump), Head: write(t, "b", other)}, &out, &odd))
	require.Contains(t, odd.String(), "different programs")
	require.Contains(t, out.String(), "example.com/other.work")
}

// Whatever names a profile has, they stay within their lines.
func TestReportIsInert(t *testing.T) {
	evil := "goroutine 1 [chan send]:\nmain.\x1b[31m```f\u202e<b>(0x1)\n\t/src/`x`.go:1 +0x1\n\n"
	for _, format := range []string{FormatTable, FormatMarkdown, FormatJSON} {
		var out bytes.Buffer
		require.NoError(t, Run(t.Context(), Options{Base: write(t, "a", baseDump), Head: write(t, "b", evil), Format: format}, &out, io.Discard))
		require.NotContains(t, out.String(), "\x1b")
		if format != FormatJSON {
			require.NotContains(t, out.String(), "\u202e")
		}
		for line := range strings.Lines(out.String()) {
			require.False(t, strings.HasPrefix(strings.TrimLeft(line, " "), "```f"))
		}
	}
}

// The loader does not mix a part of a failed profile into the next.
func TestLoaderAfterAnError(t *testing.T) {
	l := &Loader{}
	_, err := l.Load(t.Context(), write(t, "cut", "goroutine profile: total 9\n3 @ 0x1\n#\t0x1\tmain.f+0x1\t/f.go:1\n\n"))
	require.Error(t, err)
	s, err := l.Load(t.Context(), write(t, "good", baseDump))
	require.NoError(t, err)
	require.EqualValues(t, 3, s.Total)
}

func TestServerAlone(t *testing.T) {
	for place, want := range map[string]string{
		"http://x:80":         "http://x:80/debug/pprof/goroutine",
		"https://x/?debug=2":  "https://x/debug/pprof/goroutine?debug=2",
		"http://x/internal/p": "http://x/internal/p",
		"gops://x:80":         "gops://x:80",
	} {
		u, ok := asURL(place)
		require.True(t, ok)
		require.Equal(t, want, u.String())
	}
}

func TestShare(t *testing.T) {
	r := Of(&stack.Snapshot{}, &stack.Snapshot{}, []stack.Delta{{Head: 30}, {Head: 10}, {Base: 5}})
	require.Equal(t, []float64{0.75, 0.25, 0}, []float64{r.Stacks[0].Share, r.Stacks[1].Share, r.Stacks[2].Share})
}

// BenchmarkProcess compares whole processes on the same two profiles of 20 000 distinct stacks,
// 30 deep: gorowatch as `make build` makes it and with the tag slim, and go tool pprof. They
// take turns, so that other load on the machine affects all of them, and the ratio is the
// median over the turns. Run it with -benchtime=20x.
func BenchmarkProcess(b *testing.B) {
	dir := b.TempDir()
	base, head := filepath.Join(dir, "base.pb.gz"), filepath.Join(dir, "head.pb.gz")
	manyStacks(b, base, 1)
	manyStacks(b, head, 2)
	pprof, err := exec.Command("go", "tool", "-n", "pprof").Output()
	require.NoError(b, err)
	full, slim := filepath.Join(dir, "gorowatch"), filepath.Join(dir, "slim")
	out, err := exec.Command("make", "--no-print-directory", "-C", "../..", "build", "BINARY="+full).CombinedOutput()
	require.NoError(b, err, "%s", out)
	build := exec.Command("go", "build", "-trimpath", "-tags=slim", "-ldflags=-s -w", "-o", slim, "../../cmd/gorowatch")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err = build.CombinedOutput()
	require.NoError(b, err, "%s", out)

	type program struct {
		name string
		args []string
		cpu  []float64 // milliseconds of each run
	}
	programs := []*program{
		{name: "pprof", args: []string{strings.TrimSpace(string(pprof)), "-top", "-symbolize=none", "-base", base, head}},
		{name: "gorowatch", args: []string{full, "diff", base, head}},
		{name: "slim", args: []string{slim, "diff", base, head}},
		{name: "start", args: []string{full, "version"}},
	}
	for b.Loop() {
		for _, p := range programs {
			c := exec.Command(p.args[0], p.args[1:]...)
			c.Env = append(os.Environ(), "PPROF_TMPDIR="+dir)
			out, err := c.Output()
			require.NoError(b, err)
			require.NotEmpty(b, out)
			p.cpu = append(p.cpu, float64((c.ProcessState.UserTime()+c.ProcessState.SystemTime()).Microseconds())/1000)
		}
	}
	for i, p := range programs {
		b.ReportMetric(median(p.cpu), p.name+"-cpu-ms")
		if i == 0 {
			continue
		}
		ratios := make([]float64, len(p.cpu))
		for turn, cpu := range p.cpu {
			ratios[turn] = programs[0].cpu[turn] / cpu
		}
		b.ReportMetric(median(ratios), "pprof/"+p.name)
	}
	b.ReportMetric(0, "ns/op") // the sum of all of them, which means nothing
}

// median returns the median of numbers without changing their order.
func median(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }

// BenchmarkJSON writes 20 000 stacks, 30 deep.
func BenchmarkJSON(b *testing.B) {
	dir := b.TempDir()
	base, head := filepath.Join(dir, "base.pb.gz"), filepath.Join(dir, "head.pb.gz")
	manyStacks(b, base, 1)
	manyStacks(b, head, 2)
	l := &Loader{}
	before, err := l.Load(b.Context(), base)
	require.NoError(b, err)
	after, err := l.Load(b.Context(), head)
	require.NoError(b, err)
	r := New(before, after)
	for _, top := range []int{0, 20} {
		b.Run(fmt.Sprintf("top=%d", top), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var most mostWritten
				require.NoError(b, r.Write(&most, FormatJSON, top))
				b.ReportMetric(float64(most.total)/1e6, "MB-written")
				b.ReportMetric(float64(most.largest)/1e6, "MB-at-once")
			}
		})
	}
}

// mostWritten records how much was written, in all and at once.
type mostWritten struct{ total, largest int }

func (m *mostWritten) Write(b []byte) (int, error) {
	m.total += len(b)
	m.largest = max(m.largest, len(b))
	return len(b), nil
}

func manyStacks(b testing.TB, path string, seed uint64) {
	shape, counts := rand.New(rand.NewPCG(7, 7)), rand.New(rand.NewPCG(seed, seed))
	m := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x4000000, File: "/app/server", HasFunctions: true}
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "goroutine", Unit: "count"}}, Mapping: []*profile.Mapping{m}}
	location := func(name, file string) *profile.Location {
		id := uint64(len(p.Location) + 1)
		fn := &profile.Function{ID: id, Name: name, SystemName: name, Filename: file}
		l := &profile.Location{ID: id, Mapping: m, Address: 0x400000 + id*64, Line: []profile.Line{{Function: fn, Line: int64(20 + id%300)}}}
		p.Function, p.Location = append(p.Function, fn), append(p.Location, l)
		return l
	}
	var lead, user []*profile.Location
	for _, n := range []string{"gopark", "chansend", "chansend1"} {
		lead = append(lead, location("runtime."+n, "/usr/local/go/src/runtime/chan.go"))
	}
	for i := range 6000 {
		user = append(user, location(fmt.Sprintf("github.com/acme/shop/internal/pkg%d.(*Server).handle%d", i%150, i), fmt.Sprintf("/src/internal/pkg%d/file%d.go", i%150, i%7)))
	}
	// As in a program, each function has a few callers. Random callers for each stack would
	// make a graph of half a million edges, which no program has and which takes go tool pprof
	// three times as long.
	callers := make([][4]int, len(user))
	for i := range callers {
		for j := range callers[i] {
			callers[i][j] = shape.IntN(len(user))
		}
	}
	for range 20_000 {
		s := &profile.Sample{Location: lead[:len(lead):len(lead)], Value: []int64{1 + counts.Int64N(50)}}
		for at := shape.IntN(len(user)); len(s.Location) < 30; at = callers[at][shape.IntN(4)] {
			s.Location = append(s.Location, user[at])
		}
		p.Sample = append(p.Sample, s)
	}
	f, err := os.Create(path)
	require.NoError(b, err)
	require.NoError(b, p.Write(f))
	require.NoError(b, f.Close())
}
