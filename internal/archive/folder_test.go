//go:build unix

package archive

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

// inFolder makes an archive, its folder, and another folder with a file outside.
func inFolder(t *testing.T, log io.Writer) (a *Archive, dir, outside, secret string) {
	dir, outside = t.TempDir(), t.TempDir()
	secret = filepath.Join(outside, "20260301T120000Z.pb.gz")
	require.NoError(t, os.WriteFile(secret, []byte("hunter2"), 0o600))
	return open(t, "file://"+dir, log), dir, outside, secret
}

func link(t *testing.T, to, from string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(from), 0o755))
	require.NoError(t, os.Symlink(to, from))
}

// A link in the bucket, to a file or to a folder, is not followed, whether it is read, listed,
// written, swept or set aside. Nor is one to another place in the bucket.
func TestLinksAreNotFollowed(t *testing.T) {
	var log bytes.Buffer
	a, dir, outside, secret := inFolder(t, &log)
	ctx := t.Context()
	const file, folder = "profiles/prod/shop/a/20260301T120000Z.pb.gz", "profiles/prod/shop/b/20260301T120000Z.pb.gz"
	link(t, secret, filepath.Join(dir, file))
	link(t, outside, filepath.Join(dir, "profiles/prod/shop/b"))
	link(t, outside, filepath.Join(dir, "profiles/stage"))
	link(t, secret, filepath.Join(dir, "leaks/x.json"))
	link(t, secret, filepath.Join(dir, "notes/x.json"))
	link(t, secret, filepath.Join(dir, "captures/x.json"))
	link(t, secret, filepath.Join(dir, "owner.json"))
	link(t, "shop/a", filepath.Join(dir, "profiles/prod/inside"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "profiles/prod/shop/a/20260301T130000Z.pb.gz"), []byte("ours"), 0o600))

	for _, key := range []string{file, folder, "profiles/stage/20260301T120000Z.pb.gz", "profiles/prod/inside/20260301T130000Z.pb.gz"} {
		_, err := a.LoadProfile(ctx, key)
		require.ErrorIs(t, err, fs.ErrNotExist, key)
		require.ErrorContains(t, err, "symbolic link", key)
		_, err = a.OpenProfile(ctx, key)
		require.ErrorIs(t, err, fs.ErrNotExist, key)
	}
	p, err := a.LoadProfile(ctx, "profiles/prod/shop/a/20260301T130000Z.pb.gz")
	require.NoError(t, err)
	require.Equal(t, "ours", string(p.Raw))

	refs, err := a.Profiles(ctx, shop, "a")
	require.NoError(t, err)
	require.Len(t, refs, 1, "the link is not listed")
	require.Contains(t, log.String(), file)
	_, err = a.Profiles(ctx, shop, "b")
	require.ErrorIs(t, err, errLink)
	_, err = a.ServiceProfiles(ctx, labels.FromStrings("namespace", "stage", "job", ""), noon.Add(-time.Hour), noon)
	require.ErrorIs(t, err, errLink)
	leaks, err := a.Leaks(ctx)
	require.ErrorIs(t, err, errLink, "for a leak may be missing")
	require.Empty(t, leaks)
	notes, err := a.Notes(ctx)
	require.ErrorIs(t, err, errLink)
	require.Empty(t, notes)
	captures, err := a.Captures(ctx)
	require.ErrorIs(t, err, errLink)
	require.Empty(t, captures)
	_, err = a.Claim(ctx, "owner", Owner{ID: "1"})
	require.ErrorIs(t, err, errLink)

	_, err = a.SaveProfile(ctx, shop, "b", noon.Add(time.Minute), &collector.Profile{Raw: []byte("x")})
	require.ErrorIs(t, err, errLink)
	require.NoError(t, a.SaveLeak(ctx, leak.Leak{ID: "x"}), "a link is replaced")
	require.ErrorIs(t, a.delete(ctx, folder), errLink)
	require.NoError(t, os.Remove(filepath.Join(dir, "captures/x.json")))
	require.NoError(t, a.Sweep(ctx, noon.Add(1000*time.Hour), time.Hour, nil))
	a.setAside(ctx, file, errForeign)

	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing was written or deleted outside")
	text, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "hunter2", string(text))
	aside := filepath.Join(dir, "aside", file)
	require.NoFileExists(t, aside)
	info, err := os.Lstat(filepath.Join(dir, "leaks/x.json"))
	require.NoError(t, err)
	require.True(t, info.Mode().IsRegular())
}

