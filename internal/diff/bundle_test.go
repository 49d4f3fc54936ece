package diff

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

type member struct{ name, text string }

func zipped(t testing.TB, members []member) []byte {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, m := range members {
		f, err := w.Create(m.name)
		require.NoError(t, err)
		_, err = io.WriteString(f, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func tarred(t testing.TB, members []member) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o755}))
	for _, m := range members {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o644}))
		_, err := io.WriteString(w, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func zstded(t testing.TB, data []byte) []byte {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll(data, nil)
}

func archives(t testing.TB, members []member) map[string][]byte {
	return map[string][]byte{
		"b.zip": zipped(t, members), "b.tar": tarred(t, members),
		"b.tar.gz": gzipped(t, tarred(t, members)), "b.tar.zst": zstded(t, tarred(t, members)),
	}
}

func TestArchives(t *testing.T) {
	others := []member{{"dir/README", "a debug bundle"}, {"dir/heap.txt", "heap profile: 1: 2 [3: 4] @ heap/1"}, {"dir/empty", ""}, {"dir/core", "\x7fELF\x02"}}
	load := func(place string) (total int64, readAs string, err error) {
		s, err := (&Loader{}).Load(t.Context(), place)
		if err != nil {
			return 0, "", err
		}
		return s.Total, s.ReadAs, nil
	}
	for _, tc := range []struct {
		members     []member
		name        string // behind the colon
		total       int64
		readAs, err string
	}{
		{members: []member{{"dir/goroutine.txt", baseDump}}, total: 3, readAs: "dir/goroutine.txt of the archive"},
		{members: []member{{"./goroutine.pb.gz", string(gzipped(t, []byte(baseDump)))}}, total: 3, readAs: "./goroutine.pb.gz of the archive"},
		{members: []member{{"a: b.txt", "log line\n" + baseDump}}, name: "a: b.txt", total: 3, readAs: "a: b.txt of the archive; debug=2 dump; 1 line that belongs to no goroutine ignored"},
		{members: []member{{"one.txt", baseDump}, {"two.txt", headDump()}}, err: "it holds 2 goroutine profiles: one.txt, two.txt; name one, as in "},
		{members: []member{{"one.txt", baseDump}, {"two.txt", headDump()}}, name: "two.txt", total: 1906, readAs: "two.txt of the archive"},
		{members: []member{{"one.txt", baseDump}}, name: "three.txt", err: `there is no "three.txt" in it; leave the name out to list the members`},
		{err: "no goroutine profile is among its 4 files: dir/README, dir/core, dir/empty, dir/heap.txt"},
		{members: []member{{"cut.txt", baseDump[:strings.Index(baseDump, "\t/src/work.go")]}}, err: "cut.txt: line 6: it ends within goroutine 5"},
		{members: []member{{"evil\x1b[31m.txt", "x"}}, err: "evil?[31m.txt"},
	} {
		for name, data := range archives(t, append(others, tc.members...)) {
			place := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(place, data, 0o600))
			if tc.name != "" {
				place += ":" + tc.name
			}
			total, readAs, err := load(place)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err, name)
				require.NotContains(t, err.Error(), "\x1b")
				continue
			}
			require.NoError(t, err, name)
			require.Equal(t, tc.total, total, name)
			require.Equal(t, tc.readAs, readAs, name)
		}
	}
	_, _, err := load(write(t, "base.txt", baseDump) + ":x")
	require.ErrorContains(t, err, `there is no "x" in it`)
	total, _, err := load(write(t, "base.txt.zst", string(zstded(t, []byte(baseDump)))))
	require.NoError(t, err)
	require.EqualValues(t, 3, total)
}

// Damaged archives and bombs are refused quickly.
func TestHostileArchives(t *testing.T) {
	for name, data := range archives(t, []member{{"goroutine.txt", strings.Repeat(baseDump, 200)}}) {
		for _, n := range []int{10, 300, len(data) / 2, len(data) - 3} {
			if n < len(data) {
				// A complete member may still be read.
				_, _ = (&Loader{}).Load(t.Context(), write(t, name, string(data[:n])))
			}
		}
		for i := 0; i < len(data); i += 1 + len(data)/40 {
			bad := bytes.Clone(data)
			bad[i] ^= 0x55
			_, _ = (&Loader{}).Load(t.Context(), write(t, name, string(bad)))
		}
	}
	many := make([]member, 20_001)
	for i := range many {
		many[i] = member{fmt.Sprint(i), ""}
	}
	for name, data := range archives(t, many) {
		_, err := (&Loader{}).Load(t.Context(), write(t, name, string(data)))
		require.ErrorContains(t, err, "it has more than 20000 members; unpack it and use the profile itself", name)
	}
}

// FuzzArchive reads files that claim to be an archive.
func FuzzArchive(f *testing.F) {
	for _, data := range archives(f, []member{{"a", "x"}, {"goroutine.txt", baseDump}}) {
		f.Add(data, "")
		f.Add(data, "goroutine.txt")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		place := write(t, "b", string(data))
		if name != "" && !strings.ContainsRune(name, 0) {
			place += ":" + name
		}
		s, err := (&Loader{}).Load(t.Context(), place)
		if err == nil {
			require.Positive(t, s.Total+1)
		}
	})
}
