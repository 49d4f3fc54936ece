package archive

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"
)

// smallDisk makes a folder on its own disk with room for a few files. It needs root.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("a disk cannot be mounted: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, 0)) })
	return dir
}

// On a disk that is really full, documents stay whole, writes fail with an error, and an
// archive can still be opened. With room again, everything works.
func TestDiskThatIsFull(t *testing.T) {
	dir := smallDisk(t)
	a := open(t, "file://"+dir, nil)
	require.NoError(t, a.SaveLeak(t.Context(), aLeak("one")))
	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	require.NoError(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 1024))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.NoError(t, f.Close())

	big := aLeak("one")
	for len(big.Instances) < 1000 {
		big.Instances = append(big.Instances, "an instance")
	}
	err = a.SaveLeak(t.Context(), big)
	require.ErrorIs(t, err, syscall.ENOSPC)
	_, err = a.SaveProfile(t.Context(), shop, "a", noon, profile(strings.Repeat("x", 100_000)))
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Zero(t, testutil.ToFloat64(a.metrics.up))

	again := open(t, "file://"+dir, nil)
	leaks, err := again.Leaks(t.Context())
	require.NoError(t, err)
	require.Len(t, leaks, 1)
	require.Equal(t, aLeak("one"), leaks[0], "the old document, whole")
	require.NoError(t, again.Sweep(t.Context(), noon, time.Hour, nil), "to make room works")

	require.NoError(t, os.Remove(filler))
	require.NoError(t, a.SaveLeak(t.Context(), big))
	require.Equal(t, 1.0, testutil.ToFloat64(a.metrics.up))
	require.NotContains(t, a.keys(t), "leaks/one.json.tmp", "nothing half is left")
}
