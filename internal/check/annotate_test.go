package check

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// dumpOf makes a dump of n goroutines that are stuck in a file.
func dumpOf(t *testing.T, n int, file string) string {
	var b strings.Builder
	b.WriteString("goroutine 1 [running]:\nmain.main()\n\t/src/app/main.go:10 +0x1\n\n")
	for i := range n {
		fmt.Fprintf(&b, "goroutine %d [chan send, 5 minutes]:\nexample.com/app/internal/worker.(*Pool).run(0xc0000)\n\t%s:42 +0x1d\ncreated by example.com/app/internal/worker.New in goroutine 1\n\t%s:20 +0x2\n\n", 10+i, file, file)
	}
	name := filepath.Join(t.TempDir(), "dump.txt")
	require.NoError(t, os.WriteFile(name, []byte(b.String()), 0o600))
	return name
}

// checkout makes a module with the leaking file.
func checkout(t *testing.T) string {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/app\n\ngo 1.26\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(root, "internal/worker"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "internal/worker/pool.go"), []byte("package worker\n"), 0o600))
	return root
}

// A leak is shown at its line in the checkout, wherever the program was built.
func TestReportsForPipelines(t *testing.T) {
	root := checkout(t)
	for name, file := range map[string]string{
		"built here":      filepath.Join(root, "internal/worker/pool.go"),
		"with -trimpath":  "example.com/app/internal/worker/pool.go",
		"built elsewhere": "/build/src/app/internal/worker/pool.go",
	} {
		t.Run(name, func(t *testing.T) {
			reports := t.TempDir()
			o := Options{
				Base: []string{dumpOf(t, 1, file)}, Head: []string{dumpOf(t, 4, file)}, Format: FormatGitHub, Root: root,
				SARIF: filepath.Join(reports, "x.sarif"), CodeQuality: filepath.Join(reports, "x.json"),
			}
			var out, progress bytes.Buffer
			leaked, err := Run(t.Context(), o, &out, &progress)
			require.NoError(t, err)
			require.True(t, leaked)
			first, _, _ := strings.Cut(out.String(), "\n")
			require.Regexp(t, `^::error file=internal/worker/pool.go,line=42,title=Goroutine leak::3 goroutines stayed at example.com/app/internal/worker.\(\*Pool\).run .*pool.go:42$`, first)
			require.Contains(t, out.String(), "LEAK: 3 goroutines stayed")

			quality, err := os.ReadFile(o.CodeQuality)
			require.NoError(t, err)
			var issues []struct {
				Fingerprint, Severity string
				CheckName             string `json:"check_name"`
				Location              struct {
					Path  string
					Lines struct{ Begin int }
				}
			}
			require.NoError(t, json.Unmarshal(quality, &issues))
			require.Len(t, issues, 1)
			require.Equal(t, "goroutine-leak", issues[0].CheckName)
			require.Len(t, issues[0].Fingerprint, 64)
			require.Equal(t, "internal/worker/pool.go", issues[0].Location.Path)
			require.Equal(t, 42, issues[0].Location.Lines.Begin)

			report, err := os.ReadFile(o.SARIF)
			require.NoError(t, err)
			if name == "with -trimpath" { // test/scenarios validates it by the schema
				golden := "testdata/leak.sarif"
				if *update {
					require.NoError(t, os.WriteFile(golden, report, 0o600))
				}
				want, err := os.ReadFile(golden)
				require.NoError(t, err)
				require.JSONEq(t, string(want), string(report), "go test ./internal/check -run Pipelines -update")
			}
		})
	}
}

