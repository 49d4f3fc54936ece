package bundle

import (
	"archive/tar"
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bombSize = 64 << 20

// bomb writes a few bytes that decompress to many.
func bomb(t *testing.T, name string, write func(io.Writer)) *os.File {
	f, err := os.Create(filepath.Join(t.TempDir(), name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	write(f)
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	return f
}

func writeTar(w io.Writer) {
	tw := tar.NewWriter(w)
	_ = tw.WriteHeader(&tar.Header{Name: "core", Size: bombSize, Mode: 0o644})
	_, _ = tw.Write(make([]byte, bombSize))
	_ = tw.Close()
}

// A member is bounded, whether it is read or skipped.
func TestBombs(t *testing.T) {
	for name, write := range map[string]func(io.Writer){
		"tar": writeTar,
		"tar.gz": func(w io.Writer) {
			zw := gzip.NewWriter(w)
			writeTar(zw)
			_ = zw.Close()
		},
		"tar.zst": func(w io.Writer) {
			zw, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
			writeTar(zw)
			_ = zw.Close()
		},
		"zip": func(w io.Writer) {
			zw := zip.NewWriter(w)
			m, _ := zw.Create("core")
			_, _ = m.Write(make([]byte, bombSize))
			_ = zw.Close()
		},
	} {
		f := bomb(t, name, write)
		k, err := kindOf(f)
		require.NoError(t, err)
		require.NotEqual(t, noArchive, k)
		var read int64
		err = walk(f, k, 1<<20, func(_ string, _ time.Time, r io.Reader) error {
			n, err := io.Copy(io.Discard, r)
			read += n
			return err
		})
		require.ErrorIs(t, err, errTooLarge, name)
		require.LessOrEqual(t, read, int64(1<<20), name)
		if name != "zip" { // whose members can be skipped without reading them
			_, err = f.Seek(0, io.SeekStart)
			require.NoError(t, err)
			require.ErrorIs(t, walk(f, k, 1<<20, func(string, time.Time, io.Reader) error { return nil }), errTooLarge, name)
		}
	}
}
