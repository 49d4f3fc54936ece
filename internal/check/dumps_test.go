package check

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/internal/diff"
)

// dump makes a dump with senders, of which some are unreachable, and workers.
func dump(senders, leaked, workers int) string {
	var b strings.Builder
	goroutine := func(id int, state, name string) {
		fmt.Fprintf(&b, "goroutine %d [%s]:\n%s()\n\t/src/x.go:29 +0x1d\n\n", id, state, name)
	}
	for i := range senders {
		goroutine(100+i, map[bool]string{true: "chan send (leaked)", false: "chan send"}[i < leaked], "main.leak")
	}
	for i := range workers {
		goroutine(200+i, "select", "main.work")
	}
	return b.String()
}

func compareDumps(t *testing.T, base, head []string) (leaked bool, out, log string) {
	t.Helper()
	var b, progress bytes.Buffer
	leaked, err := Run(t.Context(), Options{Base: base, Head: head, Format: diff.FormatJSON}, &b, &progress)
	require.NoError(t, err)
	return leaked, b.String(), progress.String()
}

func TestCompareDumps(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	before := file("before.txt", dump(5, 0, 3))
	busy := file("busy.txt", dump(5, 0, 9))
	after := file("after.txt", dump(8, 0, 9))
	later := file("later.txt", dump(8, 0, 3))
	proven := file("proven.txt", dump(8, 7, 3))
	known := file("known.txt", dump(5, 5, 3))
	coarse := file("coarse.txt", "goroutine profile: total 11\n8 @ 0x1\n#\t0x1\tmain.leak+0x1d\t/src/x.go:29\n\n3 @ 0x2\n#\t0x2\tmain.work+0x1d\t/src/x.go:29\n")
	bundle := filepath.Join(dir, "bundle.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("pod/goroutine.txt")
	require.NoError(t, err)
	_, err = io.WriteString(w, dump(8, 0, 3))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(bundle, b.Bytes(), 0o644))

	for _, tc := range []struct {
		name           string
		base, head     []string
		stayed, proven int
		evidence       string
	}{
		{"the same", []string{before}, []string{before}, 0, 0, ""},
		{"two grew", []string{before}, []string{after}, 9, 0, "stack"},
		{"one is in each", []string{before}, []string{after, later}, 3, 0, "stack"},
		{"of several earlier ones, the most count", []string{before, busy}, []string{after}, 3, 0, "stack"},
		{"some are unreachable", []string{before}, []string{proven}, 3, 3, "proven"},
		{"what was unreachable before is no proof", []string{known}, []string{proven}, 3, 2, "proven"},
		{"from debug=2 to debug=1", []string{before}, []string{coarse}, 3, 0, "stack"},
		{"of both formats", []string{before}, []string{coarse, later}, 3, 0, "stack"},
		{"a bundle", []string{before}, []string{bundle}, 3, 0, "stack"},
		{"one of a bundle", []string{bundle + ":pod/goroutine.txt"}, []string{after}, 6, 0, "stack"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			leaked, out, log := compareDumps(t, tc.base, tc.head)
			var got struct {
				Evidence       string
				Stayed, Proven int
				Dumps          string
				Target         *string
				Diff           struct{ Head struct{ Goroutines int } }
			}
			require.NoError(t, json.Unmarshal([]byte(out), &got))
			require.Equal(t, []int{tc.stayed, tc.proven}, []int{got.Stayed, got.Proven})
			require.Equal(t, tc.evidence, got.Evidence)
			require.Equal(t, tc.stayed > 0, leaked)
			require.Equal(t, strings.Join(tc.base, ", ")+" → "+strings.Join(tc.head, ", "), got.Dumps)
			require.Nil(t, got.Target)
			require.Positive(t, got.Diff.Head.Goroutines)
			require.Empty(t, log)
		})
	}

	other := file("other.txt", "goroutine 1 [select]:\nother.serve()\n\t/src/y.go:2 +0x1d\n")
	_, _, log := compareDumps(t, []string{before}, []string{other})
	require.Contains(t, log, "profiles of different programs")
}

// Warnings about the profiles of a target are logged once.
func TestRemarksAreLoggedOnce(t *testing.T) {
	var log []string
	c := &checker{log: func(f string, a ...any) { log = append(log, fmt.Sprintf(f, a...)) }}
	path := filepath.Join(t.TempDir(), "log.txt")
	require.NoError(t, os.WriteFile(path, []byte("web-1 | "+strings.ReplaceAll(strings.TrimSpace(dump(2, 0, 1)), "\n", "\nweb-1 | ")+"\n"), 0o644))
	s, err := (&diff.Loader{}).Load(t.Context(), path)
	require.NoError(t, err)
	require.NotEmpty(t, s.ReadAs)
	c.remark("target", s)
	c.remark("target", s)
	require.Equal(t, []string{"target: read as: " + s.ReadAs}, log)
}