// A leak in a library has no line in the checkout; allowed leaks are no findings.
func TestReportsWithoutAPlace(t *testing.T) {
	root := checkout(t)
	library := "/go/pkg/mod/example.com/lib@v1.2.3/../../etc/passwd"
	o := Options{
		Base: []string{dumpOf(t, 1, library)}, Head: []string{dumpOf(t, 4, library)}, Format: FormatGitHub, Root: root,
		SARIF: filepath.Join(t.TempDir(), "x.sarif"), CodeQuality: filepath.Join(t.TempDir(), "x.json"),
	}
	var out, progress bytes.Buffer
	_, err := Run(t.Context(), o, &out, &progress)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(out.String(), "::error title=Goroutine leak::3 goroutines"), out.String())
	o.Allow = 3
	out.Reset()
	leaked, err := Run(t.Context(), o, &out, &progress)
	require.NoError(t, err)
	require.False(t, leaked)
	require.NotContains(t, out.String(), "::error")
	quality, err := os.ReadFile(o.CodeQuality)
	require.NoError(t, err)
	require.JSONEq(t, "[]", string(quality))

	o.SARIF = filepath.Join(t.TempDir(), "no", "such", "x.sarif")
	_, err = Run(t.Context(), o, &out, &progress)
	require.ErrorContains(t, err, "SARIF report: ")
}

// A leak of a library that was reported is said to be known, at the line of go.mod that
// requires it, and everywhere that people read.
func TestReportsOfAKnownLeak(t *testing.T) {
	root := checkout(t)
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/app\n\ngo 1.26\n\nrequire (\n\tgithub.com/acme/x v1.0.0\n\tgithub.com/panjf2000/ants/v2 v2.7.0\n)\n"), 0o600))
	dump := func(n int) string {
		var b strings.Builder
		b.WriteString("goroutine 1 [running]:\nmain.main()\n\t/src/app/main.go:10 +0x1\n\n")
		for i := range n {
			const at = "/go/pkg/mod/github.com/panjf2000/ants/v2@v2.7.0/pool.go"
			fmt.Fprintf(&b, "goroutine %d [sleep, 5 minutes]:\ngithub.com/panjf2000/ants/v2.(*Pool).ticktock(0xc0000)\n\t%s:42 +0x1d\ncreated by github.com/panjf2000/ants/v2.NewPool in goroutine 1\n\t%s:20 +0x2\n\n", 10+i, at, at)
		}
		name := filepath.Join(t.TempDir(), "dump.txt")
		require.NoError(t, os.WriteFile(name, []byte(b.String()), 0o600))
		return name
	}
	const known = "known: fixed in v2.7.1 (panjf2000/ants#263): Release does not end the goroutine that keeps the pool's clock. Upgrade."
	for _, format := range []string{FormatGitHub, "table", "markdown", "json"} {
		o := Options{Base: []string{dump(1)}, Head: []string{dump(4)}, Format: format, Root: root, SARIF: filepath.Join(t.TempDir(), "x.sarif"), JUnit: filepath.Join(t.TempDir(), "x.xml")}
		var out, progress bytes.Buffer
		leaked, err := Run(t.Context(), o, &out, &progress)
		require.NoError(t, err)
		require.True(t, leaked)
		switch format {
		case FormatGitHub:
			require.Contains(t, out.String(), "::error file=go.mod,line=7,title=Goroutine leak::3 goroutines stayed at github.com/panjf2000/ants/v2.(*Pool).ticktock")
			require.Contains(t, out.String(), "pool.go:42; "+known)
		case "table":
			require.Contains(t, out.String(), "\n    "+known)
		case "markdown":
			require.Contains(t, out.String(), "\n**Known**: fixed in v2.7.1 (panjf2000/ants#263): ")
			require.Contains(t, out.String(), " [Report](https://github.com/panjf2000/ants/issues/263)\n")
		default:
			var doc struct {
				Diff struct {
					Stacks []struct {
						Known struct {
							ID, Version, Fixed string
							Certain            bool
						}
					}
				}
			}
			require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
			require.Equal(t, "ants", doc.Diff.Stacks[0].Known.ID)
			require.Equal(t, "v2.7.0", doc.Diff.Stacks[0].Known.Version)
			require.Equal(t, "v2.7.1", doc.Diff.Stacks[0].Known.Fixed)
			require.True(t, doc.Diff.Stacks[0].Known.Certain)
		}
		for _, file := range []string{o.SARIF, o.JUnit} {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Contains(t, string(text), "known: fixed in v2.7.1 (panjf2000/ants#263)")
		}
	}
}
