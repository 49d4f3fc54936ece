package convert

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/internal/diff"
	"github.com/gorowatch/gorowatch/internal/stack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const dump = `goroutine 1 [running]:
main.main()
	/src/main.go:9 +0x1d

goroutine 7 [chan send, 12 minutes] {route: "/cart"}:
main.logHandler.func1(0xc000112000)
	/src/handler.go:29 +0x1d
created by main.logHandler in goroutine 5
	/src/handler.go:18 +0x5e

goroutine 8 [chan send (nil chan), 15 minutes] {route: "/cart"}:
gopkg.in/x%2ev2.(*T).send[...](0xc000112000)
	/src/x.go:29 +0x1d

`

// convert converts a dump and returns the file and the messages.
func convert(t *testing.T, text string) (path, said string) {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "dump.txt"), filepath.Join(dir, "out.pb.gz")
	require.NoError(t, os.WriteFile(in, []byte(text), 0o600))
	var stderr bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{Dump: in, Output: out}, &bytes.Buffer{}, &stderr))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 2)
	return out, stderr.String()
}

// The reference implementation reads the output.
func TestReferenceReadsIt(t *testing.T) {
	out, said := convert(t, dump)
	require.Equal(t, fmt.Sprintf("gorowatch: wrote %s: 3 goroutines in 3 stacks\n", out), said)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	p, err := profile.ParseData(data)
	require.NoError(t, err)
	require.NoError(t, p.CheckValid())
	require.Equal(t, "goroutine", p.SampleType[0].Type)
	require.Equal(t, "goroutine", p.PeriodType.Type)
	require.Len(t, p.Sample, 3)
	s := p.Sample[1]
	require.Equal(t, []int64{1}, s.Value)
	var names []string
	for _, l := range s.Location {
		names = append(names, l.Line[0].Function.Name)
	}
	require.Equal(t, []string{"runtime.gopark", "runtime.chansend1", "main.logHandler.func1"}, names)
	require.Equal(t, map[string][]string{"route": {"/cart"}, "state": {"chan send"}, "created_by": {"main.logHandler"}}, s.Label)
	require.Equal(t, []int64{12}, s.NumLabel["wait"])
	require.Equal(t, []string{"converted by gorowatch from debug=2"}, p.Comments)
}

// "go tool pprof" opens it, and looks for no program.
func TestPprofOpensIt(t *testing.T) {
	out, _ := convert(t, dump)
	cmd := exec.Command("go", "tool", "pprof", "-top", out)
	cmd.Env = append(os.Environ(), "PPROF_TMPDIR="+t.TempDir())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.Contains(t, string(text), "Type: goroutine")
	require.Contains(t, string(text), "Showing nodes accounting for 3, 100% of 3 total")
	require.Regexp(t, `2 66.67% .* runtime.gopark`, string(text))
	require.Contains(t, string(text), "main.logHandler.func1")
	require.NotContains(t, stderr.String(), "binary")
}

// gorowatch finds the same stacks in its output as in the dump, for real ones too.
func TestSameStacks(t *testing.T) {
	files, err := filepath.Glob("../stack/testdata/profiles/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		out, _ := convert(t, string(data))
		var l diff.Loader
		want, err := l.Load(t.Context(), file)
		require.NoError(t, err)
		got, err := l.Load(t.Context(), out)
		require.NoError(t, err)
		require.Equal(t, want.Total, got.Total, file)
		if strings.Contains(file, "debug2") {
			for _, d := range stack.Diff(want, got) {
				t.Errorf("%s: %s: %d → %d", file, d.Signature, d.Base, d.Head)
			}
		}
	}
}

func TestSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "log.txt")
	require.NoError(t, os.WriteFile(in, []byte("starting\n"+strings.ReplaceAll("2026-05-01T10:22:33.1Z "+strings.ReplaceAll(dump, "\n", "\n2026-05-01T10:22:33.1Z "), "\t", "")), 0o600))
	var stdout, stderr bytes.Buffer
	require.NoError(t, Run(t.Context(), Options{Dump: in, Output: "-"}, &stdout, &stderr))
	require.Contains(t, stderr.String(), "log.txt: read as: kubectl log with timestamps; prefix stripped from 15 lines; tabs before files are gone; 1 line that belongs to no goroutine ignored\n")
	p, err := profile.ParseData(stdout.Bytes())
	require.NoError(t, err)
	require.Len(t, p.Sample, 3)

	require.NoError(t, os.WriteFile(in, []byte("nothing"), 0o600))
	require.ErrorContains(t, Run(t.Context(), Options{Dump: in, Output: "-"}, &stdout, &stderr), "that is text, not a goroutine profile")
	require.NoError(t, os.WriteFile(in, []byte(dump), 0o600))
	require.ErrorContains(t, Run(t.Context(), Options{Dump: in, Output: filepath.Join(dir, "none", "x")}, &stdout, &stderr), "no such file or directory")
}

// FuzzBuilder makes valid profiles from any record.
func FuzzBuilder(f *testing.F) {
	f.Add("main.f", "/f.go", 3, int64(7), "chan send", "route", "/cart")
	f.Fuzz(func(t *testing.T, function, file string, line int, count int64, state, key, value string) {
		b := newBuilder()
		rec := &collector.Record{Count: count, Frames: []*collector.Frame{{Func: function, File: file, Line: line}, {}}, State: state, Labels: map[string]string{key: value}}
		require.NoError(t, b.add(collector.FormatDebug2, rec))
		require.NoError(t, b.add(collector.FormatDebug1, rec))
		p := b.profile(&collector.Profile{Kind: collector.KindGoroutine})
		require.NoError(t, p.CheckValid())
		var out bytes.Buffer
		require.NoError(t, p.Write(&out))
		_, err := profile.ParseData(out.Bytes())
		require.NoError(t, err)
	})
}
