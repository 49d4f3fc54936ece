//go:build linux

package e2e

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// nobody is the user of the image.
const nobody = 65532

// No engine builds the image in these tests. What it promises is held without:
// the binary needs nothing beside it, no root, and no folder that it may write
// but the one for its state.
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

	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root may change the root folder")
		}
		t.Skip("only root may change the root folder")
	}
	root, err := os.MkdirTemp("", "gorowatch-image-") //nolint:usetesting // only root may enter the folder of a test
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	data := filepath.Join(root, "data")
	require.NoError(t, os.Mkdir(data, 0o755))
	require.NoError(t, os.Chown(data, nobody, nobody))
	text, err := os.ReadFile(binary)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "gorowatch"), text, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "gorowatch.yml"), []byte("targets: [{static: ['127.0.0.1:1']}]\n"), 0o644))
	// Everything but the state is root's, and the process is not root.
	require.NoError(t, os.Chmod(root, 0o555))

	out := newOutput()
	cmd := exec.Command("/gorowatch", "serve", "--config.file=/gorowatch.yml", "--storage.url=file:///data", "--storage.tsdb.path=/data/series", "--web.listen-address=127.0.0.1:0")
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = processAttributes()
	cmd.SysProcAttr.Chroot = root
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	p := &Program{name: "the image", cmd: cmd, out: out, exited: make(chan struct{})}
	p.run(t)

	url := "http://" + p.WaitFor(t, listening)[1]
	Eventually(t, startTime, "the image is ready", func() error { return answers(url + "/-/ready") })
	require.NoError(t, answers(url+"/-/healthy"))
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^Uid:\s+65532\s+65532\s`, string(status))
	require.Regexp(t, `(?m)^CapEff:\s+0+$`, string(status))
	Eventually(t, 10*time.Second, "the image writes its state", func() error {
		entries, err := os.ReadDir(data)
		if err == nil && len(entries) == 0 {
			err = errNotYet
		}
		return err
	})
	p.Stop(t)

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
