package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// nobody is the user of the image.
const nobody = 65532

// StartImage runs gorowatch as the image does: as its user, in a root folder that has the
// binary and files, by their absolute paths. It may only write to the folders in writable. It
// also returns the root folder.
func StartImage(t testing.TB, files map[string]string, writable, env []string, args ...string) (g *Gorowatch, root string) {
	t.Helper()
	return startIn(t, "/gorowatch", files, writable, env, args...)
}

// startIn is StartImage with the binary at another path.
func startIn(t testing.TB, path string, files map[string]string, writable, env []string, args ...string) (g *Gorowatch, root string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may change the root folder")
	}
	binary, err := os.ReadFile(built(t, buildGorowatch, "gorowatch"))
	require.NoError(t, err)
	root, err = os.MkdirTemp("", "gorowatch-image-") //nolint:usetesting // only root may enter the folder of a test
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(root)) })
	put := func(path, text string, mode os.FileMode) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), mode))
	}
	put(path, string(binary), 0o755)
	for path, text := range files {
		put(path, text, 0o644)
	}
	for _, path := range writable {
		require.NoError(t, os.MkdirAll(filepath.Join(root, path), 0o755))
		require.NoError(t, os.Chown(filepath.Join(root, path), nobody, nobody))
	}
	require.NoError(t, os.Chmod(root, 0o555))

	out := newOutput()
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = "/", append([]string{}, env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = processAttributes()
	cmd.SysProcAttr.Chroot = root
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	p := &Program{name: "the image", cmd: cmd, out: out, exited: make(chan struct{})}
	p.run(t)
	return &Gorowatch{Program: p, URL: "http://" + p.WaitFor(t, listening)[1]}, root
}