// A link replaces a file between the check and the opening.
func TestLinkInBetween(t *testing.T) {
	a, dir, _, secret := inFolder(t, nil)
	f := a.store().folder
	name := filepath.Join(dir, "x")
	link(t, secret, name)
	opened, err := os.Open(name)
	require.NoError(t, err)
	defer opened.Close()
	require.ErrorIs(t, f.checkOpen(opened), errLink)
	require.NoError(t, os.Remove(name))
	require.ErrorIs(t, f.checkOpen(opened), errReplaced)
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.ErrorIs(t, f.checkOpen(opened), errReplaced, "another file by now")
	again, err := os.Open(name)
	require.NoError(t, err)
	defer again.Close()
	require.NoError(t, f.checkOpen(again))
}

// Files without an end, or that never answer, are not opened.
func TestSpecialFiles(t *testing.T) {
	a, dir, _, _ := inFolder(t, nil)
	const key = "profiles/prod/shop/a/20260301T120000Z.pb.gz"
	require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, key)), 0o755))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, key), 0o600))
	_, err := a.LoadProfile(t.Context(), key)
	require.ErrorIs(t, err, errLink)
	refs, err := a.Profiles(t.Context(), shop, "a")
	require.NoError(t, err)
	require.Empty(t, refs)
}

// The folder itself may be a link, because the configuration names it.
func TestLinkedFolder(t *testing.T) {
	at := filepath.Join(t.TempDir(), "link")
	link(t, t.TempDir(), at)
	a := open(t, "file://"+at, nil)
	ref, err := a.SaveProfile(t.Context(), shop, "a", noon, &collector.Profile{Raw: []byte("x")})
	require.NoError(t, err)
	_, err = a.LoadProfile(t.Context(), ref.Key)
	require.NoError(t, err)
}

// fileName agrees with fileblob's name for a key.
func TestFileName(t *testing.T) {
	dir := t.TempDir()
	for query, prefix := range map[string]string{"": "", "?prefix=team/": "team/"} {
		a := open(t, "file://"+dir+query, nil)
		for _, key := range []string{"top", "a/b:c/d%2Fe", "x\x01y", "__0x2f__", "__0x2f__0x2f__", "__0x_", "u/../v", "w//x", "y/", "ü/世"} {
			require.NoError(t, a.bucket().WriteAll(t.Context(), key, []byte(key), nil), "%q", key)
			info, err := a.store().folder.lstat(fileName(prefix + key))
			require.NoError(t, err)
			require.NotNil(t, info, "%q", key)
			require.True(t, info.Mode().IsRegular())
			text, err := a.read(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, key, string(text))
		}
	}
}

// A profile that the decoder cannot take is decoded once, not at each start.
func TestUndecodableIsSetAside(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		var log bytes.Buffer
		a := open(t, url, &log)
		decoded := 0
		var fail error
		a.o.Decode = func(_ context.Context, r io.Reader, _ time.Time) (*collector.Profile, error) {
			decoded++
			if fail != nil {
				return nil, fail
			}
			_, err := io.ReadAll(r)
			return &collector.Profile{}, err
		}
		save := func() string {
			ref, err := a.SaveProfile(t.Context(), shop, "a", noon, &collector.Profile{Raw: []byte("bomb")})
			require.NoError(t, err)
			return ref.Key
		}
		key := save()
		for _, fail = range []error{collector.Errorf(collector.ReasonTruncated, "x"), collector.Errorf(collector.ReasonBudget, "no memory"), context.Canceled} {
			_, err := a.LoadProfile(t.Context(), key)
			require.ErrorIs(t, err, fail)
			refs, err := a.Profiles(t.Context(), shop, "a")
			require.NoError(t, err)
			require.Len(t, refs, 1, "it may be read another time: %v", fail)
		}
		for i, reason := range []collector.Reason{collector.ReasonTooLarge, collector.ReasonDecoder} {
			fail, decoded = collector.Errorf(reason, "it takes too long to decode"), 0
			for range 2 {
				_, err := a.LoadProfile(t.Context(), key)
				require.ErrorContains(t, err, "it takes too long to decode")
				require.Equal(t, reason, collector.ReasonOf(err))
			}
			require.Equal(t, 1, decoded)
			refs, err := a.Profiles(t.Context(), shop, "a")
			require.NoError(t, err)
			require.Empty(t, refs)
			raw, err := a.bucket().ReadAll(t.Context(), "aside/"+key)
			require.NoError(t, err)
			require.Equal(t, "bomb", string(raw))
			require.Equal(t, float64(i+1), testutil.ToFloat64(a.metrics.aside))
			require.Contains(t, log.String(), key)

			fail = nil
			require.Equal(t, key, save())
			_, err = a.LoadProfile(t.Context(), key)
			require.NoError(t, err, "another profile by now")
		}
	})
}
