package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	_ "gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/gorowatch/gorowatch/collector"
	"github.com/gorowatch/gorowatch/leak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	shop = labels.FromStrings("namespace", "prod", "job", "shop")
)

// decode counts the bytes, because profiles here are not real ones.
func decode(_ context.Context, r io.Reader, taken time.Time) (*collector.Profile, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if string(raw) == "broken" {
		return nil, errors.New("not a profile")
	}
	return &collector.Profile{Time: taken, Total: int64(len(raw)), Raw: raw}, nil
}

func open(t *testing.T, url string, log io.Writer) *Archive {
	t.Helper()
	if log == nil {
		log = io.Discard
	}
	a, err := Open(t.Context(), url, Options{
		GroupBy: []string{"namespace", "job"}, Decode: decode,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

// everyBucket runs a test with each kind of bucket.
func everyBucket(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("file", func(t *testing.T) { test(t, "file://"+t.TempDir()+"/made/by/open") })
	t.Run("mem", func(t *testing.T) { test(t, "mem://") })
	t.Run("s3", func(t *testing.T) { test(t, newS3(t).url) })
}

func (a *Archive) counted(op, result string) float64 {
	return testutil.ToFloat64(a.metrics.ops.WithLabelValues(op, result))
}

// keys returns all objects of the bucket.
func (a *Archive) keys(t *testing.T) (out []string) {
	t.Helper()
	it := a.bucket().List(nil)
	for {
		obj, err := it.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err)
		out = append(out, obj.Key)
	}
}

func profile(raw string) *collector.Profile {
	return &collector.Profile{Raw: []byte(raw), Total: int64(len(raw))}
}

func TestOpenNeedsItsOptions(t *testing.T) {
	_, err := Open(t.Context(), "mem://", Options{Decode: decode})
	require.ErrorContains(t, err, "required")
	_, err = Open(t.Context(), "mem://", Options{GroupBy: []string{"job"}})
	require.ErrorContains(t, err, "required")
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct{ url, text string }{
		"not a URL":            {"file://%zz", "storage.url"},
		"unknown scheme":       {"gopher://x/y", `scheme "gopher", expected one of file, mem, s3`},
		"unknown option":       {"file://" + dir + "?colour=red", "colour"},
		"a file":               {"file://" + file, "is not a directory"},
		"below a file":         {"file://" + file + "/sub", "not a directory"},
		"cannot be written":    {"file:///proc", "cannot be written"},
		"secrets are not told": {"gopher://u:hunter2@x/y?token=hunter2", "gopher"},
		"nor in options":       {"file://" + dir + "?token=hunter2", "archive: storage.url: file://" + dir + "?token=xxx: invalid query parameter \"token\""},
		"it names the folder":  {"file://" + file, "archive: storage.url: file://" + file + ": "},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := os.Stat("/proc/self"); err != nil && c.url == "file:///proc" {
				t.Skip("there is no /proc")
			}
			_, err := Open(t.Context(), c.url, Options{GroupBy: []string{"job"}, Decode: decode})
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "hunter2")
			require.NotContains(t, err.Error(), "create_dir", "options that nobody gave")
		})
	}
}

func TestOpenLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	open(t, "file://"+dir, nil)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// The layout is a contract: other tools read it.
func TestLayout(t *testing.T) {
	for name, c := range map[string]struct {
		namespace, job, instance string
		want                     string
	}{
		"plain":                {"prod", "shop", "a-1", "profiles/prod/shop/a-1/20260301T120000Z.pb.gz"},
		"port":                 {"prod", "shop", "10.0.0.7:8080", "profiles/prod/shop/10.0.0.7:8080/20260301T120000Z.pb.gz"},
		"IPv6":                 {"prod", "shop", "[fd00::7]:80", "profiles/prod/shop/%5Bfd00::7%5D:80/20260301T120000Z.pb.gz"},
		"slashes":              {"prod", "team/shop", "a", "profiles/prod/team%2Fshop/a/20260301T120000Z.pb.gz"},
		"spaces":               {"my prod", "shop", "a b", "profiles/my%20prod/shop/a%20b/20260301T120000Z.pb.gz"},
		"empty":                {"", "shop", "", "profiles/_/shop/_/20260301T120000Z.pb.gz"},
		"what stands for that": {"_", "shop", "_", "profiles/%5F/shop/%5F/20260301T120000Z.pb.gz"},
		"up and away":          {"..", ".", "../../x", "profiles/%2E%2E/%2E/..%2F..%2Fx/20260301T120000Z.pb.gz"},
		"UTF-8":                {"prod", "größe", "店", "profiles/prod/gr%C3%B6%C3%9Fe/%E5%BA%97/20260301T120000Z.pb.gz"},
		"percent":              {"prod", "50%", "%2F", "profiles/prod/50%25/%252F/20260301T120000Z.pb.gz"},
		"control and quotes":   {"prod", "a\nb\x00", `"q"?#\`, "profiles/prod/a%0Ab%00/%22q%22%3F%23%5C/20260301T120000Z.pb.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			everyBucket(t, func(t *testing.T, url string) {
				a := open(t, url, nil)
				service := labels.FromStrings("namespace", c.namespace, "job", c.job)
				taken := noon.In(time.FixedZone("elsewhere", 5*3600)).Add(300 * time.Millisecond)
				ref, err := a.SaveProfile(t.Context(), service, c.instance, taken, profile("12345"))
				require.NoError(t, err)
				require.Equal(t, leak.ProfileRef{Key: c.want, Instance: c.instance, Time: taken, Total: 5}, ref)
				require.Equal(t, []string{c.want}, a.keys(t))

				list, err := a.Profiles(t.Context(), service, c.instance)
				require.NoError(t, err)
				require.Equal(t, []leak.ProfileRef{{Key: c.want, Instance: c.instance, Time: noon}}, list)
				p, err := a.LoadProfile(t.Context(), ref.Key)
				require.NoError(t, err)
				require.Equal(t, "12345", string(p.Raw))
				require.Equal(t, noon, p.Time)
				r, err := a.OpenProfile(t.Context(), ref.Key)
				require.NoError(t, err)
				raw, err := io.ReadAll(r)
				require.NoError(t, err)
				require.NoError(t, r.Close())
				require.Equal(t, "12345", string(raw))
			})
		})
	}
}

// The disk has exactly the files of the layout.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	a := open(t, "file://"+dir, nil)
	_, err := a.SaveProfile(t.Context(), labels.FromStrings("namespace", "..", "job", "a/b"), "x:1", noon, profile("1"))
	require.NoError(t, err)
	require.NoError(t, a.SaveLeak(t.Context(), leak.Leak{ID: "abc"}))
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	}))
	require.Equal(t, []string{"leaks/abc.json", "profiles/%2E%2E/a%2Fb/x:1/20260301T120000Z.pb.gz"}, files)
}

func TestProfilesOfAnInstanceOldestFirst(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		for _, d := range []time.Duration{2 * time.Hour, 0, time.Hour} {
			for _, instance := range []string{"a", "a:1", "b"} {
				_, err := a.SaveProfile(t.Context(), shop, instance, noon.Add(d), profile("1"))
				require.NoError(t, err)
			}
		}
		require.NoError(t, a.bucket().WriteAll(t.Context(), "profiles/prod/shop/a/notes.txt", nil, nil))
		require.NoError(t, a.bucket().WriteAll(t.Context(), "profiles/prod/shop/a/yesterday.pb.gz", nil, nil))
		list, err := a.Profiles(t.Context(), shop, "a")
		require.NoError(t, err)
		var times []time.Time
		for _, ref := range list {
			require.Equal(t, "a", ref.Instance)
			times = append(times, ref.Time)
		}
		require.Equal(t, []time.Time{noon, noon.Add(time.Hour), noon.Add(2 * time.Hour)}, times)

		list, err = a.Profiles(t.Context(), shop, "nobody")
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

func TestGroupByOfAReload(t *testing.T) {
	a := open(t, "mem://", nil)
	a.GroupBy([]string{"app"})
	ref, err := a.SaveProfile(t.Context(), labels.FromStrings("app", "shop"), "a", noon, profile("1"))
	require.NoError(t, err)
	require.Equal(t, "profiles/shop/a/20260301T120000Z.pb.gz", ref.Key)
}

func TestKeysThatAreNoProfile(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		require.NoError(t, a.SaveLeak(t.Context(), leak.Leak{ID: "abc"}))
		require.NoError(t, a.bucket().WriteAll(t.Context(), "secret.pb.gz", []byte("hunter2"), nil))
		require.NoError(t, a.bucket().WriteAll(t.Context(), "profiles/a/20260301T120000Z.pb.gz", []byte("1"), nil))
		if dir, ok := strings.CutPrefix(url, "file://"); ok {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "..", "outside.pb.gz"), []byte("hunter2"), 0o600))
		}
		for _, key := range []string{
			"", "profiles/", "profiles/.pb.gz", "leaks/abc.json", "secret.pb.gz", "/profiles/a/20260301T120000Z.pb.gz",
			"profiles/../secret.pb.gz", "profiles/../../outside.pb.gz", "profiles/a/../../leaks/x.pb.gz", "profiles/./a/20260301T120000Z.pb.gz",
			"profiles//a/20260301T120000Z.pb.gz", `profiles\..\secret.pb.gz`, "profiles/..%2Fsecret.pb.gz", "profiles/nobody/20260301T120000Z.pb.gz",
			"profiles/..__0x2f__secret.pb.gz",
		} {
			_, err := a.OpenProfile(t.Context(), key)
			require.ErrorIs(t, err, fs.ErrNotExist, key)
			_, err = a.LoadProfile(t.Context(), key)
			require.Error(t, err, key)
		}
	})
}

func TestLoadOfABrokenProfile(t *testing.T) {
	a := open(t, "mem://", nil)
	ref, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("broken"))
	require.NoError(t, err)
	_, err = a.LoadProfile(t.Context(), ref.Key)
	require.EqualError(t, err, "archive: "+ref.Key+": not a profile")
	require.Equal(t, 1.0, a.counted("load_profile", "error"))
}

// aLeak makes a leak with everything that a document may have.
func aLeak(id string) leak.Leak {
	return leak.Leak{
		ID: id, Service: shop, Signature: "chan send|main.f", State: leak.Firing, Evidence: leak.Stack,
		Onset: noon, DetectedAt: noon.Add(time.Hour), UpdatedAt: noon.Add(2 * time.Hour),
		Leaked: 12, Share: 0.9, Instances: []string{"a", "b"}, InstancesTotal: 3,
		Stacks: []leak.StackGrowth{{Signature: "chan send|main.f", Op: "chan send", Head: 12, Frames: []collector.Frame{{Func: "main.f", File: "f.go", Line: 3}}}},
		Base:   &leak.ProfileRef{Key: "profiles/prod/shop/a/20260301T120000Z.pb.gz", Instance: "a", Time: noon, Total: 3},
	}
}

func TestLeaksComeBackAsTheyWere(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		none, err := a.Leaks(t.Context())
		require.NoError(t, err)
		require.Empty(t, none)

		one, two, odd := aLeak("one"), aLeak("two"), aLeak("../a b")
		for _, l := range []leak.Leak{one, two, odd} {
			require.NoError(t, a.SaveLeak(t.Context(), l))
		}
		two.State, two.ResolvedAt = leak.Resolved, noon.Add(3*time.Hour)
		require.NoError(t, a.SaveLeak(t.Context(), two))
		got, err := a.Leaks(t.Context())
		require.NoError(t, err)
		require.ElementsMatch(t, []leak.Leak{one, two, odd}, got)
		require.Equal(t, []string{"leaks/..%2Fa%20b.json", "leaks/one.json", "leaks/two.json"}, a.keys(t))
		require.Equal(t, 4.0, a.counted("save_leak", "ok"))
		require.Equal(t, 2.0, a.counted("load_leaks", "ok"))
	})
}

func TestForeignDocumentsAreMovedAside(t *testing.T) {
	var log bytes.Buffer
	a := open(t, "mem://", &log)
	require.NoError(t, a.SaveLeak(t.Context(), aLeak("mine")))
	foreign := map[string]string{
		"leaks/README.md":      "ours, keep out",
		"leaks/half.json":      `{"id":"half","serv`,
		"leaks/nobody.json":    `{}`,
		"leaks/list.json":      `[1,2]`,
		"leaks/renamed.json":   `{"id":"other"}`,
		"leaks/deep/mine.json": `{"id":"mine"}`,
		"leaks/type.json":      `{"id":7}`,
	}
	for key, text := range foreign {
		require.NoError(t, a.bucket().WriteAll(t.Context(), key, []byte(text), nil))
	}
	foreign["leaks/huge.json"] = string(make([]byte, maxDocument+1))
	require.NoError(t, a.bucket().WriteAll(t.Context(), "leaks/huge.json", []byte(foreign["leaks/huge.json"]), nil))
	got, err := a.Leaks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []leak.Leak{aLeak("mine")}, got)
	want := []string{"leaks/mine.json"}
	for key, text := range foreign {
		require.Contains(t, log.String(), "key="+key+" to=aside/"+key+" ")
		want = append(want, "aside/"+key)
		there, err := a.bucket().ReadAll(t.Context(), "aside/"+key)
		require.NoError(t, err)
		require.Equal(t, text, string(there), "nothing is lost")
	}
	slices.Sort(want)
	require.Equal(t, want, a.keys(t))
	require.InDelta(t, float64(len(foreign)), testutil.ToFloat64(a.metrics.aside), 0)

	// A second object of the same name replaces nothing.
	require.NoError(t, a.bucket().WriteAll(t.Context(), "leaks/half.json", []byte("another"), nil))
	_, err = a.Leaks(t.Context())
	require.NoError(t, err)
	require.Len(t, a.keys(t), len(want)+1)
	there, err := a.bucket().ReadAll(t.Context(), "aside/leaks/half.json")
	require.NoError(t, err)
	require.Equal(t, foreign["leaks/half.json"], string(there))
}

// A write that is cancelled leaves the old document, and nothing else.
func TestGivenUpWriteLeavesTheOldDocument(t *testing.T) {
	dir := t.TempDir()
	a := open(t, "file://"+dir, nil)
	require.NoError(t, a.SaveLeak(t.Context(), aLeak("one")))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	changed := aLeak("one")
	changed.Leaked = 1e6
	require.ErrorIs(t, a.SaveLeak(canceled, changed), context.Canceled)
	require.Equal(t, 1.0, a.counted("save_leak", "error"))
	got, err := a.Leaks(t.Context())
	require.NoError(t, err)
	require.Equal(t, []leak.Leak{aLeak("one")}, got)
	require.Equal(t, []string{"leaks/one.json"}, a.keys(t))
}

// Readers never see half of a document while it is replaced.
func TestDocumentsAreReplacedWhole(t *testing.T) {
	var log bytes.Buffer
	a := open(t, "file://"+t.TempDir(), &log)
	short, long := aLeak("one"), aLeak("one")
	for i := range 500 {
		long.Instances = append(long.Instances, fmt.Sprint("instance-", i))
	}
	require.NoError(t, a.SaveLeak(t.Context(), short))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		for {
			for _, l := range []leak.Leak{long, short} {
				if err := a.SaveLeak(t.Context(), l); err != nil {
					t.Error(err)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range 200 {
		got, err := a.Leaks(t.Context())
		require.NoError(t, err)
		require.Len(t, got, 1)
		require.Contains(t, []int{len(short.Instances), len(long.Instances)}, len(got[0].Instances))
	}
	require.NotContains(t, log.String(), "key=leaks/one.json")
}

func TestPlaceThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	a := open(t, "file://"+dir, nil)
	for _, name := range []string{"leaks", "profiles"} { // files where folders should be
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	require.ErrorContains(t, a.SaveLeak(t.Context(), aLeak("one")), "not a directory")
	_, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("1"))
	require.ErrorContains(t, err, "not a directory")
	require.Equal(t, 1.0, a.counted("save_leak", "error"))
	require.Equal(t, 1.0, a.counted("save_profile", "error"))
}

// fullDisk is a bucket on a full disk: a write fails when it is closed.
type fullDisk struct{ driver.Bucket }

type fullWriter struct{}

func (fullDisk) NewTypedWriter(context.Context, string, string, *driver.WriterOptions) (driver.Writer, error) {
	return fullWriter{}, nil
}

func (fullDisk) ListPaged(context.Context, *driver.ListOptions) (*driver.ListPage, error) {
	return nil, syscall.EIO
}

func (fullDisk) NewRangeReader(context.Context, string, int64, int64, *driver.ReaderOptions) (driver.Reader, error) {
	return nil, syscall.EIO
}
func (fullDisk) ErrorCode(error) gcerrors.ErrorCode { return gcerrors.Unknown }
func (fullDisk) ErrorAs(error, any) bool            { return false }
func (fullDisk) Close() error                       { return nil }

func (fullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (fullWriter) Close() error                { return syscall.ENOSPC }

func TestFullDisk(t *testing.T) {
	a := open(t, "mem://", nil)
	old := a.bucket()
	a.current.Store(&store{bucket: blob.NewBucket(fullDisk{})})
	require.NoError(t, old.Close())

	full := syscall.ENOSPC.Error()
	require.ErrorContains(t, a.SaveLeak(t.Context(), aLeak("one")), full)
	_, err := a.SaveProfile(t.Context(), shop, "a", noon, profile("1"))
	require.ErrorContains(t, err, full)
	_, err = a.Profiles(t.Context(), shop, "a")
	require.Error(t, err)
	_, err = a.Leaks(t.Context())
	require.Error(t, err)
	_, err = a.LoadProfile(t.Context(), "profiles/a/20260301T120000Z.pb.gz")
	require.Error(t, err)
	_, err = a.OpenProfile(t.Context(), "profiles/a/20260301T120000Z.pb.gz")
	require.Error(t, err)
	require.NotErrorIs(t, err, fs.ErrNotExist, "that it cannot be read does not mean that it is not there")
	require.Error(t, a.Sweep(t.Context(), noon, time.Hour, nil))
	for _, op := range []string{"save_leak", "save_profile", "list_profiles", "load_leaks", "load_profile", "sweep"} {
		require.Equal(t, 1.0, a.counted(op, "error"), op)
		require.Equal(t, 0.0, a.counted(op, "ok"), op)
	}
}

// restless is a bucket in whose folder files vanish during a listing.
type restless struct {
	fullDisk
	vanish int
}

func (r *restless) ListPaged(context.Context, *driver.ListOptions) (*driver.ListPage, error) {
	if r.vanish--; r.vanish >= 0 {
		return nil, fs.ErrNotExist
	}
	return &driver.ListPage{Objects: []*driver.ListObject{{Key: "profiles/prod/shop/a/20260301T120000Z.pb.gz"}}}, nil
}

func (r *restless) ErrorCode(err error) gcerrors.ErrorCode {
	if errors.Is(err, fs.ErrNotExist) {
		return gcerrors.NotFound
	}
	return gcerrors.Unknown
}

func TestListingIsTriedAgain(t *testing.T) {
	for vanish, ok := range map[int]bool{0: true, 1: true, maxTries - 1: true, maxTries: false} {
		a := open(t, "mem://", nil)
		require.NoError(t, a.bucket().Close())
		a.current.Store(&store{bucket: blob.NewBucket(&restless{vanish: vanish})})
		list, err := a.Profiles(t.Context(), shop, "a")
		require.Equal(t, ok, err == nil, "%d: %v", vanish, err)
		if ok {
			require.Len(t, list, 1)
		}
	}
}

// More than a page.
func TestManyProfiles(t *testing.T) {
	a := open(t, "mem://", nil)
	const n = 2*pageSize + 1
	for i := range n {
		_, err := a.SaveProfile(t.Context(), shop, "a", noon.Add(time.Duration(i)*time.Second), profile("1"))
		require.NoError(t, err)
	}
	list, err := a.Profiles(t.Context(), shop, "a")
	require.NoError(t, err)
	require.Len(t, list, n)
	require.NoError(t, a.Sweep(t.Context(), noon.Add((n-1)*time.Second), time.Second, nil))
	list, err = a.Profiles(t.Context(), shop, "a")
	require.NoError(t, err)
	require.Len(t, list, 2)
}

// TestDump: a dump is stored beside the profiles, is not listed among them, and is read like
// one.
func TestDump(t *testing.T) {
	everyBucket(t, func(t *testing.T, url string) {
		a := open(t, url, nil)
		ref, err := a.SaveDump(t.Context(), shop, "a", noon, profile("3"))
		require.NoError(t, err)
		require.Equal(t, "profiles/prod/shop/a/20260301T120000Z.debug2.txt.gz", ref.Key)
		r, err := a.OpenProfile(t.Context(), ref.Key)
		require.NoError(t, err)
		raw, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		require.Equal(t, profile("3").Raw, raw)
		p, err := a.LoadProfile(t.Context(), ref.Key)
		require.NoError(t, err)
		require.Equal(t, noon, p.Time.UTC())

		list, err := a.Profiles(t.Context(), shop, "a")
		require.NoError(t, err)
		require.Empty(t, list)
		list, err = a.ServiceProfiles(t.Context(), shop, noon.Add(-time.Hour), noon.Add(time.Hour))
		require.NoError(t, err)
		require.Empty(t, list)
	})
}
