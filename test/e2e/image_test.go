//go:build linux

package e2e

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// No engine builds the image in these tests. Its promises are tested without one: the binary
// needs no other file, no root, and no writable folder but that of its state.
func TestImageNeedsNothingElse(t *testing.T) {
	t.Parallel()
	binary := built(t, buildGorowatch, "gorowatch")
	file, err := elf.Open(binary)
	require.NoError(t, err)
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	require.Empty(t, libraries)
	for _, p := range file.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "gorowatch is linked dynamically")
	}

	g, root := StartImage(t, map[string]string{"/gorowatch.yml": "targets: [{static: ['127.0.0.1:1']}]\n"}, []string{"/data"}, nil,
		"serve", "--config.file=/gorowatch.yml", "--storage.url=file:///data", "--storage.tsdb.path=/data/series", "--web.listen-address=127.0.0.1:0")
	data := filepath.Join(root, "data")

	g.WaitReady(t)
	require.NoError(t, answers(g.URL+"/-/healthy"))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.PID()))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^Uid:\s+65532\s+65532\s`, string(status))
	require.Regexp(t, `(?m)^CapEff:\s+0+$`, string(status))
	Eventually(t, startTime, "the image writes its state", func() error {
		entries, err := os.ReadDir(data)
		if err == nil && len(entries) == 0 {
			err = errNotYet
		}
		return err
	})
	g.Stop(t)

	var written []string
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if path == data {
			return fs.SkipDir
		}
		written = append(written, d.Name())
		return nil
	}))
	require.Equal(t, []string{"gorowatch", "gorowatch.yml"}, written)
}
